"""What Dagster leaves behind when it deletes a run.

``DagsterInstance.delete_run`` removes the run's row and events. It leaves what the run printed, the
values that its steps stored, and a row for each execution of an asset check.
"""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

# A run's id is a name in a directory, and callers of GraphQL may choose one.
_ID = re.compile(r"[\w-]+")


def delete_superseded_checks(connection: sa.Connection, run_ids: Collection[str]) -> None:
    """Delete the executions of asset checks in runs that have a later one.

    The last execution of a check, in each partition, is its state and stays.

    Args:
        connection: to the database with all executions.
        run_ids: the runs.
    """
    later, columns = AssetCheckExecutionsTable.alias(), AssetCheckExecutionsTable.c
    is_superseded = sa.exists().where(
        later.c.asset_key == columns.asset_key,
        later.c.check_name == columns.check_name,
        later.c.partition.is_not_distinct_from(columns.partition),
        later.c.id > columns.id,
    )
    connection.execute(
        sa.delete(AssetCheckExecutionsTable).where(columns.run_id.in_(run_ids), is_superseded)
    )


def delete_files(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete what a run printed, and the values that its steps stored on this machine."""
    if not _ID.fullmatch(run_id):
        return
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    stored = Path(instance.storage_directory(), run_id)
    if stored.exists():
        shutil.rmtree(stored)
