"""An event that is committed late, with a lower number than others, is reported all the same."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg
import psycopg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.outbox.test_clock import shift_times
from tests.support.failing_jobs import fail, other_job

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.deduplication import read_runs, remember_runs
from sandboxes.slack.server import SlackServer


@contextmanager
def committed_late(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold the transaction that stores the failure of a run until the body ends.

    SQLite has one writer, so nothing overtakes it there: its event is hidden instead.
    """
    url = database_url(instance)
    if url.startswith("sqlite"):
        index = f"{instance.root_directory}/history/runs/index.db"
        update = (
            "update event_logs set dagster_event_type = ? "
            "where run_id = ? and dagster_event_type = ?"
        )
        with closing(sqlite3.connect(index, isolation_level=None)) as connection:
            assert connection.execute(update, ("NONE", run_id, "PIPELINE_FAILURE")).rowcount == 1
            yield
            assert connection.execute(update, ("PIPELINE_FAILURE", run_id, "NONE")).rowcount == 1
        return
    with psycopg.connect(url) as connection:
        columns = [
            row[0]
            for row in connection.execute(
                "select column_name from information_schema.columns "
                "where table_name = 'event_logs' and column_name <> 'id'"
            )
        ]
        names = ", ".join(f'"{name}"' for name in columns)
        moved = (
            f"with gone as (delete from event_logs where run_id = '{run_id}' "
            f"and dagster_event_type = 'PIPELINE_FAILURE' returning {names}) "
            f"select {names} from gone"
        )
        row = connection.execute(moved.encode()).fetchone()
        assert row is not None
        connection.commit()
        values = ", ".join(["%s"] * len(columns))
        connection.execute(f"insert into event_logs ({names}) values ({values})".encode(), row)
        yield


@on_both_databases
@pytest.mark.parametrize("pause", [75.0, 20 * 60.0])
def test_an_event_that_is_committed_while_the_sensor_pauses_is_reported_once(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    pause: float,
) -> None:
    late = fail(instance)
    with committed_late(instance, late):
        soon = fail(instance, other_job)
        assert watch(between_marks=0.0).failures == 1
    shift_times(Database(database_url(instance)), -pause)

    assert watch().failures == 1
    assert watch().failures == 0
    assert [late in head.shown for head in slack.heads] == [False, True]
    assert [soon in head.shown for head in slack.heads] == [True, False]


def test_runs_of_before_a_pause_are_remembered_for_all_of_the_pass_after_it(
    instance: dg.DagsterInstance,
) -> None:
    with Database(database_url(instance)).transaction() as connection:
        remember_runs(connection, ["before"], now=0.0)
        remember_runs(connection, ["first batch"], now=20 * 60.0)
        remember_runs(connection, ["second batch"], now=20 * 60.0)
        assert read_runs(connection, ["before", "first batch"]) == {"before", "first batch"}
        remember_runs(connection, ["next pass"], now=21 * 60.0)
        assert read_runs(connection, ["before", "first batch"]) == {"first batch"}
