"""What the banks say of the accounts, and where each account's own reckoning begins.

An account's opening balance is what its bank reports less all that was booked until then. It is
fixed by one report and never reckoned again: from then on every report is compared with it, and
a transaction that is lost later shows, whenever it was booked.
"""

from datetime import timedelta

import duckdb

from gocardless.sync.provider import Provider
from shared_lib.warehouse.tables import create_or_migrate

BOOKED_TYPES = ("closingBooked", "interimBooked")
"""The reports that the booked transactions have to add up to."""

# The answers about balances and transactions of one run lie no further apart.
_SAME_RUN = timedelta(hours=1)

_TABLES = """
create schema if not exists unified;
create table if not exists unified.balances (
    provider varchar not null,
    account_id varchar not null,
    balance_type varchar not null,
    currency varchar not null,
    reference_date date not null,
    amount decimal(18, 4) not null,
    reported_at timestamp not null,  -- for the last time
    primary key (provider, account_id, balance_type, currency, reference_date, amount)
);
create table if not exists unified.opening_balances (
    provider varchar not null,
    account_id varchar not null,
    currency varchar not null,
    opening_balance decimal(38, 4) not null,  -- before the first known transaction
    anchored_on date not null,  -- the day of the report that it was reckoned from
    primary key (provider, account_id, currency)
);
"""


def create_balance_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of balances that are not there yet."""
    create_or_migrate(connection, _TABLES, first_table="unified.balances")


def sync_balances(
    connection: duckdb.DuckDBPyConnection, provider: Provider, *, connection_id: str | None = None
) -> None:
    """Take the provider's reports, and begin the reckoning of accounts that have none yet.

    Args:
        connection: a warehouse with the provider's and the unified tables, transactions synced.
        provider: whose reports.
        connection_id: the one connection that it is about; none for all.
    """
    create_balance_tables(connection)
    if provider.balances is None:
        return
    connection.execute(
        f"""
        merge into unified.balances as t using (
            select
                $provider as provider, account_id, balance_type, currency, reference_date, amount,
                max(reported_at) as reported_at
            from ({provider.balances})
            where $connection is null or account_id in (
                select account_id from unified.accounts
                where provider = $provider and connection_id = $connection
            )
            group by all
        ) as s using (provider, account_id, balance_type, currency, reference_date, amount)
        when matched and t.reported_at <> s.reported_at
            then update set reported_at = s.reported_at
        when not matched then insert by name
        """,  # noqa: S608 - the provider's own query
        {"provider": provider.name, "connection": connection_id},
    )
    _fix_opening_balances(connection, provider, connection_id)


def _fix_opening_balances(
    connection: duckdb.DuckDBPyConnection, provider: Provider, connection_id: str | None
) -> None:
    """Only from a report that came together with the account's last transactions."""
    connection.execute(
        """
        insert into unified.opening_balances (
            provider, account_id, currency, opening_balance, anchored_on
        )
        select
            report.provider, report.account_id, report.currency,
            report.amount - coalesce((
                select sum(amount) from unified.transactions as booked
                where booked.provider = report.provider
                    and booked.account_id = report.account_id
                    and booked.currency = report.currency
                    and booked.status = 'booked'
                    and booked.booking_date <= report.reference_date
            ), 0),
            report.reference_date
        from unified.balances as report
        inner join (
            select provider, account_id, max(last_seen_at) as fetched_at
            from unified.transactions group by all
        ) as fetched using (provider, account_id)
        anti join unified.opening_balances using (provider, account_id, currency)
        where report.provider = $provider
            and list_contains($types, report.balance_type)
            and abs(epoch(report.reported_at - fetched.fetched_at)) <= $same_run_seconds
            and ($connection is null or report.account_id in (
                select account_id from unified.accounts
                where provider = $provider and connection_id = $connection
            ))
        qualify row_number() over (
            partition by report.provider, report.account_id, report.currency
            order by report.reported_at desc, report.reference_date desc, report.balance_type
        ) = 1
        """,
        {
            "provider": provider.name,
            "types": list(BOOKED_TYPES),
            "same_run_seconds": _SAME_RUN.total_seconds(),
            "connection": connection_id,
        },
    )
