"""What the webserver keeps between two reads of the board is what a first read finds."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
from orchestration_platform.board.history.run_window import Run, RunWindow

REPOSITORY = Path(__file__).parents[4]
WORKSPACE = "load_from:\n  - python_file: {relative_path: shop.py, location_name: shop}\n"
TAGS = {".dagster/repository": "__repository__@shop"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkspaceProcessContext]:
    home = tmp_path_factory.mktemp("kept")
    shutil.copy(REPOSITORY / "dagster.local.yaml", home / "dagster.yaml")
    shutil.copy(Path(shop.__file__), home / "shop.py")
    (home / "workspace.yaml").write_text(WORKSPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        target = WorkspaceFileTarget([str(home / "workspace.yaml")])
        with (
            dg.DagsterInstance.get() as instance,
            WorkspaceProcessContext(instance, target) as found,
        ):
            yield found


def execute(instance: dg.DagsterInstance, job: str, **options: Any) -> None:
    definition = shop.defs.resolve_job_def(job)
    definition.execute_in_process(instance=instance, raise_on_error=False, tags=TAGS, **options)


def test_a_read_with_what_was_kept_is_a_first_read(context: WorkspaceProcessContext) -> None:
    instance, kept = context.instance, KeptState()
    database = Database(database_url(instance))
    now = datetime.now(UTC)

    def read(state: KeptState) -> Board:
        return read_board(context.create_request_context(), database, state, now=now)

    def late() -> None:
        change = FreshnessStateChange(
            key=dg.AssetKey("prices"), previous_state=FreshnessState.PASS,
            new_state=FreshnessState.FAIL, state_change_timestamp=now.timestamp(),
        )  # fmt: skip
        instance._report_runless_asset_event(asset_event=change)

    def created() -> dg.DagsterRun:
        definition = shop.defs.resolve_job_def("all_shelves")
        return instance.create_run_for_job(
            definition, tags=TAGS, asset_selection=frozenset({dg.AssetKey("full")})
        )

    def planned() -> None:
        run = created()
        event = dg.DagsterEvent(
            event_type_value="ASSET_MATERIALIZATION_PLANNED", job_name="all_shelves",
            event_specific_data=_planned(dg.AssetKey("full")),
        )  # fmt: skip
        instance.report_dagster_event(event, run.run_id)

    def failed() -> None:
        [run] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED]))
        instance.report_run_failed(run)

    report = instance.report_runless_asset_event
    for happens in (
        lambda: None,
        lambda: execute(instance, "all_shelves"),
        lambda: execute(instance, "sales_job", partition_key="north"),
        lambda: execute(instance, "sales_job", partition_key="south"),
        lambda: report(dg.AssetMaterialization("prices")),
        late,
        lambda: report(dg.AssetMaterialization("empty")),
        lambda: report(dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("empty"), check_name="not_empty", passed=True, metadata={},
        )),
        planned,
        failed,
        lambda: instance.wipe_assets([dg.AssetKey("odd")]),
        lambda: instance.delete_run(created().run_id),
    ):  # fmt: skip
        happens()
        now += timedelta(seconds=10)
        found, expected = read(kept), read(KeptState())
        assert found.assets == expected.assets
        assert found.jobs == expected.jobs
        assert found.unfinished == expected.unfinished
    stale = {asset.name: asset.stale_status for asset in found.assets}
    assert stale["label"] == "stale"
    assert stale["late"] == "missing"


def _planned(key: dg.AssetKey) -> Any:
    from dagster._core.events import AssetMaterializationPlannedData

    return AssetMaterializationPlannedData(key)


def test_each_completed_run_is_counted_once(context: WorkspaceProcessContext) -> None:
    instance, window = context.instance, RunWindow()
    now = datetime.now(UTC)
    before = len(instance.get_runs(dg.RunsFilter(job_name="nightly")))
    assert window.read(instance, now=now).completed == {}

    execute(instance, "nightly")
    execute(instance, "nightly")
    # also across midnight, when all is read again
    for moment in (now, now + timedelta(seconds=5), now + timedelta(days=1)):
        completed = window.read(instance, now=moment).completed
        assert completed == {(("shop", "nightly"), "FAILURE"): 2}
    assert len(instance.get_runs(dg.RunsFilter(job_name="nightly"))) == before + 2

    old = instance.get_runs(dg.RunsFilter(job_name="nightly"))[0]
    instance.add_run_tags(old.run_id, {"seen": "yes"})
    assert window.read(instance, now=now + timedelta(days=1)).completed == completed


def test_an_unfinished_run_is_kept_however_old(context: WorkspaceProcessContext) -> None:
    instance = context.instance
    definition = shop.defs.resolve_job_def("nightly")
    run = instance.create_run_for_job(definition, tags={**TAGS, "dagster/concurrency_key": "till"})
    window = RunWindow()

    def found(days: int) -> list[Run]:
        runs = window.read(instance, now=datetime.now(UTC) + timedelta(days=days))
        return [unfinished for unfinished in runs.unfinished if unfinished.run_id == run.run_id]

    assert [unfinished.concurrency_key for unfinished in found(40)] == ["till"]
    instance.delete_run(run.run_id)
    assert found(40) == []
