"""Institutions, connections and accounts of a provider, taken into the unified tables."""

from datetime import date, datetime, timedelta

import duckdb

from gocardless.sync.connection_filter import provider_of_connection
from gocardless.sync.provider import Provider


def sync_institutions(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Take the provider's institutions."""
    _merge(connection, provider, "institutions", "institution_id", provider.institutions)


def sync_connections(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Take the provider's connections with their status."""
    _merge(connection, provider, "connections", "connection_id", provider.connections)


def sync_accounts(
    connection: duckdb.DuckDBPyConnection,
    provider: Provider,
    *,
    now: datetime,
    connection_id: str | None = None,
) -> None:
    """Take the provider's accounts; those that it has no more become inactive, and stay.

    Args:
        connection: a warehouse with the provider's and the unified tables.
        provider: whose accounts.
        now: since when those are inactive, UTC.
        connection_id: the one connection whose accounts are meant; none for all.
    """
    own = provider if connection_id is None else provider_of_connection(provider, connection_id)
    query = (
        f"select *, 'active' as status, null::timestamp as inactive_since "  # noqa: S608 - the provider's
        f"from ({own.accounts})"
    )
    _merge(connection, provider, "accounts", "account_id", query)
    connection.execute(
        "update unified.accounts set status = 'inactive', inactive_since = $now "  # noqa: S608 - its
        "where provider = $provider and status = 'active' "
        "and ($connection is null or connection_id = $connection) "
        f"and account_id not in (select account_id from ({provider.accounts}))",
        {"now": now.replace(tzinfo=None), "provider": provider.name, "connection": connection_id},
    )


def expiring_connections(
    connection: duckdb.DuckDBPyConnection, *, today: date, within_days: int
) -> list[tuple[str, str, date]]:
    """Provider, id and last day of the active connections that end within so many days."""
    return connection.execute(
        "select provider, connection_id, cast(expires_at as date) from unified.connections "
        "where status = 'active' and cast(expires_at as date) <= ? order by 3, 1, 2",
        [today + timedelta(days=within_days)],
    ).fetchall()


def _merge(
    connection: duckdb.DuckDBPyConnection, provider: Provider, table: str, key: str, query: str
) -> None:
    connection.execute(
        f"merge into unified.{table} as t "  # noqa: S608 - the provider's own query
        f"using (select $provider as provider, * from ({query})) as s "
        f"using (provider, {key}) "
        "when matched then update by name when not matched then insert by name",
        {"provider": provider.name},
    )
