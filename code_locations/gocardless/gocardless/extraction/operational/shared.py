"""Budgets and answers in the Postgres of the lake's catalog."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from gocardless.extraction.budget import Scope
from gocardless.extraction.journal import Body, Wording
from gocardless.extraction.operational.shared_budget import RELEASE, SharedBudget
from gocardless.extraction.operational.shared_journal import SharedJournal
from shared_lib.warehouse.lake.catalog import Catalog, open_catalog

_TABLES = """
create schema if not exists bank;
create table if not exists bank.call_budget (
    account_id text not null,
    scope text not null,
    remaining integer,  -- successful calls left until resets_at, less those under way
    resets_at timestamp,
    sent_at timestamp,
    last_success_at timestamp,
    problem text,
    problem_kind text,
    asker text,  -- the session whose call is under way
    primary key (account_id, scope)
);
create table if not exists bank.answers (
    account_id text not null,
    scope text not null,
    head jsonb not null,
    body bytea not null,
    refused_because text,  -- null: a run has yet to take it
    primary key (account_id, scope)
);
"""


class _InPostgres:
    """The budgets and journals of a lake."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, session: str
    ) -> None:
        self._connection, self._catalog, self._session = connection, catalog, session

    def budget(self, scope: Scope, *, fresh_for_days: int = 1) -> SharedBudget:
        return SharedBudget(
            self._connection,
            scope,
            fresh_for_days=fresh_for_days,
            catalog=self._catalog,
            session=self._session,
        )

    def journal(self, scope: Scope, wording: Wording[Body]) -> SharedJournal[Body]:
        return SharedJournal(self._catalog, scope, wording)


@contextmanager
def shared_state(connection: duckdb.DuckDBPyConnection) -> Iterator[_InPostgres]:
    """Open what processes on several machines share; create the tables that are missing.

    Raises:
        CatalogUnreachableError: Postgres does not answer, or refuses the connection.
    """
    with open_catalog() as catalog, catalog.session() as session:
        catalog.create(_TABLES)
        try:
            yield _InPostgres(connection, catalog, session)
        finally:
            # Postgres ends a session in its own time, and the next one may ask at once
            catalog.run(RELEASE, {"session": session})
