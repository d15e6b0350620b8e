"""Which users of a service the owners are, looked up by e-mail address before anything happens.

No alert waits for this: a message mentions the owners that are known and names the others. Lookups
run while little happens, so that a storm does not cost a single extra call.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.outbox.cursors import read_cursor, set_cursor
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS, USERS
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.registry import capabilities_of
from shared_lib.secrets import SecretError, redact

# People come and go, so an address is looked up again after this time.
LIFETIME_SECONDS = 86400.0
MOST_IN_A_PASS = 3
# When more incidents than this have changed in this many seconds, no lookups run.
_BUSY_INCIDENTS = 5
_BUSY_SECONDS = 600.0

_PAUSE_SECONDS = 600.0
_FORBIDDEN_SECONDS = 86400.0
_ADDRESS = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}")


class KnowsUsers(Protocol):
    """Looks up users of a service, such as ``Services``."""

    def user_id(self, destination: Destination, address: str) -> str | None:
        """Return the service's id of the user with an e-mail address, or None."""
        ...


def known_users(database: Database) -> dict[str, dict[str, str]]:
    """Return the ids of the owners that have been found, by service and owner."""
    query = sa.select(USERS.c.service, USERS.c.owner, USERS.c.user_id)
    found: dict[str, dict[str, str]] = {}
    with database.transaction() as connection:
        for row in connection.execute(query.where(USERS.c.user_id.is_not(None))):
            found.setdefault(row.service, {})[row.owner] = row.user_id
    return found


def find_users(
    database: Database,
    services: KnowsUsers,
    *,
    owners: Iterable[str],
    policies: Sequence[Policy],
    alert_channel: str,
    now: float,
) -> list[str]:
    """Look up a few owners that are unknown or outdated; return why that failed.

    Only services that policies use and that can look up users are asked. A failure is reported when
    it occurs and then pauses the lookups: for a day if a permission is missing, else for as long
    as the service asks.

    Args:
        database: where the outbox is.
        services: used for asking.
        owners: the owners of assets, as Dagster has them.
        policies: the policies in force.
        alert_channel: the environment's channel, for policies that name no other.
        now: seconds since 1970.
    """
    problems = [
        _find(database, services, destination, wanted, now=now)
        for destination, wanted in _wanted(list(owners), policies, alert_channel).items()
    ]
    return [problem for problem in problems if problem]


def _find(
    database: Database,
    services: KnowsUsers,
    destination: Destination,
    wanted: Sequence[str],
    *,
    now: float,
) -> str:
    service = destination.service
    with database.transaction() as connection:
        until = read_cursor(connection, _pause_cursor(service))
        missing = _unknown(connection, service, wanted, now)[:MOST_IN_A_PASS]
        if not missing or (until and now < float(until)) or _is_busy(connection, now):
            return ""
    for owner in missing:
        try:
            found = services.user_id(destination, owner)
        except SecretError:
            # the pass reports for every message that the secret is missing
            return ""
        except MessageRefusedError:
            # the service does not accept this as an address
            found = None
        except ServiceUnavailableError as error:
            return _pause(database, service, error, now)
        with database.transaction() as connection:
            is_known = (USERS.c.service == service) & (USERS.c.owner == owner)
            connection.execute(sa.delete(USERS).where(is_known))
            row = {"service": service, "owner": owner, "user_id": found, "asked_at": now}
            connection.execute(sa.insert(USERS).values(row))
    return ""


def _wanted(
    owners: Sequence[str], policies: Sequence[Policy], alert_channel: str
) -> Mapping[Destination, list[str]]:
    """Return the e-mail addresses that messages may mention, by one destination per service."""
    destinations: dict[str, Destination] = {}
    named: dict[str, list[str]] = {}
    for policy in policies:
        options = policy.policy_options
        uses = [(policy.notification_service, owners)]
        if options.escalation_service:
            uses.append((options.escalation_service, [*owners, *options.escalation_owners]))
        for service, people in uses:
            destination = service.destination(alert_channel)
            if capabilities_of(destination).can_find_users:
                destinations.setdefault(destination.service, destination)
                named.setdefault(destination.service, []).extend(people)
    return {
        destination: [name for name in dict.fromkeys(named[service]) if _ADDRESS.fullmatch(name)]
        for service, destination in destinations.items()
    }


def _is_busy(connection: sa.Connection, now: float) -> bool:
    changed = INCIDENTS.c.changed_at > now - _BUSY_SECONDS
    query = sa.select(INCIDENTS.c.id).where(changed).limit(_BUSY_INCIDENTS)
    return len(connection.execute(query).all()) >= _BUSY_INCIDENTS


def _unknown(
    connection: sa.Connection, service: str, wanted: Sequence[str], now: float
) -> list[str]:
    is_current = (USERS.c.service == service) & (USERS.c.asked_at > now - LIFETIME_SECONDS)
    known = set(connection.execute(sa.select(USERS.c.owner).where(is_current)).scalars())
    return [owner for owner in wanted if owner not in known]


def _pause(database: Database, service: str, error: ServiceUnavailableError, now: float) -> str:
    seconds = _PAUSE_SECONDS if error.retry_after is None else error.retry_after
    if isinstance(error, LookupForbiddenError):
        seconds = _FORBIDDEN_SECONDS
    with database.transaction() as connection:
        set_cursor(connection, _pause_cursor(service), str(now + seconds))
    problem = redact(f"owners are named and not called: {error}")
    logging.getLogger(LOGGER_NAME).warning(problem)
    return problem


def _pause_cursor(service: str) -> str:
    """Return the name of the cursor that holds until when no requests are sent."""
    return f"users of {service}"
