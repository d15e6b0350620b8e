"""From a run that fails to the message that people read."""

import logging
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support import failing_jobs
from tests.support.failing_jobs import fail, say

from sandboxes.slack.server import SlackServer


def test_a_failed_run_is_reported_once_with_its_trace_in_the_thread(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    run_id = fail(instance)

    assert watch().failures == 1
    assert watch().failures == 0

    [head] = slack.heads
    assert head.channel == "notifications-data-platform-ci"
    header = "plain_job: ValueError: row 17 of 2,000 is bad · Dagster Ci Run Failure"
    assert head.blocks[0]["text"]["text"] == header
    assert head.text.startswith("plain_job: ValueError: row 17 of 2,000 is bad · ")
    assert f"<http://127.0.0.1:3000/runs/{run_id}|" in head.shown
    assert "`plain_job`" in head.shown
    assert "ValueError: row 17 of 2,000 is bad" in head.shown
    assert "failing_jobs.py:" in head.shown
    assert "Traceback" not in head.shown
    [trace] = slack.thread(head)
    assert "in plain_error" in trace.shown


def test_what_failed_before_the_first_pass_is_not_reported(
    instance: dg.DagsterInstance, slack: SlackServer, request: pytest.FixtureRequest
) -> None:
    fail(instance)
    watch = request.getfixturevalue("watch")
    fail(instance, failing_jobs.other_job)
    watch()
    assert ["`other_job`" in head.shown for head in slack.heads] == [True]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (failing_jobs.chained_job, "ZeroDivisionError: division by zero"),
        (failing_jobs.intentional_job, "Failure: the census has no rows"),
        (failing_jobs.intentional_job, "*rows:* 0"),
        (failing_jobs.retrying_job, "KeyError: 'salary'"),
        (failing_jobs.retrying_job, "*out_of_retries*, 2 attempts"),
        (failing_jobs.database_job, "OSError: no database at db.example.com"),
        (failing_jobs.dynamic_job, "*each[*]* (3 of its steps)"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_error_is_the_users_own(
    job: dg.JobDefinition,
    expected: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
) -> None:
    fail(instance, job)
    watch()
    [head] = slack.heads
    assert expected in head.shown
    assert "Dagster" not in head.shown.replace("Dagster Ci Run Failure", "")


def test_repeats_are_one_message_that_counts_and_different_jobs_are_not(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    for text in ("row 1 is bad", "row 2 is bad", "row 3 is bad"):
        say(instance, text)
    fail(instance, failing_jobs.other_job)
    fail(instance)
    watch()
    say(instance, "row 4 is bad")
    watch()

    by_job = {head.shown.split("`")[1]: head for head in slack.heads}
    assert sorted(by_job) == ["other_job", "plain_job", "told_job"]
    assert "failed 4 times since" in by_job["told_job"].shown
    assert "times" not in by_job["plain_job"].shown
    assert len(slack.thread(by_job["told_job"])) == 1


def test_a_success_is_reported_as_recovered_and_the_next_failure_is_a_new_message(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "bad")
    say(instance, "bad")
    watch()
    say(instance, None)
    watch()
    [head] = slack.heads
    header = "told_job: ValueError: bad · Dagster Ci Run Failure (recovered)"
    assert head.blocks[0]["text"]["text"] == header
    assert "Recovered after" in slack.thread(head)[-1].text
    assert "having failed 2 times" in slack.thread(head)[-1].text

    say(instance, "bad")
    watch()
    assert len(slack.heads) == 2
    assert "recovered" not in slack.heads[1].shown


def test_partitions_are_one_failure_that_is_over_when_each_has_succeeded(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # what a backfill or an automation condition launches
    job = dg.Definitions(assets=[failing_jobs.sales]).resolve_implicit_global_asset_job_def()

    def materialize(partition: str) -> None:
        job.execute_in_process(
            instance=instance,
            partition_key=partition,
            asset_selection=[failing_jobs.sales.key],
            raise_on_error=False,
        )

    for partition in ("part_00", "part_07"):
        materialize(partition)
    watch()
    [head] = slack.heads
    assert "*Assets:* `sales`" in head.shown
    assert "`part_00`, `part_07`" in head.shown
    assert "__" not in head.shown

    monkeypatch.setenv("ALERT_TEST_FIXED", "yes")
    materialize("part_01")
    materialize("part_00")
    watch()
    assert "recovered" not in head.shown
    materialize("part_07")
    watch()
    assert "(recovered)" in head.shown


def test_an_event_that_was_stored_late_with_a_lower_number_is_not_skipped(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    import sqlite3

    late, soon = fail(instance), fail(instance, failing_jobs.other_job)
    index = f"{instance.root_directory}/history/runs/index.db"

    def move(run_id: str, kind: str, to: str) -> None:
        with sqlite3.connect(index) as connection:
            done = connection.execute(
                "update event_logs set dagster_event_type = ? "
                "where run_id = ? and dagster_event_type = ?",
                (to, run_id, kind),
            )
            assert done.rowcount == 1
        connection.close()

    # as if the transaction that stores it had not been committed
    move(late, "PIPELINE_FAILURE", "NOT_YET")
    assert watch().failures == 1
    move(late, "NOT_YET", "PIPELINE_FAILURE")
    assert watch().failures == 1
    assert watch().failures == 0
    assert [late in head.shown for head in slack.heads] == [False, True]
    assert [soon in head.shown for head in slack.heads] == [True, False]


def test_a_secret_in_an_error_does_not_reach_slack_or_the_outbox(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    from pathlib import Path

    from shared_lib.secrets import know

    # the process of the run did not know it
    say(instance, "login with hunter2-hunter2 failed")
    know("hunter2-hunter2", name="shop/api password")
    watch()
    reported = "".join(message.shown for message in slack.messages)
    assert "login with [secret shop/api password] failed" in reported
    assert "hunter2" not in reported
    kept = b"".join(path.read_bytes() for path in Path(instance.root_directory).glob("alerts.db*"))
    assert b"login with" in kept
    assert b"hunter2" not in kept


def retry_of(instance: dg.DagsterInstance, run_id: str, **tags: Any) -> dict[str, str]:
    """The tags of a retry that Dagster launches automatically."""
    return {
        "dagster/parent_run_id": run_id,
        "dagster/root_run_id": run_id,
        "dagster/retry_number": "1",
    }


@pytest.mark.parametrize("announce", ["first_failure", "retries_exhausted"])
def test_a_run_that_dagster_retries_causes_one_alert(
    announce: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    policies = policies_that(announce=announce)
    first = say(instance, "bad", {"dagster/max_retries": "1"})
    instance.add_run_tags(first, {"dagster/will_retry": "true"})
    watch(policies)
    assert len(slack.heads) == (1 if announce == "first_failure" else 0)

    retry = say(instance, "bad", retry_of(instance, first))
    instance.add_run_tags(first, {"dagster/auto_retry_run_id": retry})
    instance.add_run_tags(retry, {"dagster/will_retry": "false"})
    watch(policies)
    [head] = slack.heads
    assert "*Attempt:* 2" in head.shown
    assert "times" not in head.shown


def test_a_retry_that_succeeds_leaves_nothing_to_report_and_one_that_never_comes_does(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policies = policies_that(announce="retries_exhausted")
    helped = say(instance, "bad")
    forgotten = fail(instance)
    for run_id in (helped, forgotten):
        instance.add_run_tags(run_id, {"dagster/will_retry": "true"})
    watch(policies)
    retry = say(instance, None, retry_of(instance, helped))
    instance.add_run_tags(helped, {"dagster/auto_retry_run_id": retry})
    watch(policies)
    assert slack.heads == []

    watch(policies, retry_launch=0.0)
    assert [forgotten in head.shown for head in slack.heads] == [True]


def policies_that(**options: Any) -> list[Any]:
    from orchestration_platform.alerts.policies.policy import load_policies

    policy, *_ = load_policies()
    changed = policy.policy_options.model_copy(update=options)
    return [policy.model_copy(update={"policy_options": changed})]


def test_a_run_that_does_not_start_is_reported_with_the_reason(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the daemon's own judgement, which has no public name and otherwise takes minutes
    from dagster._daemon.monitoring.run_monitoring import monitor_starting_run

    run = instance.create_run_for_job(failing_jobs.plain_job)
    monkeypatch.setattr(dg.DagsterInstance, "run_monitoring_start_timeout_seconds", 0)
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    # what the daemon does of a run that nothing has picked up
    monitor_starting_run(instance, record, logging.getLogger(__name__))
    watch()
    [head] = slack.heads
    assert "the run did not start in time" in head.shown
    assert "longer than 0 seconds to start" in head.shown
