"""What shows that the state of an asset has changed, read without the events themselves.

The webserver reads the state of thousands of assets every few seconds, and nearly all of them are
as they were. Dagster's loaders parse the stored event of each. The columns read here are enough to
know which of them it has to be asked for again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable

from orchestration_platform.board.history.check_window import Execution
from orchestration_platform.board.ids_by_time import batches

_FRESHNESS = "FRESHNESS_STATE_CHANGE"


class Mark(NamedTuple):
    """Two equal marks of an asset mean the same state.

    Attributes:
        last: its last run and event, and when it was wiped.
        run_status: of its last run; empty without one.
        checks: of each check its last execution, with the status of its run until it has ended.
        freshness: the last change of its freshness.
    """

    last: tuple[object, ...]
    run_status: str
    checks: tuple[object, ...]
    freshness: int


def asset_marks(
    instance: dg.DagsterInstance,
    *,
    executions: Iterable[Execution],
    with_policy: Iterable[dg.AssetKey],
) -> dict[dg.AssetKey, Mark]:
    """Return the mark of every asset that has had an event.

    Args:
        instance: where the events are.
        executions: the last one of each check.
        with_policy: the assets with a freshness policy.

    Raises:
        TypeError: the storage is not a database.
    """
    events, runs = instance.event_log_storage, instance.run_storage
    if not (isinstance(events, SqlEventLogStorage) and isinstance(runs, SqlRunStorage)):
        raise TypeError(f"the storage {type(runs).__name__} has no SQL to read")
    columns = AssetKeyTable.c
    last = sa.select(
        columns.asset_key, columns.last_run_id, columns.last_materialization_timestamp,
        columns.wipe_timestamp,
    )  # fmt: skip
    with events.index_connection() as connection:
        rows = connection.execute(last).fetchall()
        freshness = _last_freshness(connection, with_policy)
    checks: dict[str, list[Execution]] = defaultdict(list)
    for execution in sorted(executions, key=lambda execution: execution.id):
        checks[execution.check[0]].append(execution)
    # a planned execution of a check ends with its run
    planned = {row.run_id for found in checks.values() for row in found if row.is_planned}
    statuses = _statuses(runs, {row.last_run_id for row in rows if row.last_run_id} | planned)
    return {
        dg.AssetKey.from_db_string(row.asset_key): Mark(
            last=(row.last_run_id, row.last_materialization_timestamp, row.wipe_timestamp),
            run_status=statuses.get(row.last_run_id, ""),
            checks=tuple(
                (found.id, found.status, found.is_planned and statuses.get(found.run_id))
                for found in checks.get(row.asset_key, ())
            ),
            freshness=freshness.get(row.asset_key, 0),
        )
        for row in rows
    }  # pyright: ignore[reportReturnType] - None only for a malformed key


def _last_freshness(connection: sa.Connection, assets: Iterable[dg.AssetKey]) -> Mapping[str, int]:
    columns = SqlEventLogStorageTable.c
    found = {}
    for names in batches(sorted(key.to_string() for key in assets)):
        query = (
            sa.select(columns.asset_key, sa.func.max(columns.id))
            .where(columns.asset_key.in_(names), columns.dagster_event_type == _FRESHNESS)
            .group_by(columns.asset_key)
        )
        found |= dict(connection.execute(query).tuples().all())
    return found


def _statuses(storage: SqlRunStorage, run_ids: Iterable[str]) -> Mapping[str, str]:
    found = {}
    with storage.connect() as connection:
        for batch in batches(sorted(run_ids)):
            query = sa.select(RunsTable.c.run_id, RunsTable.c.status)
            found |= dict(
                connection.execute(query.where(RunsTable.c.run_id.in_(batch))).tuples().all()
            )
    return found
