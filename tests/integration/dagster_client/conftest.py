"""A running webserver with a workspace of its own, and a database for what is triggered there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.dagster_client.front import Front, front_of
from tests.support.servers import wait_until_it_answers

from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.dagster_client import DagsterClient, JobRuns, Webserver

LOCATIONS = Path(__file__).with_name("locations")

# Runs start at once, without a daemon.
INSTANCE = """
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
telemetry: {enabled: false}
"""


@dataclass(frozen=True)
class RunningDagster:
    """A webserver, and the directory of its instance."""

    url: str
    home: Path


@pytest.fixture(scope="session")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDagster]:
    """Two locations that share a job name, and one that does not load."""
    files = "".join(
        f"  - python_file: {{relative_path: {path}, location_name: {path.stem}}}\n"
        for path in sorted(LOCATIONS.glob("*.py"))
    )
    with running_webserver(tmp_path_factory.mktemp("dagster_client"), files) as running:
        yield running


@contextmanager
def running_webserver(home: Path, load_from: str) -> Iterator[RunningDagster]:
    """A webserver whose workspace has the lines ``load_from``, until the block ends."""
    (home / "dagster.yaml").write_text(INSTANCE)
    (home / "workspace.yaml").write_text(f"load_from:\n{load_from}")
    port = reserved_port()
    with (home / "webserver.log").open("wb") as log:
        server = subprocess.Popen(
            [Path(sys.executable).with_name("dagster-webserver"),
             "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"],
            cwd=home, env={**os.environ, "DAGSTER_HOME": str(home)},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(
            f"{url}/server_info", server, home / "webserver.log", seconds=PATIENCE_SECONDS
        )
        yield RunningDagster(url, home)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def job_runs(tmp_path: Path) -> JobRuns:
    return JobRuns(f"sqlite:///{tmp_path / 'job_runs.db'}")


@pytest.fixture
def client(dagster: RunningDagster, job_runs: JobRuns) -> DagsterClient:
    return DagsterClient(
        Webserver(url=dagster.url, answer_seconds=PATIENCE_SECONDS), job_runs=job_runs
    )


@pytest.fixture
def front(dagster: RunningDagster) -> Iterator[Front]:
    with front_of(dagster.url) as front:
        yield front


@pytest.fixture
def client_behind(front: Front, job_runs: JobRuns) -> DagsterClient:
    """A client that sees Dagster through ``front``."""
    return DagsterClient(
        Webserver(url=front.url, answer_seconds=PATIENCE_SECONDS), job_runs=job_runs
    )
