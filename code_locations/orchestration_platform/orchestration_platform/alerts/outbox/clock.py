"""The clock of the machine, which may be set back.

What waits, waits until a time. When the clock goes back by an hour, it would wait for an hour more,
and what has failed before could not be put right in that hour by anything that succeeds.
"""

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.cursors import position, set_position
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import METADATA

# Less is made up for by waiting. Clocks of two machines may differ by as much.
TOLERATED_SECONDS = 60.0

_POSITION = "clock"
# By the clock on the wall, whoever has set it.
_WALL_TIMES = frozenset({"held_until"})


def follow_clock(database: Database, *, now: float) -> float:
    """Take note of the time, and when the clock has gone back move with it what lies ahead.

    Args:
        database: where the outbox is.
        now: seconds since 1970.

    Returns:
        By how many seconds it has gone back since the last pass, about; 0 when it has not.
    """
    with database.transaction() as connection:
        seen = position(connection, _POSITION)
        back = float(seen) - now if seen else 0.0
        set_position(connection, _POSITION, str(now))
        if back <= TOLERATED_SECONDS:
            return 0.0
        for table in METADATA.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.Float) and column.name not in _WALL_TIMES:
                    moved = sa.update(table).where(column > now).values({column: column - back})
                    connection.execute(moved)
    return back
