"""A mistake in alert_policies.yaml ends no alert, and is itself reported."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorType, TickStatus
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.sources.test_ticks import running, tick
from tests.integration.orchestration_platform.alerts.test_sensor import VARIABLE
from tests.integration.orchestration_platform.alerts.test_sensor import tick as pass_of_the_sensor
from tests.support.failing_jobs import fail

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.policies_in_force import (
    InvalidPoliciesWarning,
    policies_in_force,
    read_policies,
)
from orchestration_platform.alerts.policies.policy import AlertPolicies, load_file
from orchestration_platform.alerts.sensors import alert_sensor
from sandboxes.slack.server import TOKEN, SlackServer
from shared_lib.configuration.validated_yaml import ConfigurationError

EVERYTHING = """\
maintenance_windows:
  - {cron: "0 1 * * 0", duration: 2h, below_severity: null}
keep_days: 30
alert_policies:
  - name: jobs
    enabled: true
    event_types: [JOB_LONG_RUNNING]
    alert_targets:
      - long_running_job_threshold_target: {threshold_seconds: 60, location_names: [simulation]}
    notification_service: {slack: {slack_channel_name: data}}
    policy_options:
      escalate_after: 15min
      escalation_service: {pagerduty: {integration_key: alerts/pagerduty}}
      quiet_hours:
        - {cron: "0 22 * * *", duration: 9h, timezone: Europe/Berlin}
  - name: ticks
    enabled: false
    event_types: [TICK_FAILURE]
    notification_service: {email: {email_addresses: [a@example.com]}}
    policy_options: {consecutive_failure_threshold: 3, renotify_interval_minutes: 60}
"""
MISTAKE = EVERYTHING.replace("enabled: true", "enabld: true")


def written(directory: Path, text: str) -> Path:
    path = directory / "alert_policies.yaml"
    path.write_text(text)
    return path


def invalid(directory: Path) -> AlertPolicies | ConfigurationError:
    with pytest.warns(InvalidPoliciesWarning, match="enabld: unknown key"):
        return read_policies(written(directory, MISTAKE))


@on_both_databases
def test_the_last_valid_policies_stay_in_force(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    database = Database(database_url(instance))
    error = invalid(tmp_path)
    with pytest.raises(ConfigurationError, match=r"yaml:6: alert_policies\.0\.enabld"):
        policies_in_force(database, error)

    for valid in (load_file(), load_file(written(tmp_path, EVERYTHING))):
        assert policies_in_force(database, valid) == valid
        kept = policies_in_force(Database(database_url(instance)), error)
        assert (kept, kept.in_force) == (valid, valid.in_force)


def test_a_mistake_ends_no_alert_and_is_reported_until_it_is_mended(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    sensor = running(instance, InstigatorType.SENSOR)
    pass_of_the_sensor(instance)
    tick(instance, sensor, TickStatus.SUCCESS)
    pass_of_the_sensor(instance)

    with_mistake = alert_sensor(invalid(tmp_path))
    fail(instance)
    with pytest.raises(Exception, match="enabld"):
        pass_of_the_sensor(instance, sensor=with_mistake)
    # which the daemon records
    tick(instance, sensor, TickStatus.FAILURE)
    with pytest.raises(Exception, match="enabld"):
        pass_of_the_sensor(instance, sensor=with_mistake)

    assert ["plain_job" in head.shown for head in slack.heads] == [True, False]
    assert "nightly" in slack.heads[1].shown

    tick(instance, sensor, TickStatus.SUCCESS)
    pass_of_the_sensor(instance)
    assert "recovered" in slack.heads[1].shown.lower()


@pytest.mark.parametrize(
    "command",
    [
        ["resolve", "1", "--reason", "mended"],
        ["drop", "slack:#notifications-data-platform-ci", "--reason", "archived"],
        ["mute", "--policy", "slack_on_run_failure", "--for", "2h", "--reason", "we migrate"],
        ["incidents", "--policy", "slack_on_failing_tick"],
    ],
    ids=lambda command: command[0],
)
def test_people_can_act_while_the_file_is_invalid(
    command: list[str],
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.faults.append("is_archived")
    fail(instance)
    watch(seconds=0.01)
    policies_in_force(Database(database_url(instance)), load_file())
    monkeypatch.setattr(load_file, "__defaults__", (written(tmp_path, MISTAKE),))

    assert main(command) == 0

    reported = capsys.readouterr().err
    assert "the last valid alert policies stay in force" in reported
    assert "alert_policies.0.enabld: unknown key" in reported
