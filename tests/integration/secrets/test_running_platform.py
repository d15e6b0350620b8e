"""The platform with secrets from Vault: nothing that it writes, serves or sends contains one."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from dagster_graphql import DagsterGraphQLClient
from tests.end_to_end.webserver import DagsterDev
from tests.integration.secrets.conftest import Bao
from tests.integration.secrets.test_canary import SERVED, leaks, written_to

from sandboxes.slack.server import SlackServer, slack_server
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.definitions_check import workspace_modules

SLACK_TOKEN = "xoxb-canary-slack-c0ffee-123456"
CANARIES = {
    "gocardless/api": {"secret_id": "canary-gc-id-5d1f", "secret_key": "canary-gc-key-88ab"},
    "gocardless/enable_banking": {
        "application_id": "canary-eb-id-19ac",
        "private_key": "canary-eb-key-7f0e",
    },
    "orchestration_platform/slack": {"token": SLACK_TOKEN},
}

SENSOR = {
    "repositoryLocationName": "orchestration_platform",
    "repositoryName": "__repository__",
    "sensorName": "slack_on_run_failure_sensor",
}
START_SENSOR = """
mutation Start($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) {
    __typename ... on PythonError { message }
} }
"""
TICKS = """
query Ticks($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { ticks(limit: 100) {
        status skipReason error { message stack }
    } } }
} }
"""


@dataclass(frozen=True)
class Platform:
    """What is at work, and where it writes."""

    dagster: DagsterDev
    slack: SlackServer
    home: Path
    data: Path

    def run(self, job: str, location: str, **asked: Any) -> str:
        """Run a job to its end; returns its status."""
        client = DagsterGraphQLClient(self.dagster.url.removeprefix("http://"))
        run_id = client.submit_job_execution(
            job, repository_location_name=location, repository_name="__repository__", **asked
        )

        def status() -> str:
            return client.get_run_status(run_id).value

        wait_until(
            lambda: status() in ("SUCCESS", "FAILURE"),
            seconds=PATIENCE_SECONDS,
            why_not=lambda: f"{job} is {status()}:\n{self.dagster.log_tail()}",
        )
        return status()


@pytest.fixture
def at_work(
    bao: Bao, platform: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    for path, values in CANARIES.items():
        bao.write(path, **values)
    home = tmp_path / "home"
    (home / "temporary").mkdir(parents=True)
    instance = (REPOSITORY_ROOT / "dagster.local.yaml").read_text()
    (home / "dagster.yaml").write_text(
        instance.replace("python_logs:\n", "python_logs:\n  python_log_level: DEBUG\n")
    )
    with slack_server(token=SLACK_TOKEN, seconds_between_messages=0.0) as slack:
        for name, value in {
            "DAGSTER_HOME": str(home),
            "TMPDIR": str(home / "temporary"),
            "PLATFORM_DATA_DIRECTORY": str(platform),
            "SECRETS_BACKEND": "vault",
            # nobody answers there: what asks the API fails with its credentials in hand
            "GOCARDLESS_API_URL": "http://127.0.0.1:9",
            "SLACK_API_URL": slack.url,
        }.items():
            monkeypatch.setenv(name, value)
        # what `make dev EXAMPLES=1` starts
        dagster = DagsterDev(home / "dagster_dev.log", "examples/workspace.yaml")
        try:
            dagster.wait_until_loaded({*workspace_modules(), "examples"})
            yield Platform(dagster, slack, home, platform)
        finally:
            dagster.stop()
            shutil.rmtree(home / "temporary", ignore_errors=True)


def contents_of(warehouse: Path) -> Iterator[bytes]:
    """Every row of every table, as text: the file itself may be compressed."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select format('{}.{}', schema_name, table_name) from duckdb_tables()"
        ).fetchall()
        for (table,) in tables:
            yield repr(connection.execute(f"from {table}").fetchall()).encode()


def command_lines(process: int) -> Iterator[str]:
    """Those of a process and of all that it has started, as anybody on the machine sees them."""
    first = psutil.Process(process)
    for found in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # a zombie has none
            yield " ".join(found.cmdline())


def test_no_secret_is_written_served_or_sent(at_work: Platform) -> None:
    dagster = at_work.dagster
    started = dagster.query(START_SENSOR, sensor=SENSOR)["startSensor"]
    assert started["__typename"] == "Sensor", started
    year = {"dagster/partition": "baseline|2025"}
    small = {"ops": {"simulation_config": {"config": {"generated_size": 300}}}}
    late = {"ops": {"simulation_config": {"config": {"start_year": 2026, "generated_size": 300}}}}

    ended = {
        "gocardless": at_work.run("gocardless_sync_job", "gocardless"),
        "simulation": at_work.run(
            "single_year_simulation", "simulation", run_config=small, tags=year
        ),
        "simulation, a year too early": at_work.run(
            "single_year_simulation", "simulation", run_config=late, tags=year
        ),
        "orchestration_platform": at_work.run(
            "__ASSET_JOB", "orchestration_platform", asset_selection=["platform_health"]
        ),
    }
    wait_until(lambda: len(at_work.slack.heads) >= 2, seconds=60, why_not=dagster.log_tail)

    assert ended == {
        "gocardless": "FAILURE",
        "simulation": "SUCCESS",
        "simulation, a year too early": "FAILURE",
        "orchestration_platform": "SUCCESS",
    }
    shown = "\n".join(message.shown for message in at_work.slack.messages)
    assert "gocardless_sync_job" in shown
    assert "single_year_simulation" in shown
    served = [json.dumps(dagster.query(SERVED)), json.dumps(dagster.query(TICKS, sensor=SENSOR))]
    assert "5 secrets were found" in served[0]
    everything = [
        *written_to(at_work.home),
        *(
            (str(file), content)
            for file in at_work.data.glob("*.duckdb")
            for content in contents_of(file)
        ),
        *written_to(at_work.data),
        *(("what the webserver serves", text.encode()) for text in served),
        ("alerts", json.dumps([vars(message) for message in at_work.slack.messages]).encode()),
        *(("a command line", line.encode()) for line in command_lines(dagster.pid)),
    ]
    for values in CANARIES.values():
        for canary in values.values():
            assert not leaks(everything, canary)
