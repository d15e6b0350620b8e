"""Entries that an answer repeats from the one before, which need no comparison.

Such an entry was paired with a transaction then, and nothing else has been seen of either since: it
would be paired with it again. All that changes is when the transaction was seen last. What may bear
on another decision is compared nevertheless: an identifier counts only where nothing else of the
account has it, so a repeat that shares one with an entry or a transaction that is compared is too.
"""

import duckdb

from gocardless.sync.provider import Provider

_IDENTIFIERS = {
    "transaction_id": "provider_transaction_id",
    "internal_transaction_id": "internal_transaction_id",
    "entry_reference": "entry_reference",
}
# If this many share an identifier, they are not one transaction, once pending and once booked.
_ENOUGH = 3


COMPARED = """
    select account, account_id, status, entry_id, copies, fetch_number, create_from, fetched_at
    from sighted
    anti join repeated using (account, status, entry_id)
    inner join asked using (account)
"""
"""A query for what the answers in ``asked`` have, but for ``repeated``."""

_NO_SIGHTINGS = (
    "select null::varchar as account_id, null::varchar as status, null::uuid as entry_id, "
    "null::integer as copies, null::bigint as first_fetch_number, "
    "null::bigint as last_fetch_number where false"
)


def find_repeats(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Fill the temporary tables ``sighted``, what the answers in ``asked`` have, and ``repeated``.

    Args:
        connection: a warehouse, in a transaction; ``asked`` has the answers of one round.
        provider: whose answers.
    """
    connection.execute(
        f"""
        create or replace temp table sighted as
        select
            asked.account, sighting.status, sighting.entry_id, sighting.copies,
            sighting.first_fetch_number <= asked.before as is_repeat
        from ({provider.sightings or _NO_SIGHTINGS}) as sighting
        inner join asked
            on asked.account_id = sighting.account_id
                and sighting.first_fetch_number <= asked.fetch_number
                and coalesce(sighting.last_fetch_number, asked.fetch_number) >= asked.fetch_number
        where asked.covers_until is not null or sighting.first_fetch_number = asked.fetch_number
        """  # noqa: S608 - the provider's own query
    )
    connection.execute(
        """
        create or replace temp table repeated as
        select
            sighted.account, sighted.status, sighted.entry_id,
            stored.rowid as stored_row, stored.booking_date
        from sighted
        inner join asked using (account)
        inner join unified.transactions as stored
            on stored.entry_id = sighted.entry_id::varchar
                and stored.last_fetch_number = asked.before
                and stored.provider = asked.of_provider
                and stored.account_id = asked.of_account_id
        where sighted.is_repeat and sighted.status = 'booked' and sighted.copies = 1
            and stored.seen_by = ? and stored.status = 'booked'
        """,
        [provider.name],
    )


def release_shared(connection: duckdb.DuckDBPyConnection) -> bool:
    """Delete from ``repeated`` what shares an identifier with ``fetched`` or ``stored``.

    Returns:
        Whether there was any, so that both have to be filled again.
    """
    if not connection.execute("from repeated limit 1").fetchone():
        return False
    released = 0
    for name, column in _IDENTIFIERS.items():
        # a bank without this identifier: a million rows need not be looked through for it
        if not connection.execute(
            f"(from fetched select 1 where {name} is not null limit 1) union all "
            f"(from stored select 1 where {name} is not null limit 1)"
        ).fetchone():
            continue
        (count,) = connection.execute(
            f"""
            delete from repeated where stored_row in (
                with compared as (
                    select account, {name} as id from fetched
                    union all
                    select account, {name} from stored
                ),
                shared as materialized (
                    select account, id from compared where id is not null
                    except
                    select account, {name} from fetched
                    group by all having count(*) >= {_ENOUGH}
                ),
                -- one after the other: few of many rows are left each time
                sharing as materialized (
                    select rowid as stored_row, {column} as id
                    from unified.transactions
                    where {column} in (select id from shared)
                )
                select stored_row
                from repeated
                inner join sharing using (stored_row)
                semi join shared using (account, id)
                qualify row_number() over (partition by account, id order by stored_row)
                    <= {_ENOUGH}
            )
            """  # noqa: S608 - own names
        ).fetchone() or (0,)
        released += count
    return released > 0


def update_repeated(connection: duckdb.DuckDBPyConnection) -> None:
    """Note of the transactions in ``repeated`` that the answer has them."""
    connection.execute(
        """
        update unified.transactions as t set
            last_fetch_number = asked.fetch_number,
            last_seen_at = asked.fetched_at
        from repeated
        inner join asked using (account)
        where t.rowid = repeated.stored_row
        """
    )
