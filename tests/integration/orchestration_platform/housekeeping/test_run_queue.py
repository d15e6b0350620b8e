"""During a pause no queued run starts, and none is lost."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import LaunchRunContext
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)
from dagster._daemon.types import DaemonHeartbeat
from tests.integration.orchestration_platform.alerts.databases import sqlite_instance
from tests.integration.orchestration_platform.housekeeping import market

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.board.board import KeptState, read_board
from orchestration_platform.run_queue.__main__ import main
from orchestration_platform.run_queue.drain import wait_until_drained
from sandboxes.waiting import wait_until
from shared_lib.run_queue import PausableRunCoordinator, Pause, current_pause, pause, resume
from shared_lib.warehouse import setting
from shared_lib.warehouse.parts_in_queue import PART_TAG


@pytest.fixture
def instance(
    empty_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    with sqlite_instance(empty_sqlite, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def workspace(instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    home = Path(instance.root_directory)
    shutil.copy(Path(market.__file__), home / "market.py")
    location = "load_from: [{python_file: {relative_path: market.py, location_name: market}}]"
    (home / "workspace.yaml").write_text(location)
    target = WorkspaceFileTarget([str(home / "workspace.yaml")])
    with WorkspaceProcessContext(instance, target) as found:
        yield found


def submit(
    workspace: WorkspaceProcessContext,
    tags: dict[str, str] | None = None,
    *,
    definition: dg.JobDefinition | None = None,
    run_config: dict[str, Any] | None = None,
) -> str:
    """Queue a run, as the webserver and the daemon do."""
    request = workspace.create_request_context()
    location = request.get_code_location("market")
    repository = location.get_repository("__repository__")
    job = repository.get_full_job("counting")
    run = workspace.instance.create_run_for_job(
        definition or market.defs.resolve_job_def("counting"),
        run_config=run_config,
        status=dg.DagsterRunStatus.NOT_STARTED,
        remote_job_origin=job.get_remote_origin(),
        job_code_origin=job.get_python_origin(),
        tags=tags,
    )
    workspace.instance.submit_run(run.run_id, request)
    return run.run_id


def look_at_the_queue(workspace: WorkspaceProcessContext) -> None:
    """What the daemon does every five seconds."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
    list(daemon.run_iteration(workspace))


def statuses(instance: dg.DagsterInstance) -> set[str]:
    return {run.status.value for run in instance.get_runs()}


def test_queued_runs_wait_for_the_end_of_a_pause_and_start_then(
    instance: dg.DagsterInstance,
    workspace: WorkspaceProcessContext,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["drain", "--reason", "new Dagster", "--by", "ada"]) == 0
    runs = [submit(workspace) for _ in range(3)]
    look_at_the_queue(workspace)
    assert statuses(instance) == {"QUEUED"}
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["queued"] == 3
    assert shown["paused"]["person"] == "ada"

    assert main(["resume"]) == 0
    look_at_the_queue(workspace)

    assert "QUEUED" not in statuses(instance)
    assert {run.run_id for run in instance.get_runs()} == set(runs)
    assert main(["resume"]) == 1


def test_runs_of_other_parts_of_a_lake_start_and_a_second_of_the_same_waits(
    instance: dg.DagsterInstance,
    workspace: WorkspaceProcessContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(setting, "_LOCATIONS_OF_LAKE", frozenset({"market"}))
    partition = "dagster/partition"
    file = submit(workspace, {partition: "baseline|2025"})
    assert PART_TAG not in instance.get_runs()[0].tags
    instance.delete_run(file)
    monkeypatch.setenv("WAREHOUSE", "lake")
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    first = submit(workspace, {partition: "baseline|2025"})
    second = submit(workspace, dict.fromkeys(ends, "baseline|2026"))
    other = submit(workspace, dict.fromkeys(ends, "a|b|2025"))

    # they do not end while the queue is looked at
    monkeypatch.setattr(instance.run_launcher, "launch_run", started)
    look_at_the_queue(workspace)

    found = {run.run_id: run for run in instance.get_runs()}
    assert found[other].tags[PART_TAG] == "market/a|b"
    assert found[first].tags[PART_TAG] == found[second].tags[PART_TAG] == "market/baseline"
    waiting = {run_id for run_id, run in found.items() if run.status.value == "QUEUED"}
    assert waiting == {second}
    limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, PausableRunCoordinator)
    assert limits["market_warehouse"] == coordinator.get_run_queue_config().max_concurrent_runs
    # a person's limit stays
    instance.event_log_storage.set_concurrency_slots("market_warehouse", 2)
    look_at_the_queue(workspace)
    limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    assert limits["market_warehouse"] == 2


@dg.job(config=dg.ConfigMapping(config_schema=dg.Permissive(), config_fn=lambda _: {}))
def syncing() -> None:
    """Takes the configuration that the bank's job for one connection takes."""


