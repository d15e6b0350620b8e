"""Ids of tables that only grow, by time, where no index leads to a time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

# SQLite takes no more than 32,766 values in a query.
_MOST_VALUES = 10_000


def first_id_since(
    connection: sa.Connection,
    ids: sa.ColumnElement[int],
    times: sa.ColumnElement[Any],
    moment: datetime | float,
) -> int:
    """Return the first id of a row at ``moment`` or later; 0 for an empty table.

    Ids grow with time, so that halving finds it by some twenty look-ups.

    Args:
        connection: to the database.
        ids: the primary key.
        times: when the row was written; a row without it counts as earlier.
        moment: of any time zone, for a table with naive UTC, or seconds since 1970.
    """
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    low, high = connection.execute(sa.select(sa.func.min(ids), sa.func.max(ids))).one()
    if high is None:
        return 0
    high += 1
    while low < high:
        middle = (low + high) // 2
        found, at = connection.execute(
            sa.select(ids, times).where(ids >= middle).order_by(ids).limit(1)
        ).one()
        if at is None or at < moment:
            low = found + 1
        else:
            high = middle
    return low


def batches(values: Iterable[T]) -> Iterable[Sequence[T]]:
    """Yield the values in parts that fit into a query."""
    ordered = list(values)
    for start in range(0, len(ordered), _MOST_VALUES):
        yield ordered[start : start + _MOST_VALUES]
