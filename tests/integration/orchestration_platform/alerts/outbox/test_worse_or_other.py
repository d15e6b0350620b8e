"""Incidents that change: they get worse, or have another result."""

import threading

import dagster as dg
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import SlackServer

go_on = threading.Event()


@dg.asset
def shelves() -> None: ...


@dg.op
def slow() -> None:
    go_on.wait(60)
    raise ValueError("it took too long")


@dg.job
def slow_job() -> None:
    slow()


def policies(*event_types: str, **changes: object) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": list(event_types),
        "notification_service": {"slack": {}},
        **changes,
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def check_shows(
    instance: dg.DagsterInstance, description: str, severity: dg.AssetCheckSeverity | None
) -> None:
    """A run in which the check of the asset finds something, or nothing."""

    @dg.asset_check(asset=shelves)
    def shelves_are_full() -> dg.AssetCheckResult:
        found = {"severity": severity} if severity else {}
        return dg.AssetCheckResult(passed=severity is None, description=description, **found)

    dg.materialize([shelves, shelves_are_full], instance=instance)


def is_long_ago(instance: dg.DagsterInstance) -> None:
    """Move all reports so far back that a repeat is reported immediately."""
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.update(INCIDENTS).values(last_entry_at=0, changed_at=0))
        connection.execute(sa.update(MESSAGES).values(delivered_at=0))


WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def test_a_warning_that_becomes_an_error_is_over_and_has_not_recovered(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = policies("ASSET_CHECK_SEVERITY_WARN", "ASSET_CHECK_SEVERITY_ERROR")
    watch(reported)
    check_shows(instance, "2 are empty", WARN)
    watch(reported)
    check_shows(instance, "12 are empty", ERROR)
    watch(reported)
    warning, error = slack.heads
    assert "Asset Check Warning (over)" in warning.shown
    assert "it reports an error" in warning.shown
    assert "Ended after" in slack.thread(warning)[-1].text
    assert not any("ecovered" in message.shown for message in slack.messages)
    check_shows(instance, "all are full", None)
    watch(reported)
    assert "(recovered)" in error.shown
    assert "Recovered after" in slack.thread(error)[-1].text


def test_a_check_with_another_result_is_reported_with_it(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = policies("ASSET_CHECK_SEVERITY_ERROR")
    watch(reported)
    check_shows(instance, "12 are empty", ERROR)
    watch(reported)
    is_long_ago(instance)
    check_shows(instance, "no list of shelves", ERROR)
    watch(reported)
    [head] = slack.heads
    assert "no list of shelves" in head.shown
    assert "12 are empty" not in head.shown
    assert "no list of shelves" in slack.thread(head)[-1].text
    # nothing but a run has anything outside of its steps
    assert "*shelves: shelves_are_full*" in head.shown
    assert not any("outside of its steps" in message.shown for message in slack.messages)


def test_a_long_run_that_fails_in_the_end_has_not_recovered(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    target = {"long_running_job_threshold_target": {"threshold_seconds": 0.05}}
    reported = policies("JOB_LONG_RUNNING", alert_targets=[target])
    watch(reported)
    run = threading.Thread(
        target=lambda: slow_job.execute_in_process(instance=instance, raise_on_error=False)
    )
    run.start()
    try:
        until = threading.Event()
        while not slack.heads:
            until.wait(0.1)
            watch(reported)
    finally:
        go_on.set()
        run.join()
    watch(reported)
    [head] = slack.heads
    assert "(over)" in head.shown
    assert "the run has failed" in head.shown
    assert not any("ecovered" in message.shown for message in slack.messages)
