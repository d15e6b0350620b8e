"""A clock that is set back makes nobody wait, and nothing stay open."""

import json

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    escalated,
    policies,
)
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import CURSORS, INCIDENTS, METADATA
from orchestration_platform.alerts.sources.feeds.events import Position
from sandboxes.slack.server import SlackServer

HOUR = 3600.0


def shift_times(database: Database, seconds: float) -> None:
    """Shift the stored times: into the future, or into the past as if time had passed."""
    with database.transaction() as connection:
        for table in METADATA.sorted_tables:
            times = [column for column in table.columns if isinstance(column.type, sa.Float)]
            if times:
                ahead = {column.name: column + seconds for column in times}
                connection.execute(sa.update(table).values(**ahead))
        for row in connection.execute(sa.select(CURSORS)).all():
            marks = json.loads(row.value)
            if isinstance(marks, float):
                changed = str(marks + seconds)
            elif isinstance(marks, list):
                changed = json.dumps([[at + seconds, cursor] for at, cursor in marks])
            else:
                continue
            this = CURSORS.c.name == row.name
            connection.execute(sa.update(CURSORS).where(this).values(value=changed))


@on_both_databases
def test_messages_and_incidents_do_not_wait_for_a_clock_that_was_set_back(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    database = Database(database_url(instance))
    say(instance, "the census is bad")
    watch(policies(escalate_after="30min"))
    slack.faults.append("is_archived")
    fail(instance)
    watch(policies(escalate_after="30min"), seconds=0.05)
    shift_times(database, HOUR)
    fail(instance, other_job)
    done = watch(policies(escalate_after="30min"), seconds=4.0)
    assert "the clock was set back by 3" in str(done)
    assert len(slack.heads) == 3
    with database.transaction() as connection:
        half_an_hour_later = {"escalates_at": INCIDENTS.c.escalates_at - HOUR / 2}
        connection.execute(sa.update(INCIDENTS).values(half_an_hour_later))
    watch(policies(escalate_after="30min"))
    assert len(escalated(slack)) == 3
    say(instance, None)
    done = watch(policies(escalate_after="30min"))
    assert "(recovered)" in slack.heads[0].shown
    assert "clock" not in str(done)


@pytest.mark.parametrize("back", [90.0, HOUR])
def test_the_log_is_read_on_from_where_it_was_settled_and_no_time_lies_ahead(back: float) -> None:
    position = Position(((0.0, "a"),))
    for second in range(10, 4000, 10):
        position = position.advanced(f"at {second}", float(second))
    settled = position.resume_from()
    now = 3990.0 - back
    position = position.as_of(now)
    assert position.resume_from() == settled
    assert max(at for at, _ in position.marks) == now
    for second in range(10, 100, 10):
        position = position.advanced(f"again {second}", now + second)
    assert position.resume_from() == "again 30"
