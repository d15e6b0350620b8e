"""What people see of an instance: GraphQL's answers, partitions, alerts and the board."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

# What the pages of assets, partitions, checks and jobs ask for.
_QUESTIONS = """
{ assetNodes {
    assetKey { path } assetMaterializations(limit: 1) { runId timestamp partition }
    partitionStats { numMaterialized numFailed numPartitions numMaterializing }
    latestMaterializationByPartition { runId timestamp partition }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
        runId status timestamp evaluation { success description } } } } }
  }
  repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name
      runs(limit: 1) { runId status } } } } }
}
"""


def shown(instance: dg.DagsterInstance, workspace: Path, *, now: datetime) -> tuple[Any, ...]:
    """Return what is seen of the locations in ``workspace``, to be compared with a later answer.

    ``now`` is the moment of both: the board shows two weeks, and no rule is shorter.

    Raises:
        RuntimeError: GraphQL answers with errors, or knows no asset.
    """
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_graphql.test.utils import execute_dagster_graphql

    from orchestration_platform.alerts.outbox.database import Database, database_url
    from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
    from orchestration_platform.board.board import KeptState, read_board

    alerts = Database(database_url(instance))
    with WorkspaceProcessContext(instance, WorkspaceFileTarget([str(workspace)])) as process:
        context = process.create_request_context()
        answered = execute_dagster_graphql(context, _QUESTIONS)
        if answered.errors or not answered.data["assetNodes"]:
            raise RuntimeError(f"GraphQL answered {answered.errors or answered.data}")
        board = read_board(context, alerts, KeptState(), now=now)
    with alerts.transaction() as connection:
        rows = [
            connection.execute(sa.select(table).order_by(table.c.id)).all()
            for table in (INCIDENTS, MESSAGES)
        ]
    return json.dumps(answered.data, sort_keys=True), board, rows
