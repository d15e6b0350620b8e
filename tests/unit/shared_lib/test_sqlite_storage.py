"""Dagster's own SQLite storage and ours are interchangeable, and ours keeps a batch whole."""

import multiprocessing
import os
import queue
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from shared_lib.secrets.redaction.registry import know
from shared_lib.storage.sqlite import SqliteEventLog

OURS = """
storage:
  custom:
    module: shared_lib.storage.sqlite
    class: SqliteStorage
    config: {base_dir: {env: DAGSTER_HOME}}
"""
DAGSTERS = ""


@dg.asset
def orders() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=orders)
def has_rows() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def run_with(configuration: str, home: Path) -> str:
    """Makes the asset on an instance of ``configuration``; returns the run's id."""
    (home / "dagster.yaml").write_text(configuration)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        result = dg.materialize([orders, has_rows], instance=instance)
        assert result.success
        return result.run_id


def seen_with(configuration: str, home: Path) -> dict[str, list[Any]]:
    """What an instance of ``configuration`` returns about all runs."""
    (home / "dagster.yaml").write_text(configuration)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_run_records()
        made = instance.fetch_materializations(orders.key, limit=10).records
        check = dg.AssetCheckKey(orders.key, "has_rows")
        checks = instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
        return {
            "runs": [(run.dagster_run.run_id, run.dagster_run.status) for run in runs],
            "events": [
                (event.run_id, event.timestamp, event.message)
                for run in runs
                for event in instance.all_logs(run.dagster_run.run_id)
            ],
            "materialisations": [(record.run_id, record.timestamp) for record in made],
            "checks": [(record.run_id, record.status) for record in checks],
        }


@pytest.mark.parametrize("first", [OURS, DAGSTERS], ids=["ours first", "Dagster's first"])
def test_either_storage_reads_what_the_other_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    second = DAGSTERS if first is OURS else OURS
    runs = [run_with(first, tmp_path), run_with(second, tmp_path)]

    seen = seen_with(OURS, tmp_path)

    assert seen == seen_with(DAGSTERS, tmp_path)
    assert {run for run, _ in seen["materialisations"]} == set(runs)
    assert {run for run, _ in seen["checks"]} == set(runs)


def entry(message: str, run: str = "run") -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None,
        level="info",
        user_message=message,
        run_id=run,
        timestamp=time.time(),
        dagster_event=None,
    )


def created_with(log: SqliteEventLogStorage, directory: Path, run: str) -> list[str]:
    log.store_event(entry("begins", run))
    with closing(sqlite3.connect(directory / f"{run}.db")) as connection:
        journal = connection.execute("pragma journal_mode").fetchone()[0]
        connection.execute("delete from event_logs")
        return [journal, *sorted(connection.iterdump())]


def test_each_file_of_a_run_is_as_dagster_creates_it(tmp_path: Path) -> None:
    ours, dagsters = tmp_path / "ours", tmp_path / "dagsters"
    log = SqliteEventLog(str(ours))
    [as_dagster] = [created_with(SqliteEventLogStorage(str(dagsters)), dagsters, "run")]

    assert [created_with(log, ours, run) for run in ("one", "two", "three")] == [as_dagster] * 3

    again = SqliteEventLog(str(ours))
    again.store_event(entry("goes on", "two"))
    again.store_event(entry("begins", "four"))
    assert [event.user_message for event in again.get_logs_for_run("four")] == ["begins"]
    log.dispose()
    again.dispose()


def test_a_run_file_that_was_created_in_part_is_completed(tmp_path: Path) -> None:
    log = SqliteEventLog(str(tmp_path))
    log.store_event(entry("before"))
    with closing(sqlite3.connect(tmp_path / "half.db")) as connection:
        connection.execute("create table event_logs (id integer)")
        connection.execute("drop table event_logs")
    log.store_event(entry("after", "half"))
    assert [event.user_message for event in log.get_logs_for_run("half")] == ["after"]
    log.dispose()


def messages(log: SqliteEventLog) -> list[str]:
    return [event.user_message for event in log.get_logs_for_run("run")]


def test_a_batch_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    log = SqliteEventLog(str(tmp_path))
    log.store_event(entry("before"))
    with pytest.raises(Exception, match="EventLogEntry"):
        log.store_event_batch([entry("good"), "no event"])
    assert messages(log) == ["before"]

    log.store_event_batch([entry("one"), entry("two")])

    assert messages(log) == ["before", "one", "two"]
    log.dispose()


def test_what_a_killed_process_stored_is_there(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=store_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    log = SqliteEventLog(str(tmp_path))
    assert messages(log) == ["one", "two", "three"]
    log.dispose()


def store_and_die(directory: Path) -> None:
    log = SqliteEventLog(str(directory))
    log.store_event(entry("one"))
    log.store_event_batch([entry("two"), entry("three")])
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("reader", [SqliteEventLog, SqliteEventLogStorage])
def test_who_watches_a_run_sees_each_event(
    tmp_path: Path, reader: type[SqliteEventLogStorage]
) -> None:
    writer, watching = SqliteEventLog(str(tmp_path)), reader(str(tmp_path))
    writer.store_event(entry("begins"))
    seen: queue.Queue[str] = queue.Queue()

    def see(event: dg.EventLogEntry, cursor: str) -> None:
        seen.put(event.user_message)

    watching.watch("run", None, see)
    try:
        writer.store_event(entry("one"))
        assert [seen.get(timeout=60) for _ in range(2)] == ["begins", "one"]
        writer.store_event_batch([entry("two"), entry("three")])
        assert [seen.get(timeout=60) for _ in range(2)] == ["two", "three"]
    finally:
        watching.end_watch("run", see)
        watching.dispose()
        writer.dispose()


def test_a_run_that_ends_leaves_one_file(tmp_path: Path) -> None:
    log = SqliteEventLog(str(tmp_path))
    log.store_event(entry("begins"))
    assert (tmp_path / "run.db-wal").exists()
    log.store_event(
        entry("ends")._replace(
            dagster_event=dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job_name="job")
        )
    )
    assert [path.name for path in tmp_path.glob("run*")] == ["run.db"]
    log.dispose()


@pytest.mark.parametrize("shard", ["run", "index"])
def test_a_commit_does_not_wait_for_the_disk(tmp_path: Path, shard: str) -> None:
    log = SqliteEventLog(str(tmp_path))
    with log.run_connection(shard) as connection:
        connection.exec_driver_sql("select count(*) from event_logs").fetchone()
        [setting] = connection.exec_driver_sql("pragma synchronous").fetchone() or ()
        [journal] = connection.exec_driver_sql("pragma journal_mode").fetchone() or ()
    assert (setting, journal) == (1, "wal")  # 1: SQLite syncs when it writes its log back
    log.dispose()


def test_a_process_keeps_the_files_of_few_runs_open(tmp_path: Path) -> None:
    log = SqliteEventLog(str(tmp_path))
    for number in range(40):
        log.store_event(entry("begins", f"run {number}"))
    assert len(list(tmp_path.glob("run*-wal"))) < 20
    log.dispose()
    assert not list(tmp_path.glob("*-wal"))


def test_no_secret_reaches_a_file(tmp_path: Path) -> None:
    know("s3cr3t-of-the-event-log", name="shop/api secret_key")
    log = SqliteEventLog(str(tmp_path))
    log.store_event(entry("denied for s3cr3t-of-the-event-log"))
    log.store_event_batch([entry("again s3cr3t-of-the-event-log")])
    log.dispose()

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"s3cr3t-of-the-event-log" not in written
    assert b"denied for [secret shop/api secret_key]" in written
