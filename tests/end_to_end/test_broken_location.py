"""A location with an invalid file shows its error in the UI, and the others load."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support.servers import wait_until_it_answers

from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS

# What the page of a location shows of an error: itself, and what it was caused by.
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name
    locationOrLoadError {
        __typename ... on PythonError { message errorChain { error { message } } }
    }
} } } }
"""
WORKSPACE = """
load_from:
  - python_module: {module_name: broken.definitions, location_name: broken}
  - python_module: {module_name: gocardless.definitions, location_name: gocardless}
"""


@pytest.fixture
def locations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The webserver's answer about a workspace with a broken location and a valid one."""
    package = tmp_path / "broken"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(
        "from shared_lib.discovery import build_definitions\ndefs = build_definitions(__file__)\n"
    )
    (package / "orchestration.yaml").write_text("executor: threads\njobs:\n  j: {selection: 5}\n")
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    port = reserved_port()
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "-w", tmp_path / "workspace.yaml"], stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(
            f"{url}/server_info", server, tmp_path / "log", seconds=PATIENCE_SECONDS
        )
        answer = requests.post(
            f"{url}/graphql", json={"query": LOCATIONS}, timeout=PATIENCE_SECONDS
        ).json()
    finally:
        server.terminate()
        server.wait()
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    return {entry["name"]: entry["locationOrLoadError"] for entry in entries}


def test_the_message_of_a_wrong_file_reaches_the_ui_and_the_others_load(
    locations: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "broken" / "orchestration.yaml"
    broken = locations["broken"]
    shown = "".join(link["error"]["message"] for link in broken["errorChain"])

    assert broken["__typename"] == "PythonError"
    assert f"{file}:1: executor: 'threads' is not allowed" in shown
    assert f"{file}:3: jobs.j.selection: 5 is not allowed, allowed is a text" in shown
    assert locations["gocardless"]["__typename"] == "RepositoryLocation"
