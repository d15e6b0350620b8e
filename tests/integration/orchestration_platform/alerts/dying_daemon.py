"""The real daemon with all that it has started, killed at a given point of a delivery.

The sensor runs in the code server, a process that the daemon starts. The process that comes to the
point kills their whole group, as the end of a container or of a machine would.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import dagster as dg
from tests.integration.orchestration_platform.alerts import dying

from orchestration_platform.alerts.facts.timing import Timing
from sandboxes.slack.server import TOKEN
from sandboxes.waiting import wait_until

SENSOR = "slack_on_run_failure_sensor"
# Of a daemon, until its sensor has come to the point; it starts in five to ten.
LONGEST_LIFE_SECONDS = 120.0

_REPOSITORY = Path(__file__).parents[4]
_POINT = "TEST_DIES_AT"
_TIMING = "TEST_TIMING"
_LOCATION = """
from tests.integration.orchestration_platform.alerts import dying_daemon

dying_daemon.prepare()

from orchestration_platform.definitions import defs
"""
_POLICIES = """
alert_policies:
  - name: failed_runs
    enabled: true
    event_types: [JOB_FAILURE]
    notification_service: {slack: {}}
"""
_WORKSPACE = """
load_from:
  - python_file: {relative_path: watching.py, location_name: orchestration_platform}
"""


def prepare() -> None:
    """Called in the code server, before the location is imported."""
    from orchestration_platform.alerts.policies import policy
    from orchestration_platform.resources import RESOURCES

    home = Path(os.environ["DAGSTER_HOME"])
    policy.load_file.__defaults__ = (home / "alert_policies.yaml",)
    RESOURCES["alerts_timing"] = Timing(**json.loads(os.environ[_TIMING]))
    point = os.environ.get(_POINT)
    if point:
        dying.die_at(point, _die_with_the_daemon)


def _die_with_the_daemon() -> None:
    group = os.getpgrp()
    # never the group of the tests
    assert group == os.getsid(0), "the daemon leads no session of its own"
    os.killpg(group, signal.SIGKILL)


def _seconds_of(timing: Timing) -> dict[str, float]:
    """Return the waits; the daemon measures them by its own clock."""
    return {
        field.name: getattr(timing, field.name) for field in fields(timing) if field.name != "clock"
    }


class DyingDaemon:
    """``dagster-daemon`` over an instance, again and again."""

    def __init__(self, instance: dg.DagsterInstance, slack_url: str, timing: Timing) -> None:
        """Write what it loads into the instance's directory, and switch its sensor on."""
        self._instance = instance
        self._home = Path(instance.root_directory)
        for name, text in {
            "watching.py": _LOCATION,
            "alert_policies.yaml": _POLICIES,
            "workspace.yaml": _WORKSPACE,
        }.items():
            (self._home / name).write_text(text, encoding="utf-8")
        self._log = self._home / "daemon.log"
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(self._home),
            "DAGSTER_ENVIRONMENT": "ci",
            "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), *sys.path]),
            "ORCHESTRATION_PLATFORM_SLACK__TOKEN": TOKEN,
            "SLACK_API_URL": slack_url,
            _TIMING: json.dumps(_seconds_of(timing)),
        }
        self._dagster(
            "dagster", "sensor", "start", SENSOR, "-w", "workspace.yaml",
            "-l", "orchestration_platform",
        )  # fmt: skip

    def _dagster(self, *command: str) -> None:
        subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=self._home, env=self._environment, check=True, capture_output=True,
        )  # fmt: skip

    def live(
        self,
        *,
        point: str | None = None,
        until: Callable[[], bool] | None = None,
        seconds: float = LONGEST_LIFE_SECONDS,
    ) -> None:
        """One life of the daemon.

        Args:
            point: where it dies, one of :data:`dying.POINTS`.
            until: what it lives for otherwise; then it is killed too.
            seconds: how long it may take until then.

        Raises:
            AssertionError: neither happened in time, or it ended on its own; with its log.
        """
        self._let_the_interval_go_by()
        dies = {_POINT: point} if point else {}
        program = str(Path(sys.executable).with_name("dagster-daemon"))
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [program, "run", "-w", "workspace.yaml"],
                cwd=self._home, env=self._environment | dies, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            wait_until(
                lambda: process.poll() is not None or (until and until()),
                seconds=seconds,
                why_not=self._output,
            )
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        assert code == -signal.SIGKILL, self._output()

    def _let_the_interval_go_by(self) -> None:
        """As if the last tick were so long ago that the next one is due at once."""
        for state in self._instance.all_instigator_state():
            data: Any = state.instigator_data
            if state.instigator_name == SENSOR and data.last_tick_start_timestamp:
                ago = {"last_tick_timestamp": 0.0, "last_tick_start_timestamp": 0.0}
                self._instance.update_instigator_state(state.with_data(data._replace(**ago)))

    def _output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-8000:]
