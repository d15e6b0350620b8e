"""The accounts as the board shows them: last entry, calls left and the end of the consent."""

from datetime import datetime

import dagster as dg
import duckdb

from shared_lib.metadata import board_table

_COLUMNS = ("account", "provider", "last_entry", "calls_left", "consent_until", "consent_days")

_QUERY = """
with last_entries as (
    select provider, account_id, max(booking_date) as booked_on
    from unified.transactions
    where status = 'booked' and booking_date <= cast($now as date)
    group by all
),

-- the scope with the fewest; after its reset nothing is known to be used
calls as (
    select
        known.of_provider as provider,
        known.of_account_id as account_id,
        min(budget.remaining) as calls_left
    from raw.gc_call_budget as budget
    inner join unified.account_identifiers as known on budget.account_id = known.account_id
    where budget.resets_at > $now
    group by all
),

shown as (
    select
        account.*,
        left(coalesce(iban, masked_pan, account_id), 2) || '...'
        || right(coalesce(iban, masked_pan, account_id), 4) as masked
    from unified.accounts as account
    where status = 'active'
)

select
    -- without the number itself, which metrics would spread
    if(count(*) over (partition by masked) > 1, masked || ' ' || shown.account_id, masked)
        as account,
    shown.provider,
    cast(last_entries.booked_on as varchar) as last_entry,
    calls.calls_left,
    cast(cast(connection.expires_at as date) as varchar) as consent_until,
    date_diff('day', cast($now as date), cast(connection.expires_at as date)) as consent_days
from shown
left join last_entries using (provider, account_id)
left join calls using (provider, account_id)
left join unified.connections as connection using (provider, connection_id)
order by account
"""


def accounts_for_the_board(
    connection: duckdb.DuckDBPyConnection, *, now: datetime
) -> dict[str, dg.TableMetadataValue]:
    """Return the active accounts as metadata that the board shows.

    Args:
        connection: a warehouse with the raw and the unified tables.
        now: naive UTC, as the tables have it.
    """
    rows = connection.execute(_QUERY, {"now": now}).fetchall()
    return board_table("Bank accounts", _COLUMNS, rows)
