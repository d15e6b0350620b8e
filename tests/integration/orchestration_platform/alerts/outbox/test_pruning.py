"""What is over and old is forgotten, what is open or waits is not."""

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.retention import pruning
from orchestration_platform.alerts.outbox.tables import (
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
    OUTSTANDING,
)
from sandboxes.slack.server import SlackServer

DAY = 86400.0


def rows(database: Database, table: sa.Table) -> int:
    with database.transaction() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def make_older(database: Database, days: float) -> None:
    with database.transaction() as connection:
        for table in (INCIDENTS, MESSAGES, OCCURRENCES):
            times = [
                column
                for column in table.columns
                if isinstance(column.type, sa.Float) and column.name != "claimed_until"
            ]
            changes = {column.name: column - days * DAY for column in times}
            connection.execute(sa.update(table).values(**changes))


@pytest.fixture
def database(instance: dg.DagsterInstance) -> Database:
    return Database(database_url(instance))


@on_both_databases
def test_ended_and_delivered_incidents_are_deleted_with_all_their_rows(
    instance: dg.DagsterInstance, database: Database, watch: Watch
) -> None:
    say(instance, "the census is bad")
    watch()
    say(instance, None)
    watch()
    make_older(database, 89)
    watch(between_prunings=0.0)
    assert rows(database, INCIDENTS) == 1
    make_older(database, 2)
    watch(between_prunings=0.0)
    left = [rows(database, table) for table in (INCIDENTS, MESSAGES, OUTSTANDING, OCCURRENCES)]
    # the run whose log was just read again
    assert left[:3] == [0, 0, 0]
    assert left[3] <= 1


@on_both_databases
def test_open_incidents_and_waiting_messages_stay_however_old(
    instance: dg.DagsterInstance, database: Database, slack: SlackServer, watch: Watch
) -> None:
    fail(instance, other_job)
    watch()
    slack.faults.extend(["is_archived"] * 20)
    say(instance, "the census is bad")
    watch(seconds=0.1)
    say(instance, None)
    watch(seconds=0.1)
    make_older(database, 400)
    watch(seconds=0.1, between_prunings=0.0)
    assert rows(database, INCIDENTS) == 2
    slack.faults.clear()
    send_all(watch)
    assert sorted("(recovered)" in head.shown for head in slack.heads) == [False, True]


@on_both_databases
def test_a_pass_forgets_a_bounded_number_and_looks_once_an_hour(
    instance: dg.DagsterInstance, database: Database, watch: Watch
) -> None:
    for word in ("census", "payroll", "bands"):
        say(instance, f"the {word} is bad")
    watch()
    say(instance, None)
    watch()
    make_older(database, 400)
    # the first pass has looked
    assert pruning.prune(database, keep_days=90) == 0
    left = [3]
    while left[-1]:
        assert pruning.prune(database, keep_days=90, every_seconds=0.0, most=2) <= 4
        left.append(rows(database, INCIDENTS))
    assert left == [3, 1, 0]
