"""A real instance in which things are healthy, late, failed, broken and never ran."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from tests.integration.orchestration_platform.board import shop

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.board.board import Board, KeptState, read_board
from shared_lib.metadata import STORAGE_BYTES

REPOSITORY = Path(__file__).parents[4]
WORKSPACE = """
load_from:
  - python_file: {relative_path: shop.py, location_name: shop}
  - python_file: {relative_path: tills.py, location_name: tills}
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("board")
    shutil.copy(REPOSITORY / "dagster.local.yaml", home / "dagster.yaml")
    shutil.copy(Path(shop.__file__), home / "shop.py")
    (home / "tills.py").write_text('raise ImportError("no module named cash")\n')
    (home / "workspace.yaml").write_text(WORKSPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as found:
            _let_things_happen(found)
            yield found


def _let_things_happen(instance: dg.DagsterInstance) -> None:
    def run(job: str, **options: Any) -> None:
        definition = shop.defs.resolve_job_def(job)
        tags = {".dagster/repository": "__repository__@shop"}
        definition.execute_in_process(instance=instance, raise_on_error=False, tags=tags, **options)

    run("all_shelves")
    run("nightly")
    run("nightly")
    run("sales_job", partition_key="north")
    run("sales_job", partition_key="south")
    instance.report_runless_asset_event(dg.AssetMaterialization("prices"))
    for size in (1_000, 3 * 1024**2):
        sizes = {STORAGE_BYTES: size, f"{STORAGE_BYTES}/shop.duckdb": 2 * size}
        measured = dg.AssetMaterialization("platform_health", metadata=sizes)
        instance.report_runless_asset_event(measured)
    change = FreshnessStateChange(
        key=dg.AssetKey("prices"),
        previous_state=FreshnessState.PASS,
        new_state=FreshnessState.FAIL,
        state_change_timestamp=datetime.now(UTC).timestamp(),
    )
    instance._report_runless_asset_event(asset_event=change)


@pytest.fixture(scope="module")
def workspace(instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    target = WorkspaceFileTarget([str(Path(instance.root_directory) / "workspace.yaml")])
    with WorkspaceProcessContext(instance, target) as found:
        yield found


@pytest.fixture(scope="module")
def board(instance: dg.DagsterInstance, workspace: WorkspaceProcessContext) -> Board:
    return read_board(
        workspace.create_request_context(), Database(database_url(instance)), KeptState()
    )
