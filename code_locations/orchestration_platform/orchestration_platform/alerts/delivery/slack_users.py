"""Who the owners are in Slack, looked up by e-mail address before anything happens.

No alert waits for this: a message mentions the owners that are known and names the others. Lookups
run while little happens, so that a storm does not cost a single extra call.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import sqlalchemy as sa

from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.outbox.cursors import position, set_position
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MEMBERS
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MessageRefusedError,
    ServiceUnavailableError,
)
from shared_lib.secrets import SecretError, redact

# People come and go, so an address is looked up again after this time.
LIFETIME_SECONDS = 86400.0
MOST_IN_A_PASS = 3
# When more incidents than this have changed in this many seconds, no lookups run.
_BUSY_INCIDENTS = 5
_BUSY_SECONDS = 600.0

# No requests go to Slack before this time.
_POSITION = "members"
_PAUSE_SECONDS = 600.0
_FORBIDDEN_SECONDS = 86400.0
_ADDRESS = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}")


class KnowsMembers(Protocol):
    """Looks up members in Slack, such as ``Services``."""

    def member_id(self, address: str) -> str | None:
        """Return Slack's id of the member with an e-mail address, if there is one."""
        ...


def known_members(database: Database) -> dict[str, str]:
    """Return Slack's ids of the owners that have been found."""
    query = sa.select(MEMBERS.c.owner, MEMBERS.c.member_id).where(MEMBERS.c.member_id.is_not(None))
    with database.transaction() as connection:
        return {row.owner: row.member_id for row in connection.execute(query)}


def find_members(
    database: Database,
    services: KnowsMembers,
    *,
    owners: Iterable[str],
    policies: Sequence[Policy],
    now: float,
) -> str:
    """Look up a few owners that are unknown or outdated; return why that failed.

    Nobody is looked up for policies that do not use the bot. A failure is reported when it occurs
    and then pauses the lookups: for a day if a scope is missing, else for as long as Slack asks.

    Args:
        database: where the outbox is.
        services: used for asking Slack.
        owners: the owners of assets, as Dagster has them.
        policies: the policies in force.
        now: seconds since 1970.
    """
    wanted = _addresses(owners, policies)
    if not wanted:
        return ""
    with database.transaction() as connection:
        until = position(connection, _POSITION)
        missing = _unknown(connection, wanted, now)[:MOST_IN_A_PASS]
        if not missing or (until and now < float(until)) or _is_busy(connection, now):
            return ""
    for owner in missing:
        try:
            found = services.member_id(owner)
        except SecretError:
            # the pass reports for every message what keeps the bot from its token
            return ""
        except MessageRefusedError:
            # Slack does not accept this as an address
            found = None
        except ServiceUnavailableError as error:
            return _pause(database, error, now)
        with database.transaction() as connection:
            connection.execute(sa.delete(MEMBERS).where(MEMBERS.c.owner == owner))
            row = {"owner": owner, "member_id": found, "asked_at": now}
            connection.execute(sa.insert(MEMBERS).values(row))
    return ""


def _addresses(owners: Iterable[str], policies: Sequence[Policy]) -> list[str]:
    """Return the e-mail addresses among the owners that the bot's messages may name."""
    tells = any(policy.notification_service.name == "slack" for policy in policies)
    named = list(owners) if tells else []
    for policy in policies:
        service = policy.policy_options.escalation_service
        if service and service.name == "slack":
            named += [*owners, *policy.policy_options.escalation_owners]
    return [name for name in dict.fromkeys(named) if _ADDRESS.fullmatch(name)]


def _is_busy(connection: sa.Connection, now: float) -> bool:
    changed = INCIDENTS.c.changed_at > now - _BUSY_SECONDS
    query = sa.select(INCIDENTS.c.id).where(changed).limit(_BUSY_INCIDENTS)
    return len(connection.execute(query).all()) >= _BUSY_INCIDENTS


def _unknown(connection: sa.Connection, wanted: Sequence[str], now: float) -> list[str]:
    query = sa.select(MEMBERS.c.owner).where(MEMBERS.c.asked_at > now - LIFETIME_SECONDS)
    known = set(connection.execute(query).scalars())
    return [owner for owner in wanted if owner not in known]


def _pause(database: Database, error: ServiceUnavailableError, now: float) -> str:
    seconds = _PAUSE_SECONDS if error.retry_after is None else error.retry_after
    if isinstance(error, LookupForbiddenError):
        seconds = _FORBIDDEN_SECONDS
    with database.transaction() as connection:
        set_position(connection, _POSITION, str(now + seconds))
    said = redact(f"owners are named and not called: {error}")
    logging.getLogger(LOGGER_NAME).warning(said)
    return said
