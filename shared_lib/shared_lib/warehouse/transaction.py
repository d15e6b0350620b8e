"""Make several statements visible together."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

# DuckDB cannot say whether a connection is in a transaction, and a second `begin` aborts the first.
_under_way: set[int] = set()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Make the statements of the block visible together, or none of them if it raises.

    Within another block on the same connection they belong to the transaction of that one.
    """
    if id(connection) in _under_way:
        yield
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
