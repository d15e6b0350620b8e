"""The accounts of linked requisitions."""

import uuid

import duckdb

from gocardless.extraction.accounts import (
    AccountToFetch,
    InactiveConnectionError,
    UnknownConnectionError,
)

ACTIVE_STATUS = "LN"


def accounts_to_fetch(
    connection: duckdb.DuckDBPyConnection, connection_id: str | None = None
) -> list[AccountToFetch]:
    """The accounts of all linked connections, or of one.

    Args:
        connection: a warehouse with the raw tables.
        connection_id: the UUID of a requisition; none for all.

    Raises:
        UnknownConnectionError: the id is not a UUID, or no requisition has it.
        InactiveConnectionError: the connection is not linked; says what it is.
    """
    if connection_id is not None:
        _check(connection, connection_id)
    rows = connection.execute(
        """
        with linked as (
            select
                unnest(requisition.account_ids) as account_id,
                requisition.requisition_id,
                coalesce(agreement.max_historical_days, 90) as max_historical_days,
                requisition.first_seen_at
            from raw.gc_requisitions as requisition
            left join raw.gc_agreements as agreement using (agreement_id)
            where requisition.status = $linked
                -- one that is not in the last list has been deleted
                and requisition.last_seen_at = (select listed_at from raw.gc_last_listing)
        )
        select account_id, requisition_id, max_historical_days
        from linked
        where $connection is null or requisition_id = $connection
        qualify row_number() over (
            partition by account_id order by first_seen_at desc, requisition_id
        ) = 1
        order by account_id
        """,
        {"linked": ACTIVE_STATUS, "connection": connection_id},
    ).fetchall()
    return [AccountToFetch(*row) for row in rows]


def _check(connection: duckdb.DuckDBPyConnection, connection_id: str) -> None:
    try:
        uuid.UUID(connection_id)
    except ValueError:
        message = f"connection_id {connection_id!r} is not a UUID: give the id of a requisition"
        raise UnknownConnectionError(message) from None
    row = connection.execute(
        "select status, last_seen_at = listed_at from raw.gc_requisitions, raw.gc_last_listing "
        "where requisition_id = ?",
        [connection_id],
    ).fetchone()
    if row is None:
        message = (
            f"there is no connection {connection_id}: run source/gocardless/extract/requisitions "
            "if it is new, else check the id in raw.gc_requisitions"
        )
        raise UnknownConnectionError(message)
    if row[0] != ACTIVE_STATUS:
        message = f"connection {connection_id} has the status {row[0]}, not {ACTIVE_STATUS}"
        raise InactiveConnectionError(message)
    if not row[1]:
        message = f"connection {connection_id} is in the last list no more: it has been deleted"
        raise InactiveConnectionError(message)
