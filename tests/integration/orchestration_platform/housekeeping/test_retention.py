"""What is old is deleted, unless the state of something is known from it alone."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from tests.integration.orchestration_platform.housekeeping.history import run, stored, with_status
from tests.integration.orchestration_platform.housekeeping.test_deleted_runs import (
    executions,
    named_after,
)

from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.housekeeping import deleting, old_rows, retention
from orchestration_platform.housekeeping.old_rows import delete_old_rows
from orchestration_platform.housekeeping.retention import Report, apply_retention
from orchestration_platform.housekeeping.settings import (
    SETTINGS_FILE,
    VARIABLE,
    KeepDays,
    Retention,
)
from orchestration_platform.web.audit import Audit
from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.database import database_url as web_database_url
from orchestration_platform.web.login.person import Person
from shared_lib.dagster_client.job_runs import JobRuns, Observation

QUARTER_YEAR = KeepDays(success=90, failure=180, canceled=90)
RETENTION = Retention(
    keep_days=QUARTER_YEAR, jobs={"opening": KeepDays(success=14, failure=30, canceled=14)}
)


def retain(instance: dg.DagsterInstance, *, is_dry: bool = False) -> Report:
    return apply_retention(instance, RETENTION, is_dry=is_dry)


def test_old_runs_go_by_job_and_status(instance: dg.DagsterInstance) -> None:
    gone = {
        run(instance, "counting", days_ago=100),
        run(instance, "opening", days_ago=20),
        run(instance, "opening", days_ago=40, is_good=False),
    }
    kept = {
        run(instance, "counting", days_ago=80),
        run(instance, "counting", days_ago=100, is_good=False),
        run(instance, "opening", days_ago=10),
        run(instance, "opening", days_ago=20, is_good=False),
        # last of each
        run(instance, "opening", days_ago=1),
        run(instance, "opening", days_ago=1, is_good=False),
    }

    foreseen = retain(instance, is_dry=True)
    assert stored(instance) == gone | kept
    done = retain(instance)

    assert stored(instance) == kept
    assert asdict(done) == asdict(foreseen) | {"is_dry": False}
    assert done.deleted == {
        ("counting", "SUCCESS"): 1,
        ("opening", "SUCCESS"): 1,
        ("opening", "FAILURE"): 1,
    }
    assert not retain(instance).deleted


def test_the_last_of_each_partition_and_check_stays(instance: dg.DagsterInstance) -> None:
    run(instance, "selling", days_ago=500, partition="north")
    run(instance, "counting", days_ago=500)
    kept = {
        run(instance, "selling", days_ago=400, partition="north"),
        run(instance, "selling", days_ago=400, partition="south"),
        run(instance, "selling", days_ago=300, partition="south", is_good=False),
        run(instance, "counting", days_ago=400, is_good=False),
        run(instance, "counting", days_ago=300),
    }

    report = retain(instance)

    assert stored(instance) == kept
    assert report.needed.total() == len(kept)


def test_runs_of_open_incidents_stay(instance: dg.DagsterInstance) -> None:
    of_open, of_over = (
        run(instance, "opening", days_ago=100, is_good=False),
        run(instance, "opening", days_ago=100, is_good=False),
    )
    run(instance, "opening", days_ago=99, is_good=False)
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.insert(INCIDENTS), [incident(of_open), incident(of_over, over_at=1)])

    retain(instance)

    assert of_open in stored(instance)
    assert of_over not in stored(instance)


def incident(run_id: str, *, over_at: float | None = None) -> dict[str, object]:
    alert = Alert(
        event_type="JOB_FAILURE", severity=Severity.ERROR, kind="Job", subject="opening", at=1.0,
        location="market", run_id=run_id,
    )  # fmt: skip
    return {
        "policy": "all", "fingerprint": run_id, "location": "market", "subject": "opening",
        "event_type": "JOB_FAILURE", "service": "log", "address": "", "first_at": 1.0,
        "last_at": 1.0, "occurrences": 1, "facts": alert.to_json(), "latest": alert.to_json(),
        "recovered_at": over_at, "version": 1, "changed_at": 1.0, "last_entry_at": 1.0,
    }  # fmt: skip


def test_the_run_key_of_a_sensor_without_a_cursor_stays(instance: dg.DagsterInstance) -> None:
    """Dagster starts a run for a key again when no run with it exists."""
    tags = {"dagster/run_key": "a.csv@1", "dagster/sensor_name": "files"}
    known = run(instance, "counting", days_ago=400, tags=tags)
    run(instance, "counting", days_ago=1)

    retain(instance)

    assert known in stored(instance)


def test_the_run_that_is_tried_again_stays_until_that_has_ended(
    instance: dg.DagsterInstance,
) -> None:
    tried = run(instance, "counting", days_ago=400)
    run(instance, "counting", days_ago=1)
    tags = {"dagster/parent_run_id": tried, "dagster/root_run_id": tried}
    again = dg.DagsterRun(
        job_name="counting", status=dg.DagsterRunStatus.STARTED,
        parent_run_id=tried, root_run_id=tried, tags=tags,
    )  # fmt: skip
    instance.add_run(again)

    retain(instance)
    assert tried in stored(instance)

    with_status(instance, again.run_id, dg.DagsterRunStatus.SUCCESS)
    retain(instance)
    assert tried not in stored(instance)


def test_runs_of_unfinished_backfills_and_unfinished_runs_stay(
    instance: dg.DagsterInstance,
) -> None:
    for name, status in {
        "going": BulkActionStatus.REQUESTED,
        "done": BulkActionStatus.COMPLETED_SUCCESS,
    }.items():
        instance.add_backfill(
            PartitionBackfill(
                backfill_id=name, status=status, from_failure=False, tags={}, backfill_timestamp=1.0
            )
        )
    going, _done = (
        run(instance, "counting", days_ago=400, tags={"dagster/backfill": backfill})
        for backfill in ("going", "done")
    )
    unfinished = run(instance, "counting", days_ago=400)
    last = run(instance, "counting", days_ago=300)
    with_status(instance, unfinished, dg.DagsterRunStatus.STARTED)

    retain(instance)

    assert stored(instance) == {going, unfinished, last}


def test_a_killed_pass_is_continued(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run(instance, "counting", days_ago=400)
    last = run(instance, "counting", days_ago=300)

    def die(instance: dg.DagsterInstance, run_id: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # after the events, before the run
        patch.setattr(deleting, "delete_files", die)
        with pytest.raises(KeyboardInterrupt):
            retain(instance)
    assert old in stored(instance)
    assert not instance.all_logs(old)

    retain(instance)

    assert stored(instance) == {last}


def test_many_runs_go_at_once_with_all_that_they_left(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    gone = [run(instance, "counting", days_ago=400, tags={"team": "sales"}) for _ in range(3)]
    last = run(instance, "counting", days_ago=300, tags={"team": "sales"})
    instance.event_log_storage.set_concurrency_slots("till", 1)
    instance.event_log_storage.claim_concurrency_slot("till", gone[1], "sells")

    assert retain(instance).deleted == {("counting", "SUCCESS"): 3}

    assert stored(instance) == {last}
    assert executions(instance) == [last]
    assert instance.get_run_tags(["team"]) == [("team", {"sales"})]
    assert not instance.event_log_storage.get_concurrency_run_ids()
    for run_id in gone:
        assert not named_after(run_id, instance)
        assert not instance.all_logs(run_id)
    assert instance.all_logs(last)
    assert len(instance.fetch_materializations(dg.AssetKey("stock"), limit=9).records) == 1


def test_a_pass_ends_when_its_time_is_up(instance: dg.DagsterInstance) -> None:
    run(instance, "counting", days_ago=400)
    run(instance, "counting", days_ago=300)

    report = apply_retention(instance, RETENTION, is_dry=False, longest_seconds=0.0)

    assert not report.is_complete
    assert not report.deleted
    assert "the next pass continues" in str(report)


def test_the_job_deletes_only_where_somebody_has_agreed_and_lists_what_it_deleted(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration_platform.definitions import defs

    old = run(instance, "counting", days_ago=400)
    run(instance, "counting", days_ago=300)
    job = defs.resolve_job_def("platform_retention_job")
    dry = {"ops": {"delete_old_runs": {"config": {"dry_run": True}}}}

    unset = job.execute_in_process(instance=instance)
    assert old in stored(instance)
    assert "'job': 'counting', 'status': 'SUCCESS', 'runs': 1" in listed(unset)
    agreed = tmp_path / "platform.yaml"
    shipped = SETTINGS_FILE.read_text("utf-8")
    agreed.write_text(shipped.replace("deletes: false", "deletes: true"))
    monkeypatch.setenv(VARIABLE, str(agreed))
    job.execute_in_process(instance=instance, run_config=dry)
    assert old in stored(instance)
    done = job.execute_in_process(instance=instance)

    assert old not in stored(instance)
    assert listed(done) == listed(unset)


def listed(result: dg.ExecuteInProcessResult) -> str:
    (output,) = (event for event in result.all_events if event.event_type_value == "STEP_OUTPUT")
    return str(output.step_output_data.metadata["deleted"])


def test_old_rows_of_other_tables_go(instance: dg.DagsterInstance) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    database = WebDatabase(web_database_url(instance))
    moments = {days: now - days * 86400 for days in (731, 729)}
    for at in moments.values():
        Audit(database, now=lambda at=at: at).begin(Person("ada", ()), "launchRun", {})
    job_runs = JobRuns(old_rows.job_runs_url(instance))
    rows = {
        (status, ended): job_runs.begin("counting", {}, requested_by="ada")
        for status in ("SUCCESS", "STARTED")
        for ended in (181, 179)
    }
    for (status, days), row in rows.items():
        job_runs.launched(row, row, "market")
        ended_at = now - days * 86400 if status == "SUCCESS" else None
        job_runs.observe([Observation(row, status, row, ended_at)])
    for name, status, days in [
        ("old", BulkActionStatus.COMPLETED_SUCCESS, 181),
        ("young", BulkActionStatus.COMPLETED_SUCCESS, 179),
        ("going", BulkActionStatus.REQUESTED, 181),
        ("with-runs", BulkActionStatus.COMPLETED_FAILED, 181),
    ]:
        backfill = PartitionBackfill(
            backfill_id=name, status=status, from_failure=False, tags={"team": "sales"},
            backfill_timestamp=now - days * 86400,
        )  # fmt: skip
        instance.add_backfill(backfill)
    instance.add_run(dg.DagsterRun(job_name="counting", tags={"dagster/backfill": "with-runs"}))

    foreseen = delete_old_rows(instance, RETENTION, is_dry=True, now=now)
    assert len(instance.get_backfills()) == 4
    done = delete_old_rows(instance, RETENTION, is_dry=False, now=now)

    assert done == foreseen == {"web_audit": 1, "job_runs": 1, "backfills": 1}
    assert [entry.at for entry in Audit(database).entries(9)] == [moments[729]]
    assert {found.id for found in job_runs.latest()} == {*rows.values()} - {rows["SUCCESS", 181]}
    names = {backfill.backfill_id for backfill in instance.get_backfills()}
    assert names == {"young", "going", "with-runs"}
    assert not delete_old_rows(instance, RETENTION, is_dry=False, now=now)


def test_no_table_is_created_to_be_pruned(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        assert not delete_old_rows(instance, RETENTION, is_dry=True, now=0.0)
        assert not list(tmp_path.rglob("web.db"))
        assert not list(tmp_path.rglob("job_runs.db"))


def test_with_dagsters_own_storage_too_files_and_old_results_of_checks_go(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        old, last = (run(instance, "counting", days_ago=days) for days in (400, 300))
        assert named_after(old, instance)

        retain(instance)

        # its file of events stays, without events
        assert [path.suffix for path in named_after(old, instance)] == [".db"]
        assert executions(instance) == [last]
