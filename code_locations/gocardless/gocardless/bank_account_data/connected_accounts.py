"""The accounts that users have connected over GoCardless, as a source that Dagster observes."""

import dagster as dg

from gocardless.accounts.connected import Connections, observed_connections
from gocardless.bank_account_data.linked_accounts import ACTIVE_STATUS
from gocardless.bank_account_data.tables import create_gocardless_tables

_CONNECTIONS = Connections(
    source="gocardless",
    create_tables=create_gocardless_tables,
    # of the last list; a connection that is not in it has been deleted
    query="""
select requisition_id, status, list_sort(account_ids)
from raw.gc_requisitions
where last_seen_at = (select listed_at from raw.gc_last_listing)
order by requisition_id
""",
    asked_at="select listed_at from raw.gc_last_listing",
    active_status=ACTIVE_STATUS,
)
KEY = _CONNECTIONS.key

observe_connected_accounts = observed_connections(
    _CONNECTIONS,
    op_name="observe_connected_accounts",
    deps=[dg.AssetKey(["source", "gocardless", "extract", "requisitions"])],
)
