"""Changes to the raw tables, for warehouses that an earlier release created."""

import duckdb

from shared_lib.storage.migrations import Migration


def _read_more_of_entries(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("amount", "balance_after"):
        connection.execute(f"alter table raw.gc_transactions alter {column} type decimal(22, 8)")
    for column, kind in (
        ("entry_reference", "varchar"),
        ("original_amount", "decimal(22, 8)"),
        ("original_currency", "varchar"),
        ("exchange_rate", "decimal(24, 10)"),
        ("merchant_category", "varchar"),
        ("counterparty_iban", "varchar"),
        ("end_to_end_id", "varchar"),
        ("mandate_id", "varchar"),
        ("notes", "varchar"),
    ):
        connection.execute(f"alter table raw.gc_transactions add column {column} {kind}")
    connection.execute("alter table raw.gc_rejects add column status varchar")
    connection.execute("alter table raw.gc_rejects add column reader integer")
    connection.execute("alter table raw.gc_fetches add column is_whole boolean default true")
    # a table with an index is not altered: a copy takes its place
    connection.execute(
        "create table raw.gc_balances_wider (account_id varchar, payload_digest varchar, "
        "balance_type varchar, reference_date date, amount decimal(22, 8), currency varchar, "
        "payload varchar, credit_limit_included boolean, first_seen_at timestamp not null, "
        "last_seen_at timestamp not null, first_run_id varchar not null, "
        "last_run_id varchar not null, primary key (account_id, payload_digest));"
        "insert into raw.gc_balances_wider by name from raw.gc_balances;"
        "drop table raw.gc_balances;"
        "alter table raw.gc_balances_wider rename to gc_balances"
    )


def _join_sightings(connection: duckdb.DuckDBPyConnection) -> None:
    """A row for each answer becomes one for all answers without a gap."""
    connection.execute(
        """
        create table raw.gc_sightings_joined (
            account_id varchar not null using compression dictionary,
            status varchar not null using compression dictionary,
            payload_digest uuid not null using compression uncompressed,
            copies integer not null,
            first_fetch_number bigint not null,
            last_fetch_number bigint
        );
        insert into raw.gc_sightings_joined by name
        with answers as (
            select
                fetch_number,
                account_id,
                row_number() over (partition by account_id order by fetch_number) as nth,
                max(fetch_number) over (partition by account_id) as last_of_account
            from raw.gc_fetches
            where is_whole
        ),
        numbered as (
            select
                sighting.*,
                last_of_account,
                -- the same for answers that follow each other
                nth - row_number() over (
                    partition by account_id, status, payload_digest, copies, nth is null
                    order by nth
                ) as island,
                -- one that is not whole follows no other
                case when nth is null then fetch_number end as alone
            from raw.gc_sightings as sighting
            left join answers using (account_id, fetch_number)
        )
        select
            account_id, status, payload_digest, copies,
            min(fetch_number) as first_fetch_number,
            nullif(max(fetch_number), any_value(last_of_account)) as last_fetch_number
        from numbered
        group by account_id, status, payload_digest, copies, island, alone
        order by first_fetch_number;
        drop table raw.gc_sightings;
        alter table raw.gc_sightings_joined rename to gc_sightings
        """
    )


def _add_hash(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table raw.gc_sightings add column payload_hash ubigint")


MIGRATIONS = (
    Migration("more of each entry", _read_more_of_entries, is_additive=False),
    Migration("sightings of many answers in one row", _join_sightings, is_additive=False),
    Migration("the hash of each entry", _add_hash, is_additive=True),
)
