"""kill -9 while a message waits for the end of quiet hours or for an acknowledgement."""

import signal
from collections import Counter
from functools import partial

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    ONCALL,
    escalated,
    pass_time,
)
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    policies as escalating,
)
from tests.integration.orchestration_platform.alerts.delivery.test_quiet_hours import (
    always,
    end_the_window,
    states,
)
from tests.integration.orchestration_platform.alerts.dying import (
    ESCALATION_POINTS,
    HOLDING_POINTS,
    NO_OVERLAP,
    RELEASING_POINTS,
    SUPPRESSING_POINTS,
    nursery,
)
from tests.integration.orchestration_platform.alerts.kills.test_kills import reported
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import TOKEN, SlackServer

pytestmark = on_both_databases


def in_maintenance(**window: object) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {}},
    }
    windows = always(below_severity=None, **window)
    return AlertPolicies.model_validate(
        {"alert_policies": [document], "maintenance_windows": windows}
    ).in_force


def after_maintenance() -> list[Policy]:
    [policy] = in_maintenance()
    options = policy.policy_options.model_copy(update={"quiet_hours": []})
    return [policy.model_copy(update={"policy_options": options})]


def test_a_held_message_is_sent_once_whenever_a_process_was_killed(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = partial(watch, **NO_OVERLAP)
    failure = RecordedFailure(instance, fail(instance))
    watch(in_maintenance())
    names = job_names()
    expected = Counter(["plain_job"])
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        for point in HOLDING_POINTS:
            name = next(names)
            expected[name] = 1
            failure.store(instance, name)
            code = killed.run(point=point, policies=in_maintenance())
            assert code == -signal.SIGKILL, point
        done = watch(in_maintenance())
        # each with its stack trace
        assert (done.outbox.held, done.outbox.waiting) == (2 * len(expected), 0)
        assert slack.messages == []
        end_the_window(instance)
        for point in [*RELEASING_POINTS, *RELEASING_POINTS]:
            code = killed.run(point=point, policies=after_maintenance())
            assert code == -signal.SIGKILL, point
    send_all(watch, after_maintenance())
    assert reported(slack) == expected
    assert [len(slack.thread(head)) for head in slack.heads] == [1] * len(expected)


def test_a_held_message_of_a_recovered_incident_is_not_sent_whenever_a_process_was_killed(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    policies = in_maintenance(recovered_meanwhile="nothing")
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        for point in SUPPRESSING_POINTS:
            say(instance, "the census is bad")
            watch(policies)
            say(instance, None)
            assert killed.run(point=point, policies=policies) == -signal.SIGKILL, point
            watch(policies)
    end_the_window(instance)
    watch(after_maintenance())
    assert slack.messages == []
    assert states(instance) == ["suppressed"] * 2 * len(SUPPRESSING_POINTS)


def test_an_escalation_is_there_once_whenever_a_process_was_killed(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    failure = RecordedFailure(instance, fail(instance))
    names = job_names()
    expected = Counter(["plain_job"])
    policies = escalating(escalate_again_after=None)
    watch(policies)
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        for point in ESCALATION_POINTS:
            name = next(names)
            expected[name] = 1
            failure.store(instance, name)
            watch(policies)
            pass_time(instance)
            assert killed.run(point=point, policies=policies) == -signal.SIGKILL, point
    send_all(watch, policies)
    assert watch(policies).escalated == 0
    assert Counter(head.shown.split("`")[1] for head in escalated(slack)) == expected
    first = [head for head in slack.heads if head.channel != ONCALL]
    assert Counter(head.shown.split("`")[1] for head in first) == expected
    assert [len(slack.thread(head)) for head in escalated(slack)] == [0] * len(expected)
