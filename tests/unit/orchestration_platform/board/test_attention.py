"""What needs attention is listed once, whichever part of the platform reports it."""

import time
from pathlib import Path

import sqlalchemy as sa
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.suppression.outages import follow_outages
from orchestration_platform.alerts.outbox.tables import ADDRESSES, MESSAGES
from orchestration_platform.alerts.policies.policy import load_policies
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.board.alerting import alerting
from orchestration_platform.board.attention import attention

SLACK = Destination("slack", "#all")


def test_an_outage_of_a_destination_has_one_row_with_its_incident(tmp_path: Path) -> None:
    database, now = Database(f"sqlite:///{tmp_path / 'alerts.db'}"), time.time()
    with database.transaction() as connection:
        record_failure(
            connection, load_policies()[0], failure(at=now), destination=SLACK, ui_url="",
            will_be_retried=False, now=now,
        )  # fmt: skip
        connection.execute(sa.update(MESSAGES).values(created_at=now - 3600.0))
        trouble = {"service": "slack", "address": "#all", "reason": "invalid_auth"}
        connection.execute(sa.insert(ADDRESSES).values(**trouble, next_call_at=0.0, failures=3))
        follow_outages(connection, [SLACK], now=now)
        found = alerting(connection, now=now)
    rows = attention([], [], [], found, now=now)
    assert sorted(row.name for row in rows) == ["nightly", "slack:#all"]
    assert all(row.incident for row in rows)
