"""The shipped policies report errors of the platform itself."""

import os
import signal
import subprocess
import sys

import dagster as dg
import pytest
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from tests.integration.orchestration_platform.alerts.conftest import Watch

from orchestration_platform.alerts.policies.policy import load_policies
from orchestration_platform.definitions import defs
from orchestration_platform.health.schedule import platform_health_job
from sandboxes.slack.server import SlackServer


def examine(instance: dg.DagsterInstance, overdue_seconds: float = 600.0) -> None:
    """What the schedule starts."""
    job = defs.resolve_job_def(platform_health_job.name)
    config = {"config": {"overdue_seconds": overdue_seconds}}
    ops = {"ops": {"platform_health_alerts_delivered": config}}
    assert job.execute_in_process(instance=instance, run_config=ops).success


def about(slack: SlackServer, check: str) -> list[str]:
    return [head.shown for head in slack.heads if check in head.shown]


def test_alerts_that_do_not_get_through_are_an_alert_until_they_do(
    instance: dg.DagsterInstance, watch: Watch, slack: SlackServer
) -> None:
    shipped = load_policies()
    watch(shipped)
    examine(instance)
    watch(shipped)
    # no daemon is at work in this instance
    assert len(about(slack, "daemons_alive")) == 1
    assert about(slack, "alerts_delivered") == []
    # as if the last pass were longer ago than is allowed, where the sensor has to be on
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_ENVIRONMENT", "production")
        patch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
        examine(instance, overdue_seconds=-1.0)
    watch(shipped)
    [reported] = about(slack, "alerts_delivered")
    assert "platform_health" in reported
    assert "(recovered)" not in reported
    examine(instance)
    watch(shipped)
    [reported] = about(slack, "alerts_delivered")
    assert "(recovered)" in reported
    [dead] = about(slack, "daemons_alive")
    assert "(recovered)" not in dead


def test_the_shipped_policies_report_failing_schedules_and_sensors_too() -> None:
    [policy] = [policy for policy in load_policies() if "TICK_FAILURE" in policy.event_types]
    assert policy.enabled
    assert not policy.alert_targets


@pytest.mark.parametrize(
    ("environment", "status"), [("production", "RUNNING"), ("qa", "STOPPED"), ("ci", "STOPPED")]
)
def test_the_platform_checks_itself_automatically_in_production(
    environment: str, status: str
) -> None:
    program = (
        "from orchestration_platform.health.schedule import platform_health_schedule as found\n"
        "print(found.default_status.name, found.job_name, found.cron_schedule)"
    )
    variables = {"DAGSTER_ENVIRONMENT": environment, "VAULT_ADDR": "https://vault.invalid:8200"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.split(maxsplit=2)[:2] == [status, "platform_health_job"]


def test_the_demonstration_prints_what_slack_receives() -> None:
    module = "sandboxes.slack"
    command = [sys.executable, "-m", module]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        variables = dict(
            process.stdout.readline().removeprefix("export ").strip().split("=", 1)
            for _ in range(2)
        )
        client = WebClient(
            variables["ORCHESTRATION_PLATFORM_SLACK__TOKEN"],
            base_url=f"{variables['SLACK_API_URL']}/",
            # a message a second, as Slack allows
            retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=3)],
        )
        key = {"event_type": "dagster_alert", "event_payload": {"key": "k1"}}
        section = {"type": "section", "text": {"type": "mrkdwn", "text": "run 1"}}
        content = {"blocks": [section], "metadata": key}
        posted = client.chat_postMessage(channel="#data", text="census failed", **content)
        assert process.stdout.readline() == "--- #data: a message, new\n"
        assert process.stdout.readline() == "run 1\n"
        assert process.stdout.readline() == "census failed\n"
        where = {"channel": posted["channel"], "ts": posted["ts"]}
        client.chat_update(text="census is well", **where, **content)
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[1] == "--- #data: a message, changed for the 1. time\n"
        assert lines[3] == "census is well\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
