"""The accounts that users have connected over Enable Banking, as a source that Dagster observes."""

import dagster as dg

from gocardless.accounts.connected import Connections, observed_connections
from gocardless.enable_banking.sessions import ACTIVE_STATUS
from gocardless.enable_banking.tables import create_enable_banking_tables

_CONNECTIONS = Connections(
    source="enable_banking",
    create_tables=create_enable_banking_tables,
    query="""
select session_id, status, list_sort(account_ids)
from raw.eb_sessions
order by session_id
""",
    # a session that is over is not asked about again
    asked_at="select max(last_seen_at) from raw.eb_sessions",
    active_status=ACTIVE_STATUS,
)
KEY = _CONNECTIONS.key

observe_enable_banking_accounts = observed_connections(
    _CONNECTIONS,
    op_name="observe_enable_banking_accounts",
    deps=[dg.AssetKey(["source", "enable_banking", "extract", "sessions"])],
)
