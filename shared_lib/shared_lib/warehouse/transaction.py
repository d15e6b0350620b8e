"""Make several statements visible together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb

Guard = Callable[[duckdb.DuckDBPyConnection], AbstractContextManager[None]]
"""Makes a block one transaction on the connection, in its own way."""

# DuckDB cannot say whether a connection is in a transaction, and a second `begin` aborts the first.
_under_way: set[int] = set()
_guards: dict[int, Guard] = {}


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Make the statements of the block visible together, or none of them if it raises.

    Within another block on the same connection they belong to the transaction of that one.
    """
    if id(connection) in _under_way:
        yield
        return
    # removed while it works, because it begins the transaction by this function
    guard = _guards.pop(id(connection), None)
    if guard is not None:
        try:
            with guard(connection):
                yield
        finally:
            _guards[id(connection)] = guard
        return
    connection.begin()
    _under_way.add(id(connection))
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    finally:
        _under_way.discard(id(connection))
    connection.commit()


@contextmanager
def guarded(connection: duckdb.DuckDBPyConnection, guard: Guard) -> Iterator[None]:
    """Let ``guard`` make each transaction on the connection while the body runs."""
    _guards[id(connection)] = guard
    try:
        yield
    finally:
        del _guards[id(connection)]
