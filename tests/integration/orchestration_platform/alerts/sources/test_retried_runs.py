"""Runs that Dagster starts again, several times: one alert, at the right time, and never none."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support.failing_jobs import say, told_job

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.deduplication import HELD
from orchestration_platform.alerts.outbox.tables import OCCURRENCES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import SlackServer


def policies(event_type: str = "JOB_FAILURE", announce: str = "retries_exhausted") -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": [event_type],
        "notification_service": {"slack": {}},
        "policy_options": {"announce": announce},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def retry_tags(runs: Sequence[str], most: int) -> dict[str, str]:
    """The tags that the daemon sets for the next attempt after ``runs``."""
    if not runs:
        return {"dagster/max_retries": str(most)}
    return {
        "dagster/parent_run_id": runs[-1],
        "dagster/root_run_id": runs[0],
        "dagster/retry_number": str(len(runs)),
        "dagster/max_retries": str(most),
    }


def finish(instance: dg.DagsterInstance, runs: list[str], run_id: str, *, most: int) -> None:
    """Tag the next attempt after ``runs``, and the one before it, as the daemon does."""
    if runs:
        instance.add_run_tags(runs[-1], {"dagster/auto_retry_run_id": run_id})
    run = instance.get_run_by_id(run_id)
    if run and run.is_failure:
        will_retry = "true" if len(runs) < most else "false"
        instance.add_run_tags(run_id, {"dagster/will_retry": will_retry})
    runs.append(run_id)


def attempts(instance: dg.DagsterInstance, texts: Sequence[str | None]) -> Iterator[list[str]]:
    """One attempt after another, which fails with its text; returns the runs so far."""
    runs: list[str] = []
    most = len(texts) - 1
    for text in texts:
        finish(instance, runs, say(instance, text, retry_tags(runs, most)), most=most)
        yield runs


def held(instance: dg.DagsterInstance) -> int:
    query = sa.select(sa.func.count()).where(OCCURRENCES.c.state == HELD)
    with Database(database_url(instance)).transaction() as connection:
        return connection.execute(query).scalar_one()


@dg.asset
def flaky(context: dg.AssetExecutionContext) -> None:
    if "fails" in context.run.tags:
        raise ValueError("no shelf")


@dg.asset
def fails_later(context: dg.AssetExecutionContext) -> None:
    if "fails" in context.run.tags:
        raise ValueError("no till")


def test_two_failed_attempts_and_one_that_succeeds_leave_nothing_that_waits(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    runs: list[str] = []
    for so_far in attempts(instance, ["bad", "bad", None]):
        watch(policies())
        runs = so_far
    assert held(instance) == 0
    for run_id in runs:
        instance.delete_run(run_id)
    watch(policies())
    assert slack.heads == []


def test_only_the_last_of_three_attempts_is_reported_also_when_dagster_gives_up_before_it(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = attempts(instance, ["bad", "bad", "bad"])
    for _ in range(2):
        next(chain)
        watch(policies())
    assert slack.heads == []
    assert held(instance) == 2
    # the third one does not come
    watch(policies(), retry_launch=0.0)
    [head] = slack.heads
    assert "*Attempt:* 2 of 3" in head.shown
    assert "times" not in head.shown
    assert held(instance) == 0


def test_a_retry_whose_failure_no_policy_covered_is_reported_by_the_attempt_that_waits(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = attempts(instance, ["bad", "bad"])
    next(chain)
    watch(policies())
    next(chain)
    # nobody asked for failed jobs when it was read
    watch(policies("ASSET_FRESHNESS_FAIL"))
    watch(policies())
    assert slack.heads == []
    watch(policies(), retry_launch=0.0)
    [head] = slack.heads
    assert "*Attempt:* 1 of 2" in head.shown


@pytest.mark.parametrize("last_attempt", ["makes it", "fails"])
def test_an_asset_is_not_reported_before_the_last_attempt_has_not_made_it(
    last_attempt: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = policies("ASSET_MATERIALIZATION_FAILURE")
    runs: list[str] = []
    # the second attempt does not come to the asset
    for number, asset in enumerate([flaky, fails_later, flaky]):
        tags = retry_tags(runs, 2)
        if number < 2 or last_attempt == "fails":
            tags["fails"] = "yes"
        result = dg.materialize([asset], instance=instance, raise_on_error=False, tags=tags)
        finish(instance, runs, result.run_id, most=2)
        watch(reported)
        if number < 2:
            assert slack.heads == []
    watch(reported)
    assert held(instance) == 0
    assert sum("`flaky`" in head.shown for head in slack.heads) == (last_attempt == "fails")


@pytest.mark.parametrize("announce", ["first_failure", "retries_exhausted"])
def test_an_attempt_that_fails_after_another_run_repaired_the_first_is_a_new_message(
    announce: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported = policies(announce=announce)
    chain = attempts(instance, ["bad", "bad", "bad"])
    next(chain)
    # the second attempt is late, so that the first is reported in any case
    watch(reported, retry_launch=0.0)
    say(instance, None)
    watch(reported)
    [first] = slack.heads
    assert "(recovered)" in first.shown

    next(chain)
    watch(reported)
    assert len(slack.heads) == (2 if announce == "first_failure" else 1)
    next(chain)
    watch(reported)
    [_, second] = slack.heads
    assert "*Attempt:* 3 of 3" in second.shown
    assert "(recovered)" not in second.shown
    assert "times" not in second.shown


def test_a_retry_that_stays_in_the_queue_is_waited_for_an_hour_and_no_longer(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[str] = []
    finish(instance, runs, say(instance, "bad", retry_tags(runs, 1)), most=1)
    queued = instance.create_run_for_job(told_job, tags=retry_tags(runs, 1))
    finish(instance, runs, queued.run_id, most=1)
    watch(policies())
    assert slack.heads == []

    # Dagster may note the time of a new run in whole seconds
    watch(policies(), retry_start=-1.0)
    [head] = slack.heads
    assert "*Attempt:* 1 of 2" in head.shown
    assert held(instance) == 0


def test_an_asset_that_a_retry_has_made_is_not_reported_when_the_next_retry_is_cancelled(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = policies("ASSET_MATERIALIZATION_FAILURE")
    runs: list[str] = []

    @dg.asset(deps=[flaky])
    def other() -> None:
        raise ValueError("no till")

    first = dg.materialize([flaky], instance=instance, raise_on_error=False, tags={"fails": "yes"})
    finish(instance, runs, first.run_id, most=2)
    watch(reported)
    tags = retry_tags(runs, 2)
    second = dg.materialize([flaky, other], instance=instance, raise_on_error=False, tags=tags)
    finish(instance, runs, second.run_id, most=2)
    third = instance.create_run_for_job(told_job, tags=retry_tags(runs, 2))
    finish(instance, runs, third.run_id, most=2)
    instance.report_run_canceled(third)
    watch(reported)
    watch(reported)
    assert held(instance) == 0
    assert ["`other`" in head.shown for head in slack.heads] == [True]
