"""What an entry says beyond money, day and text: the other account, references, foreign money."""

from collections.abc import Sequence

import duckdb

from gocardless.sync.provider import Provider

DETAIL_COLUMNS = {
    "counterparty_iban": "varchar",
    "end_to_end_id": "varchar",
    "mandate_id": "varchar",
    "original_amount": "decimal(18, 4)",
    "original_currency": "varchar",
    "exchange_rate": "decimal(18, 8)",
    "merchant_category": "varchar",
}
"""The columns of ``unified.transactions``, with their types; all may be null."""

# what a transaction has from the entry that it was last seen as
_COMMON = (
    "fetch_number", "account_id", "status", "booking_date", "value_date", "amount", "currency",
    "description", "counterparty", "transaction_id",
)  # fmt: skip


def sync_details(
    connection: duckdb.DuckDBPyConnection, provider: Provider, *, fetch_numbers: Sequence[int]
) -> None:
    """Take the details of transactions from the entries that they were last seen as.

    A value that a later entry lacks stays. Entries that differ in nothing but details are paired
    with their transactions in a fixed order.

    Args:
        connection: a warehouse whose transactions are synced.
        provider: one whose entries have the columns of :data:`DETAIL_COLUMNS`.
        fetch_numbers: of the answers that are new.
    """
    common = ", ".join(_COMMON)
    equal = " and ".join(f"seen.{name} is not distinct from entry.{name}" for name in _COMMON)
    details = ", ".join(f"entry.{name}" for name in DETAIL_COLUMNS)
    changes = ", ".join(f"{name} = coalesce(said.{name}, t.{name})" for name in DETAIL_COLUMNS)
    connection.execute(
        f"""
        with copied as (
            select *, unnest(range(copies)) as copy
            from ({provider.entries})
            where list_contains($numbers, fetch_number)
        ),
        entries as (
            select *, row_number() over (partition by {common} order by entry_id, copy) as nth
            from copied
        ),
        seen as (
            select
                *,
                last_fetch_number as fetch_number,
                provider_transaction_id as transaction_id
            from unified.transactions
            where provider = $provider and list_contains($numbers, last_fetch_number)
        ),
        transactions as (
            select *, row_number() over (partition by {common} order by transaction_key) as nth
            from seen
        )
        update unified.transactions as t set {changes}
        from (
            select seen.transaction_key, {details}
            from transactions as seen
            inner join entries as entry on seen.nth = entry.nth and {equal}
        ) as said
        where t.transaction_key = said.transaction_key
        """,  # noqa: S608 - own names, and the provider's own query
        {"numbers": list(fetch_numbers), "provider": provider.name},
    )