def test_runs_of_other_connections_start_and_a_second_of_the_same_waits_for_the_first(
    instance: dg.DagsterInstance,
    workspace: WorkspaceProcessContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sync(connection_id: str) -> str:
        run_config = {"ops": {"*": {"config": {"connection_id": connection_id}}}}
        return submit(workspace, definition=syncing, run_config=run_config)

    def waiting() -> set[str]:
        look_at_the_queue(workspace)
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        return {run.run_id for run in instance.get_runs(queued)}

    monkeypatch.setattr(setting, "_LOCATIONS_OF_LAKE", frozenset({"market"}))
    monkeypatch.setenv("WAREHOUSE", "lake")
    monkeypatch.setattr(instance.run_launcher, "launch_run", started)
    first, second, other = sync("one"), sync("one"), sync("two")
    assert waiting() == {second}
    tags = {run.run_id: run.tags[PART_TAG] for run in instance.get_runs()}
    assert tags == {first: "market/one", second: "market/one", other: "market/two"}
    end = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "counting")
    instance.report_dagster_event(end, other)
    assert waiting() == {second}
    instance.report_dagster_event(end, first)
    assert waiting() == set()


def started(launched: LaunchRunContext) -> None:
    """Let a run start that does not end."""
    run = launched.dagster_run
    assert launched.workspace is not None
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name)
    launched.workspace.instance.report_dagster_event(event, run.run_id)


def test_a_freeze_ends_by_itself_and_is_on_the_board(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    assert main(["freeze", "--until", "2020-01-01T00:00", "--reason", "late"]) == 2
    assert current_pause(instance, now=time.time()) is None
    until = datetime(2999, 1, 1, tzinfo=UTC)
    assert (
        main(["freeze", "--until", until.isoformat(), "--reason", "year end", "--by", "ada"]) == 0
    )
    alerts = Database(database_url(instance))

    frozen = read_board(workspace.create_request_context(), alerts, KeptState())
    over = read_board(workspace.create_request_context(), alerts, KeptState(), now=until)

    texts = [item.text for item in frozen.attention if item.kind == "Queue"]
    assert texts == ["no run starts until 2999-01-01 00:00 UTC, ada: year end"]
    assert not [item for item in over.attention if item.kind == "Queue"]
    assert current_pause(instance, now=until.timestamp()) is None


def test_a_dry_run_pauses_nothing(instance: dg.DagsterInstance) -> None:
    assert main(["drain", "--dry-run"]) == 0
    assert current_pause(instance, now=time.time()) is None


def test_draining_waits_for_the_runs_that_are_going_on(instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="shop", status=dg.DagsterRunStatus.STARTED))
    pause(instance, Pause(since=0.0, until=None, person="ada", reason="drained"))
    reported: list[str] = []

    in_vain = wait_until_drained(instance, seconds=4, report=reported.append, sleep=lambda _: None)
    assert in_vain.going_on == {run.run_id: "shop"}
    state = wait_until_drained(
        instance,
        seconds=60,
        report=reported.append,
        sleep=lambda _: instance.report_run_canceled(run),
    )

    assert not state.going_on
    assert reported[-1] == "0 runs going on; 0 queued"
    resume(instance)
    assert current_pause(instance, now=time.time()) is None


def test_draining_waits_for_what_the_daemon_has_taken_out_before(
    instance: dg.DagsterInstance,
    workspace: WorkspaceProcessContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The daemon starts several runs after one look at the queue, and each may take long."""
    # they start, and no process executes them
    monkeypatch.setattr(instance.run_launcher, "launch_run", lambda _: None)
    for _ in range(2):
        submit(workspace)
    heartbeat = DaemonHeartbeat(time.time() + 1e6, "QUEUED_RUN_COORDINATOR", "daemon", errors=[])
    instance.add_daemon_heartbeat(heartbeat)
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
    look = daemon.run_iteration(workspace)
    next(look)
    pause(instance, Pause(since=1.5, until=None, person="ada", reason="drained"))
    slept = 0

    def sleep(_seconds: float) -> None:
        nonlocal slept
        slept += 1
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])):
            instance.report_run_canceled(run)
        if slept == 20:
            list(look)
        if slept == 40:
            list(daemon.run_iteration(workspace))

    state = wait_until_drained(instance, seconds=600, report=print, sleep=sleep)

    assert slept > 40
    assert (state.going_on, state.queued) == ({}, 0)
    assert len(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.CANCELED]))) == 2


@contextmanager
def running_daemon(home: Path) -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "dagster._daemon",
        "run",
        "--workspace",
        home / "workspace.yaml",
    ]
    with (home / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait()


def test_no_run_is_lost_or_started_twice_by_an_upgrade_under_load(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    home = Path(instance.root_directory)
    submitted = [submit(workspace) for _ in range(3)]

    def count(*found: dg.DagsterRunStatus) -> int:
        return instance.get_runs_count(dg.RunsFilter(statuses=list(found)))

    def has_started() -> bool:
        return count(dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS) > 0

    with running_daemon(home):
        wait_until(has_started)
        # people and schedules go on launching
        submitted += [submit(workspace) for _ in range(2)]
        assert main(["drain", "--by", "ada", "--wait", "600"]) == 0
        ended = count(dg.DagsterRunStatus.SUCCESS)
        submitted.append(submit(workspace))
    assert statuses(instance) <= {"SUCCESS", "QUEUED"}
    assert ended == count(dg.DagsterRunStatus.SUCCESS) > 0
    with running_daemon(home):
        assert main(["resume"]) == 0
        wait_until(lambda: statuses(instance) == {"SUCCESS"})

    assert {run.run_id for run in instance.get_runs()} == set(submitted)
    for run_id in submitted:
        started = instance.all_logs(run_id, of_type=dg.DagsterEventType.PIPELINE_START)
        assert len(started) == 1
