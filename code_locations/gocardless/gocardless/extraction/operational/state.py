"""Where budgets and answers are kept: beside the file, or in the Postgres of the lake's catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import duckdb

from gocardless.extraction.budget import CallBudget, Scope
from gocardless.extraction.journal import AnswerJournal, Body, Wording, journal_of
from shared_lib.warehouse.tables import is_lake


class OperationalState(Protocol):
    """The budgets of calls and the journals of answers."""

    def budget(self, scope: Scope, *, fresh_for_days: int = 1) -> CallBudget:
        """Return the budget of a scope."""
        ...

    def journal(self, scope: Scope, wording: Wording[Body]) -> AnswerJournal[Body] | None:
        """Return the journal of a scope; None for a warehouse in memory."""
        ...


class _BesideTheFile:
    """In the warehouse file and beside it; one process at a time has the file open."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def budget(self, scope: Scope, *, fresh_for_days: int = 1) -> CallBudget:
        return CallBudget(self._connection, scope, fresh_for_days=fresh_for_days)

    def journal(self, scope: Scope, wording: Wording[Body]) -> AnswerJournal[Body] | None:
        return journal_of(self._connection, scope, wording)


@contextmanager
def operational_state(connection: duckdb.DuckDBPyConnection) -> Iterator[OperationalState]:
    """Open what runs share, for a warehouse with the raw tables.

    Raises:
        CatalogUnreachableError: the tables are in a lake, and its Postgres does not answer.
    """
    if not is_lake(connection):
        yield _BesideTheFile(connection)
        return
    # imported here because it needs SQLAlchemy, which a file does not
    from gocardless.extraction.operational.shared import shared_state

    with shared_state(connection) as state:
        yield state
