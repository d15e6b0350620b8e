"""The accounts that users have connected, as a source that Dagster observes."""

import hashlib
import json
from collections import Counter
from datetime import UTC

import dagster as dg
import duckdb

from gocardless.bank_account_data.linked_accounts import ACTIVE_STATUS
from gocardless.bank_account_data.tables import create_gocardless_tables
from shared_lib.warehouse import Warehouse

KEY = dg.AssetKey(["source", "gocardless", "connected_accounts"])
_REQUISITIONS = dg.AssetKey(["source", "gocardless", "extract", "requisitions"])

# of the last list; a connection that is not in it has been deleted
_QUERY = """
select requisition_id, status, list_sort(account_ids)
from raw.gc_requisitions
where last_seen_at = (select listed_at from raw.gc_last_listing)
order by requisition_id
"""


@dg.multi_observable_source_asset(
    name="observe_connected_accounts",
    specs=[
        dg.AssetSpec(
            KEY,
            deps=[_REQUISITIONS],
            description=(
                "The accounts that users have connected, as the last list of connections has "
                "them. The data version changes when a connection or account comes, goes or "
                "changes its status."
            ),
        )
    ],
)
def observe_connected_accounts(warehouse: Warehouse) -> dg.ObserveResult:
    """Observe the list in the warehouse; the API is not asked, because its calls are few."""
    if not warehouse.exists():
        return _observed([], {})
    with warehouse.writing() as connection:
        create_gocardless_tables(connection)
        rows = connection.execute(_QUERY).fetchall()
        return _observed(rows, _listed(connection))


def _listed(connection: duckdb.DuckDBPyConnection) -> dict[str, dg.MetadataValue]:
    """Return as metadata when the API was asked for the list; empty if it never was."""
    (at,) = connection.execute("select listed_at from raw.gc_last_listing").fetchone() or (None,)
    if at is None:
        return {}
    seconds = at.replace(tzinfo=UTC).timestamp()
    return {"dagster/last_updated_timestamp": dg.MetadataValue.timestamp(seconds)}


def _observed(
    rows: list[tuple[str, str, list[str]]], listed: dict[str, dg.MetadataValue]
) -> dg.ObserveResult:
    # a digest: the ids identify people's accounts, and events are kept for long
    version = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    statuses = Counter(status for _, status, _ in rows)
    accounts = {one for _, status, ids in rows if status == ACTIVE_STATUS for one in ids}
    return dg.ObserveResult(
        asset_key=KEY,
        data_version=dg.DataVersion(version),
        metadata={
            "accounts": len(accounts),
            "connections": dg.MetadataValue.json(dict(sorted(statuses.items()))),
            **listed,
        },
    )
