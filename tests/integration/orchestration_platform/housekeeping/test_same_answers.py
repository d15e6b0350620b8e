"""UI, partitions, alerts and board show the same before and after old runs are deleted."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_graphql.test.utils import execute_dagster_graphql
from tests.integration.orchestration_platform.housekeeping import market
from tests.integration.orchestration_platform.housekeeping.history import run, stored
from tests.integration.orchestration_platform.housekeeping.test_retention import retain

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.board.board import KeptState, read_board

# What the pages of assets, partitions, checks and jobs ask for.
QUESTIONS = """
{ assetNodes {
    assetKey { path } assetMaterializations(limit: 1) { runId timestamp partition }
    partitionStats { numMaterialized numFailed numPartitions numMaterializing }
    latestRunForPartition(partition: "south") { runId status }
    latestMaterializationByPartition { runId timestamp partition }
    assetPartitionStatuses { ... on DefaultPartitionStatuses {
        materializedPartitions failedPartitions unmaterializedPartitions } }
    staleStatus staleCauses { reason }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
        runId status timestamp evaluation { success description } } } } }
  }
  repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name
      runs(limit: 1) { runId status } } } } }
  assetsLatestInfo(assetKeys: [{path: ["sales"]}, {path: ["stock"]}]) {
    assetKey { path } latestRun { runId status } latestMaterialization { runId timestamp }
    inProgressRunIds unstartedRunIds }
}
"""


@pytest.fixture
def workspace(instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    home = Path(instance.root_directory)
    shutil.copy(Path(market.__file__), home / "market.py")
    location = "load_from: [{python_file: {relative_path: market.py, location_name: market}}]"
    (home / "workspace.yaml").write_text(location)
    target = WorkspaceFileTarget([str(home / "workspace.yaml")])
    with WorkspaceProcessContext(instance, target) as found:
        yield found


def answers(workspace: WorkspaceProcessContext, now: datetime) -> tuple[Any, Any]:
    context = workspace.create_request_context()
    answered = execute_dagster_graphql(context, QUESTIONS)
    assert not answered.errors
    alerts = Database(database_url(context.instance))
    return answered.data, read_board(context, alerts, KeptState(), now=now)


def test_everybody_sees_the_same(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    for days_ago in (400, 300):
        run(instance, "counting", days_ago=days_ago)
        run(instance, "selling", days_ago=days_ago, partition="south")
        run(instance, "opening", days_ago=days_ago, is_good=days_ago == 300)
    run(instance, "selling", days_ago=250, partition="north")
    run(instance, "selling", days_ago=250, partition="south", is_good=False)
    run(instance, "counting", days_ago=240, is_good=False)
    run(instance, "opening", days_ago=3)
    now = datetime.now(UTC)
    before, before_on_board = answers(workspace, now)
    were = len(stored(instance))

    retain(instance)

    assert len(stored(instance)) < were - 2
    after, after_on_board = answers(workspace, now)
    assert after == before
    assert after_on_board == before_on_board
    assert str(before).count("numFailed': 1") == 1
