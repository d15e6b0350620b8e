"""The accounts that users have connected, as a source that Dagster observes.

It is read in the warehouse after the list of connections. No API is asked, because its calls are
few.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from shared_lib.warehouse import Warehouse


@dataclass(frozen=True)
class Connections:
    """Where the warehouse has the connections of one API.

    Attributes:
        source: the name of the API in the keys of its assets.
        create_tables: creates the raw tables that are not there.
        query: selects id, status and sorted ids of the accounts of each connection, ordered by id.
        asked_at: selects when the API was last asked for them, UTC.
        active_status: of a connection whose accounts may be read.
    """

    source: str
    create_tables: Callable[[duckdb.DuckDBPyConnection], None]
    query: str
    asked_at: str
    active_status: str

    @property
    def key(self) -> dg.AssetKey:
        """The key of the source."""
        return dg.AssetKey(["source", self.source, "connected_accounts"])


def observed_connections(
    connections: Connections, *, op_name: str, deps: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Return the step that observes the accounts.

    Args:
        connections: where they are.
        op_name: the name of the step.
        deps: what writes them.
    """

    @dg.multi_observable_source_asset(
        name=op_name,
        specs=[
            dg.AssetSpec(
                connections.key,
                deps=deps,
                description=(
                    "The accounts that users have connected, as the last list of connections has "
                    "them. The data version changes when a connection or account comes, goes or "
                    "changes its status."
                ),
            )
        ],
    )
    def observe(warehouse: Warehouse) -> dg.ObserveResult:
        if not warehouse.exists():
            return _observed(connections, [], None)
        with warehouse.writing() as connection:
            connections.create_tables(connection)
            rows = connection.execute(connections.query).fetchall()
            (at,) = connection.execute(connections.asked_at).fetchone() or (None,)
        return _observed(connections, rows, at)

    return observe


def _observed(
    connections: Connections, rows: Sequence[tuple[str, str, list[str]]], asked_at: datetime | None
) -> dg.ObserveResult:
    # a digest: the ids identify people's accounts, and events are kept for long
    version = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    active = connections.active_status
    metadata: dict[str, Any] = {
        "accounts": len({one for _, status, ids in rows if status == active for one in ids}),
        "connections": dg.MetadataValue.json(
            dict(sorted(Counter(status for _, status, _ in rows).items()))
        ),
    }
    if asked_at is not None:
        seconds = asked_at.replace(tzinfo=UTC).timestamp()
        metadata["dagster/last_updated_timestamp"] = dg.MetadataValue.timestamp(seconds)
    return dg.ObserveResult(
        asset_key=connections.key, data_version=dg.DataVersion(version), metadata=metadata
    )
