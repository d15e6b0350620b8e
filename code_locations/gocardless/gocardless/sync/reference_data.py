"""Institutions, connections and accounts of a provider, taken into the unified tables."""

from datetime import date, datetime, timedelta

import duckdb

from gocardless.sync.account_identity import identify
from gocardless.sync.connection_ends import forget_dismissals_of_active
from gocardless.sync.connection_filter import provider_of_connection
from gocardless.sync.provider import OPTIONAL_OF_ACCOUNTS, Provider, with_optional
from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import add_rows


def sync_institutions(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Take the provider's institutions."""
    _merge(connection, provider, "institutions", "institution_id", provider.institutions)


def sync_connections(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Take the provider's connections with their status."""
    _merge(connection, provider, "connections", "connection_id", provider.connections)
    forget_dismissals_of_active(connection)


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
    with transaction(connection):
        identify(
            connection,
            provider.name,
            with_optional(connection, own.accounts, OPTIONAL_OF_ACCOUNTS),
        )
        connection.execute(
            """
            merge into unified.accounts as t using (
                select
                    of_provider as provider, of_account_id as account_id, connection_id,
                    institution_id, iban, currency, owner_name, name, masked_pan
                from offered
                qualify row_number() over (
                    partition by of_provider, of_account_id
                    order by (connection_id is null), number desc
                ) = 1
            ) as s using (provider, account_id)
            -- a file knows less of an account than its bank does
            when matched then update set
                connection_id = coalesce(s.connection_id, t.connection_id),
                institution_id = coalesce(s.institution_id, t.institution_id),
                iban = coalesce(s.iban, t.iban), currency = coalesce(s.currency, t.currency),
                owner_name = coalesce(s.owner_name, t.owner_name),
                name = coalesce(s.name, t.name), masked_pan = coalesce(s.masked_pan, t.masked_pan),
                status = 'active', inactive_since = null
            when not matched then insert (
                provider, account_id, connection_id, institution_id, iban, currency, owner_name,
                name, masked_pan, status
            ) values (
                s.provider, s.account_id, s.connection_id, s.institution_id, s.iban, s.currency,
                s.owner_name, s.name, s.masked_pan, 'active'
            )
            """
        )
        _deactivate(connection, provider, now=now, connection_id=connection_id)


def _deactivate(
    connection: duckdb.DuckDBPyConnection,
    provider: Provider,
    *,
    now: datetime,
    connection_id: str | None,
) -> None:
    # rows of the release before have no identifier
    add_rows(
        connection,
        "unified.account_identifiers",
        "select provider, account_id, provider as of_provider, account_id as of_account_id, "
        "connection_id, status = 'active' as is_active from unified.accounts",
        key=["provider", "account_id"],
    )
    connection.execute(
        "update unified.account_identifiers set is_active = false "  # noqa: S608 - its own query
        "where provider = $provider and ($connection is null or connection_id = $connection) "
        f"and account_id not in (select account_id from ({provider.accounts}))",
        {"provider": provider.name, "connection": connection_id},
    )
    connection.execute(
        "update unified.accounts set status = 'inactive', inactive_since = ? "
        "where status = 'active' and (provider, account_id) not in ("
        "select (of_provider, of_account_id) from unified.account_identifiers where is_active)",
        [now.replace(tzinfo=None)],
    )


def expiring_connections(
    connection: duckdb.DuckDBPyConnection, *, today: date, within_days: int
) -> list[tuple[str, str, str | None, date]]:
    """Return provider, id, bank and last day of active connections that end within these days."""
    return connection.execute(
        "select provider, connection_id, institution_id, cast(expires_at as date) "
        "from unified.connections "
        "where status = 'active' and cast(expires_at as date) <= ? order by 4, 1, 2",
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
