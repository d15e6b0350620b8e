"""Which connection a run is about, and what of a provider belongs to it."""

import uuid
from dataclasses import replace
from typing import Optional

import dagster as dg
import duckdb
from pydantic import Field

from gocardless.extraction.accounts import UnknownConnectionError
from gocardless.sync.provider import Provider


class ConnectionRequest(dg.Config):
    """The connection that a run is about."""

    # not `str | None`, which Dagster has not always resolved in a configuration
    connection_id: Optional[str] = Field(  # noqa: UP045
        default=None, description="UUID of the one connection that is meant; none: all."
    )


def known_connection(connection: duckdb.DuckDBPyConnection, connection_id: str) -> str:
    """The connection's status in the unified table.

    Raises:
        UnknownConnectionError: the id is not a UUID, or no connection has it.
    """
    checked_uuid(connection_id)
    row = connection.execute(
        "select status from unified.connections where connection_id = ?", [connection_id]
    ).fetchone()
    if row is None:
        message = (
            f"there is no connection {connection_id}: run gocardless_sync_job if it is new, "
            "else check the id in unified.connections"
        )
        raise UnknownConnectionError(message)
    return row[0]


def checked_uuid(connection_id: str) -> str:
    """``connection_id``, if it is a UUID.

    Raises:
        UnknownConnectionError: no connection has this id.
    """
    try:
        uuid.UUID(connection_id)
    except ValueError:
        message = f"connection_id {connection_id!r} is not a UUID: give the id of a requisition"
        raise UnknownConnectionError(message) from None
    return connection_id


def provider_of_connection(provider: Provider, connection_id: str) -> Provider:
    """The provider as if it had no accounts and answers but those of one connection.

    Raises:
        UnknownConnectionError: the id is not a UUID.
    """
    # a UUID, so it can be in the SQL as it is
    own = f"connection_id = '{checked_uuid(connection_id)}'"
    accounts = f"select * from ({provider.accounts}) where {own}"  # noqa: S608 - checked
    if provider.memberships is not None:
        # an account that a newer connection has as well is meant too
        accounts = (
            f"select * from ({provider.accounts}) where account_id in "  # noqa: S608 - as well
            f"(select account_id from ({provider.memberships}) where {own})"
        )
    return replace(
        provider,
        connections=f"select * from ({provider.connections}) where {own}",  # noqa: S608 - as well
        accounts=accounts,
        fetches=f"select * from ({provider.fetches}) "  # noqa: S608 - as well
        f"where account_id in (select account_id from ({accounts}))",
    )
