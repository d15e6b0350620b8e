"""Handles a clock that is set back.

A message waits until a certain time. If the clock goes back by an hour, it would wait for another
hour, and for that hour no success would end a failure that came before.
"""

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.cursors import read_cursor, set_cursor
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import METADATA

# A smaller step back only means waiting that long. The clocks of two machines may differ by this.
TOLERATED_SECONDS = 60.0

_CURSOR = "clock"
# The end of quiet hours and of a mute is a time of day and does not move with the clock.
_WALL_TIMES = frozenset({"held_until", "muted_until"})


def follow_clock(database: Database, *, now: float) -> float:
    """Record the time; if the clock has gone back, move the times that lie ahead back with it.

    Args:
        database: where the outbox is.
        now: seconds since 1970.

    Returns:
        About how many seconds it has gone back since the last pass; 0 if it has not.
    """
    with database.transaction() as connection:
        seen = read_cursor(connection, _CURSOR)
        back = float(seen) - now if seen else 0.0
        set_cursor(connection, _CURSOR, str(now))
        if back <= TOLERATED_SECONDS:
            return 0.0
        for table in METADATA.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.Float) and column.name not in _WALL_TIMES:
                    moved = sa.update(table).where(column > now).values({column: column - back})
                    connection.execute(moved)
    return back
