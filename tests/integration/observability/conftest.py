"""The shop's dbt project, parsed once, and instances of Dagster that report their runs."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.observability.published_schema import FOLDER, published_violations

from sandboxes.telemetry import Receiver
from shared_lib.dbt.lineage import compute_column_lineage, write_column_lineage
from shared_lib.dbt.project import DBT_EXECUTABLE
from shared_lib.observability import place

PROJECT = Path(__file__).parent / "dbt_project"
HANDLER = {"class": "shared_lib.observability.run_events.RunEventHandler"}

# An instance whose dagster.yaml has these handlers and formatters of `python_logs`.
MakeInstance = Callable[..., AbstractContextManager[dg.DagsterInstance]]


def enter(variables: dict[str, str], patch: pytest.MonkeyPatch) -> None:
    """Make the shop the environment; nothing is observed until a test enables it."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "OPENLINEAGE_")):
            patch.delenv(name)
    # another test of this process may have loaded a code location
    patch.setattr(place, "_loaded", [])
    # what is sent must not depend on how busy the machine is; test_bad_endpoints bounds the time
    patch.setenv("OBSERVABILITY_SECONDS", "60")
    for name, value in variables.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def received() -> Iterator[list[dict[str, Any]]]:
    """Every lineage event that any server of these tests receives, until it is looked at."""
    events: list[dict[str, Any]] = []
    take = Receiver.take

    def taking(self: Receiver, path: str, headers: dict[str, str], body: bytes) -> bytes:
        if path == "/api/v1/lineage":
            events.append(json.loads(body))
        return take(self, path, headers, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Receiver, "take", taking)
        yield events


@pytest.fixture(autouse=True)
def every_event_is_as_published(received: list[dict[str, Any]]) -> Iterator[None]:
    """Where the published schemas are; `test_published_schema` says why they may be missing."""
    yield
    events = [received.pop() for _ in range(len(received))]
    if FOLDER.is_dir():
        assert [text for event in events for text in published_violations(event)] == []


@pytest.fixture(scope="session")
def parsed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the project and what dbt and the column lineage make of it."""
    home = tmp_path_factory.mktemp("shop")
    project = home / "dbt_project"
    shutil.copytree(PROJECT, project)
    (home / "data").mkdir()
    subprocess.run(
        [DBT_EXECUTABLE, "--quiet", "compile", "--profiles-dir", project],
        cwd=project,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(home / "data" / "shop.duckdb"),
            "DBT_TARGET_PATH": str(project / "target"),
        },
        check=True,
    )
    target = project / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    write_column_lineage(compute_column_lineage(manifest), target)
    return home


@pytest.fixture(scope="session")
def shop_variables(parsed_shop: Path) -> dict[str, str]:
    return {
        "DAGSTER_ENVIRONMENT": "ci",
        "PLATFORM_DATA_DIRECTORY": str(parsed_shop / "data"),
        "DBT_TARGET_PATH": str(parsed_shop / "dbt_project" / "target"),
    }


@pytest.fixture
def shop(
    parsed_shop: Path, shop_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The shop in this environment, with an empty warehouse and nothing observed."""
    enter(shop_variables, monkeypatch)
    (parsed_shop / "data" / "shop.duckdb").unlink(missing_ok=True)
    return parsed_shop


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> MakeInstance:
    @contextmanager
    def make(**python_logs: object) -> Iterator[dg.DagsterInstance]:
        configuration = python_logs or {"handlers": {"observability": HANDLER}}
        with dg.DagsterInstance.local_temp(
            str(tmp_path_factory.mktemp("instance")),
            overrides={"python_logs": {"dagster_handler_config": configuration}},
        ) as made:
            yield made

    return make
