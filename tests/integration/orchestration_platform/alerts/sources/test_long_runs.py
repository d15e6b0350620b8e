"""Runs that take longer than a policy allows."""

import threading
import time
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy
from tests.support.failing_jobs import other_job, plain_job

from orchestration_platform.alerts.outbox.database import Database, database_url


@pytest.fixture
def database(instance: dg.DagsterInstance) -> Database:
    return Database(database_url(instance))


def allowed(seconds: float) -> list[dict[str, Any]]:
    return [{"long_running_job_threshold_target": {"threshold_seconds": seconds}}]


def test_a_run_that_takes_too_long_is_reported_to_each_policy_after_its_threshold(
    instance: dg.DagsterInstance, database: Database
) -> None:
    go_on = threading.Event()

    @dg.op
    def wait() -> None:
        go_on.wait(30)

    @dg.job
    def slow() -> None:
        wait()

    watcher = Watcher(
        instance,
        database,
        policy("JOB_LONG_RUNNING", targets=allowed(0.05)),
        policy("JOB_LONG_RUNNING", name="patient", targets=allowed(3600)),
    )
    run = threading.Thread(target=lambda: slow.execute_in_process(instance=instance))
    run.start()
    try:
        until = threading.Event()
        while not watcher.look():
            until.wait(0.1)
        assert watcher.look() == [("JOB_LONG_RUNNING", "slow", False)]
    finally:
        go_on.set()
        run.join()
    assert watcher.look() == [("JOB_LONG_RUNNING", "slow", True)]


@on_both_databases
def test_a_run_that_hangs_before_it_has_started_takes_too_long_and_one_that_waits_does_not(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("JOB_LONG_RUNNING", targets=allowed(3600)))
    hangs = instance.create_run_for_job(plain_job)
    instance.create_run_for_job(other_job)

    def comes_to(kind: dg.DagsterEventType) -> None:
        instance.report_dagster_event(dg.DagsterEvent(kind.value, hangs.job_name), hangs.run_id)

    comes_to(dg.DagsterEventType.RUN_STARTING)
    assert watcher.look() == []
    watcher.now = time.time() + 7200
    assert watcher.look() == [("JOB_LONG_RUNNING", "plain_job", False)]
    message = "it has been starting for more than 3600 s"
    assert watcher.first().problems[0].message == message
    comes_to(dg.DagsterEventType.RUN_START)
    assert watcher.look() == [("JOB_LONG_RUNNING", "plain_job", False)]
    comes_to(dg.DagsterEventType.RUN_SUCCESS)
    assert watcher.look() == [("JOB_LONG_RUNNING", "plain_job", True)]
