"""A storm of failures costs few messages, and all of it is accounted for."""

from pathlib import Path

import sqlalchemy as sa
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts import claims, outcomes
from orchestration_platform.alerts.database import Database
from orchestration_platform.alerts.occurrences import record_failure
from orchestration_platform.alerts.outbox import HEAD
from orchestration_platform.alerts.outbox_state import outbox_state
from orchestration_platform.alerts.policies import load_policies
from orchestration_platform.alerts.tables import INCIDENTS, MESSAGES

SECONDS = 300
KINDS = [f"job_{chr(97 + n // 10)}{chr(97 + n % 10)}" for n in range(40)]
A_SECOND = 4


def test_a_storm_of_five_minutes_is_told_in_120_calls_within_three_minutes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'alerts.db'}")
    [policy] = load_policies()
    calls = number = 0
    for second in range(SECONDS + 180):
        now = 1_000_000.0 + second
        with database.transaction() as connection:
            for _ in range(A_SECOND if second < SECONDS else 0):
                job = KINDS[number % len(KINDS)]
                record_failure(
                    connection,
                    policy,
                    failure(number, subject=job, job_name=job, at=now),
                    destination="slack:#alerts",
                    ui_url="",
                    will_be_retried=False,
                    now=now,
                )
                number += 1
            claim = claims.claim_next(connection, now=now, descriptions={})
            if claim:
                calls += 1
                outcomes.record_delivery(
                    connection,
                    claim,
                    ts=str(number),
                    channel_id="C1",
                    version=claim.version,
                    now=now,
                )
    with database.transaction() as connection:
        counted = connection.execute(sa.select(sa.func.sum(INCIDENTS.c.occurrences))).scalar()
        stale = connection.execute(
            sa.select(sa.func.count())
            .select_from(MESSAGES.join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id))
            .where(MESSAGES.c.kind == HEAD, MESSAGES.c.sent_version < INCIDENTS.c.version)
        ).scalar()
        left = outbox_state(connection).waiting
    assert counted == number == SECONDS * A_SECOND
    assert (stale, left) == (0, 0)
    assert calls <= 120
