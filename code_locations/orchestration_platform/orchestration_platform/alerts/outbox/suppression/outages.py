"""Outages of destinations: incidents of the outbox itself, about which nobody is sent a message.

The check ``alerts_delivered`` fails during an outage. Reported at the very destination that accepts
nothing, it would only be one more message that waits there.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import INSTANCE_LOCATION, Alert, Problem, Severity
from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.outbox.state import is_out_of_date
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
)
from orchestration_platform.alerts.services.protocol.destination import Destination

OUTAGE = "DESTINATION_OUTAGE"
# The check that fails because of an outage.
CONSEQUENCE = "platform_health: alerts_delivered"


def open_outages(connection: sa.Connection) -> dict[Destination, int]:
    """Return the incidents of the outages that are open."""
    query = sa.select(INCIDENTS).where(
        INCIDENTS.c.event_type == OUTAGE, INCIDENTS.c.recovered_at.is_(None)
    )
    return {destination_of(row): row["id"] for row in connection.execute(query).mappings()}


def destinations_in_trouble(connection: sa.Connection) -> dict[Destination, str]:
    """Return the destinations that did not accept what waits for them, each with the reason."""
    is_there = (MESSAGES.c.service == ADDRESSES.c.service) & (
        MESSAGES.c.address == ADDRESSES.c.address
    )
    something_waits = (
        sa.select(MESSAGES.c.id)
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(
            is_there,
            (MESSAGES.c.state == WAITING) | is_out_of_date(),
            INCIDENTS.c.subject != CONSEQUENCE,
        )
        .exists()
    )
    query = sa.select(ADDRESSES).where(ADDRESSES.c.reason.is_not(None), something_waits)
    return {destination_of(row): row["reason"] for row in connection.execute(query).mappings()}


def follow_outages(
    connection: sa.Connection, explained: Iterable[Destination], *, now: float
) -> dict[Destination, int]:
    """Open the incidents of outages that explain something; close those that are over.

    Args:
        connection: of the caller's transaction.
        explained: where something would be reported that an outage there explains.
        now: seconds since 1970.

    Returns:
        the incidents of the outages that are open.
    """
    known, in_trouble = open_outages(connection), destinations_in_trouble(connection)
    for destination in known.keys() - in_trouble.keys():
        over = {"recovered_at": now, "changed_at": now}
        is_meant = INCIDENTS.c.id == known.pop(destination)
        connection.execute(sa.update(INCIDENTS).where(is_meant).values(**over))
    for destination in dict.fromkeys(explained):
        if destination in in_trouble and destination not in known:
            reason = in_trouble[destination]
            known[destination] = _open(connection, destination, reason, now=now)
    return known


def _open(connection: sa.Connection, destination: Destination, reason: str, *, now: float) -> int:
    alert = Alert(
        event_type=OUTAGE,
        severity=Severity.CRITICAL,
        kind="Destination",
        subject=str(destination),
        at=now,
        location=INSTANCE_LOCATION,
        problems=(Problem("", "no delivery", reason, "", ""),),
    )
    result = connection.execute(
        sa.insert(INCIDENTS).values(
            policy="",
            fingerprint=alert.fingerprint,
            location=alert.location,
            subject=alert.subject,
            event_type=OUTAGE,
            service=destination.service,
            address=destination.address,
            first_at=now,
            last_at=now,
            occurrences=1,
            facts=alert.to_json(),
            latest=alert.to_json(),
            version=1,
            changed_at=now,
            last_entry_at=now,
        )
    )
    [number] = result.inserted_primary_key or [0]
    return number
