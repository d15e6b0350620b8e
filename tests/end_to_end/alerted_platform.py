"""A running Dagster in which everything fails, and the alert sensor watches."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
import yaml
from tests.end_to_end import failing_location, webserver
from tests.end_to_end.webserver import REPOSITORY, DagsterDev

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.sources.collect import last_pass_at
from sandboxes.ports import reserved_port
from sandboxes.slack.server import (
    TOKEN,
    Message,
    SlackServer,
)
from sandboxes.waiting import PATIENCE_SECONDS, wait_until

LOCATION = "everything_fails"
BROKEN_LOCATION = "not_there"
SENSOR = "slack_on_run_failure_sensor"
POLL_SECONDS = 0.5

_REPOSITORY_NAME = "__repository__"
_WORKSPACE = """
load_from:
  - python_file: {{relative_path: {failing}, location_name: {location}}}
  - python_file: {{relative_path: broken.py, location_name: {broken}}}
  - python_file: {{relative_path: watching.py, location_name: orchestration_platform}}
"""
# The shipped location with policies of the test's own.
_WATCHING = """
from pathlib import Path

from orchestration_platform.alerts.policies import policy

policy.load_file.__defaults__ = (Path(__file__).with_name("alert_policies.yaml"),)

from orchestration_platform.definitions import defs
"""
_KINDS = {
    "runs": "JOB_FAILURE",
    "checks": "ASSET_CHECK_SEVERITY_ERROR",
    "freshness": "ASSET_FRESHNESS_FAIL",
    "ticks": "TICK_FAILURE",
    "locations": "CODE_LOCATION_ERROR",
}

_START_SENSOR = """
mutation Start($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) {
    __typename ... on Sensor { sensorState { status } } ... on PythonError { message }
} }
"""
_LAUNCH = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
} }
"""
_BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params)
    { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } }
}
"""


@dataclass
class AlertedPlatform:
    """``dagster dev`` with its daemon, its instance, and the Slack that receives the alerts.

    Attributes:
        backfill: the identifier of the backfill.
        probes: runs that failed one at a time, by which the time to a message is measured.
    """

    server: DagsterDev
    slack: SlackServer
    instance: dg.DagsterInstance
    backfill: str = ""
    probes: list[str] = field(default_factory=list)

    def switch_sensor_on(self) -> None:
        """Switch the sensor on as its page does, and wait until it knows where the log ends."""
        sensor = {**_selector("orchestration_platform"), "sensorName": SENSOR}
        done = self.server.query(_START_SENSOR, sensor=sensor)["startSensor"]
        assert done.get("sensorState") == {"status": "RUNNING"}, done
        database = Database(database_url(self.instance))

        def has_passed() -> bool:
            with database.transaction() as connection:
                return last_pass_at(connection) is not None

        self.wait_until(has_passed, seconds=60)

    def launch(
        self,
        job: str,
        *,
        config: dict[str, Any] | None = None,
        checks: Sequence[tuple[str, str]] = (),
    ) -> str:
        """Launch a job, or of the assets' own job an asset with a check; returns the run's id."""
        selector: dict[str, Any] = {**_selector(LOCATION), "jobName": job}
        if checks:
            selector["assetSelection"] = [{"path": [asset]} for asset, _ in checks]
            selector["assetCheckSelection"] = [
                {"assetKey": {"path": [asset]}, "name": check} for asset, check in checks
            ]
        params = {"selector": selector, "mode": "default", "runConfigData": config or {}}
        done = self.server.query(_LAUNCH, params=params)["launchRun"]
        assert "run" in done, done
        return done["run"]["runId"]

    def launch_backfill(self, asset: str, partitions: Sequence[str]) -> None:
        """Launch the asset for each of the partitions."""
        params = {"assetSelection": [{"path": [asset]}], "partitionNames": list(partitions)}
        done = self.server.query(_BACKFILL, params=params)["launchPartitionBackfill"]
        assert "backfillId" in done, done
        self.backfill = done["backfillId"]

    def about(self, subject: str) -> list[Message]:
        """The messages about ``subject``, without what is in threads."""
        return [
            head for head in self.slack.heads if f"`{subject}`" in head.blocks[1]["text"]["text"]
        ]

    def is_reported(self, run_id: str) -> bool:
        """Whether there is a message about the run."""
        return any(run_id in head.shown for head in self.slack.heads)

    def seconds_to_message(self, run_id: str) -> float:
        """From the end of a run to the message about it."""
        [head] = [head for head in self.slack.heads if run_id in head.shown]
        record = self.instance.get_run_record_by_id(run_id)
        assert record is not None
        assert record.end_time is not None
        return float(head.ts) - record.end_time

    def wait_until(self, is_so: Callable[[], bool], *, seconds: float) -> None:
        """Return when ``is_so``.

        Raises:
            AssertionError: it was not within ``seconds``.
        """

        def why_not() -> str:
            reported = "\n".join(head.text for head in self.slack.heads)
            return f"reported so far:\n{reported}\n{self.server.log_tail()}"

        wait_until(is_so, seconds=seconds, why_not=why_not, pause_seconds=POLL_SECONDS)


@contextmanager
def alerted_platform(
    home: Path, slack: SlackServer, patch: pytest.MonkeyPatch
) -> Iterator[AlertedPlatform]:
    """A server on an empty instance in ``home``, of which one code location does not load."""
    _write(home)
    patch.setattr(webserver, "REPOSITORY", home)
    port = reserved_port()
    patch.setattr(webserver, "reserved_port", lambda: port)
    for name, value in {
        "DAGSTER_HOME": str(home),
        "ORCHESTRATION_PLATFORM_SLACK__TOKEN": TOKEN,
        "SLACK_API_URL": slack.url,
        "DAGSTER_WEBSERVER_URL": f"http://127.0.0.1:{port}",
        "FRESHNESS_DAEMON_INTERVAL_SECONDS": "5",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "ignore",
    }.items():
        patch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        # as early as can be: what is to be stale takes a minute to become so
        instance.report_runless_asset_event(dg.AssetMaterialization("prices"))
        server = DagsterDev(home / "output.log")
        try:
            platform = AlertedPlatform(server, slack, instance)
            platform.wait_until(lambda: _is_loaded(server), seconds=PATIENCE_SECONDS)
            yield platform
        finally:
            server.stop()


def _write(home: Path) -> None:
    settings = yaml.safe_load((REPOSITORY / "dagster.local.yaml").read_text(encoding="utf-8"))
    # more than the sensor takes in one tick
    settings["run_coordinator"]["config"]["max_concurrent_runs"] = 6
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    failing = Path(failing_location.__file__)
    (home / "workspace.yaml").write_text(
        _WORKSPACE.format(failing=failing.name, location=LOCATION, broken=BROKEN_LOCATION)
    )
    shutil.copy(failing, home)
    (home / "broken.py").write_text('raise ImportError("no module named tills")\n')
    (home / "watching.py").write_text(_WATCHING)
    slack = {"slack": {"owner_mentions": {"team:shop": "S0123456"}}}
    policies = [
        {"name": name, "enabled": True, "event_types": [kind], "notification_service": slack}
        for name, kind in _KINDS.items()
    ]
    (home / "alert_policies.yaml").write_text(yaml.safe_dump({"alert_policies": policies}))


def _selector(location: str) -> dict[str, str]:
    return {"repositoryLocationName": location, "repositoryName": _REPOSITORY_NAME}


def _is_loaded(server: DagsterDev) -> bool:
    try:
        found = server.query(webserver.LOCATIONS)["workspaceOrError"]["locationEntries"]
    except (requests.ConnectionError, requests.Timeout):
        return False
    return all(entry["locationOrLoadError"] is not None for entry in found)
