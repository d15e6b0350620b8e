"""The policies in force: those of ``alert_policies.yaml``, or while it is invalid, the last valid.

Each pass stores the policies of a valid file next to the outbox. A mistake in the file must not
end all alerts: the location still loads, with a warning, which fails the check of definitions in
CI. The sensor continues with the stored policies, and then fails its tick, which a policy reports.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.cursors import read_cursor, set_cursor
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.sharing import policies_of
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.policies import policy
from orchestration_platform.alerts.policies.policy import AlertPolicies
from shared_lib.configuration.validated_yaml import ConfigurationError

_STORED = "last valid policies"


class InvalidPoliciesWarning(UserWarning):
    """``alert_policies.yaml`` is invalid; the text lists what is wrong."""


def _warn(text: str) -> None:
    # of the module that reads the policies when it is imported
    warnings.warn(text, InvalidPoliciesWarning, stacklevel=3)


def read_policies(
    path: Path | None = None, *, report: Callable[[str], None] = _warn
) -> AlertPolicies | ConfigurationError:
    """Return the policies of the file, or report and return what is wrong with it.

    Args:
        path: another file than that of the location.
        report: called with what is wrong; by default, it becomes a warning.
    """
    try:
        return policy.load_file(path) if path else policy.load_file()
    except ConfigurationError as error:
        report(f"the last valid alert policies stay in force: {error}")
        return error


def policies_in_force(
    database: Database, found: AlertPolicies | ConfigurationError
) -> AlertPolicies:
    """Return ``found`` after storing it, or the policies stored last if it is an error.

    Raises:
        ConfigurationError: it is an error, and no valid policies have ever been stored.
    """
    with database.transaction() as connection:
        stored = read_cursor(connection, _STORED)
        if isinstance(found, AlertPolicies):
            # without the defaults, as some fields may be written for some event types only
            document = found.model_dump_json(exclude_unset=True)
            if document != stored:
                set_cursor(connection, _STORED, document)
            return found
    if stored is None:
        raise found
    return AlertPolicies.model_validate_json(stored)


def stored_policies(connection: sa.Connection) -> AlertPolicies | None:
    """Return the policies that the sensor used last; None before its first pass."""
    stored = read_cursor(connection, _STORED)
    return AlertPolicies.model_validate_json(stored) if stored else None


def runbook_of(connection: sa.Connection, row: Any, policies: AlertPolicies | None) -> str:
    """Return what to do about the incident ``row``: an address or a text; empty if nothing says.

    That of the asset or job takes precedence over that of one of ``policies``.
    """
    found = latest_of(row).runbook
    addresses = {
        policy.name: policy.policy_options.runbook_url
        for policy in (policies.alert_policies if policies else ())
        if policy.policy_options.runbook_url
    }
    if found or not addresses:
        return found
    names = policies_of(connection, row)
    return next((addresses[name] for name in names if name in addresses), "")
