"""The executions of asset checks: the last of each, and how many of 30 days passed.

No index of Dagster's leads to the last execution of a check, so a query for it reads all of its
executions. Here they are read once, and then only new ones.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

from orchestration_platform.board.ids_by_time import batches, first_id_since

DAYS = 30

_PLANNED, _SUCCEEDED = "PLANNED", "SUCCEEDED"
# An execution that becomes visible later than this after its time is seen the next day.
_OVERLAP = timedelta(minutes=10)

# the asset's key as the database has it, and the name of the check
Check = tuple[str, str]

_COLUMNS = AssetCheckExecutionsTable.c


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of a check.

    Attributes:
        id: of the database.
        check: the check.
        run_id: its run.
        status: as the database has it.
        day: when it was evaluated, UTC; None for one without a result.
    """

    id: int
    check: Check
    run_id: str
    status: str
    day: date | None

    @property
    def is_planned(self) -> bool:
        """Whether it has no result yet; if its run has ended, it never will."""
        return self.status == _PLANNED


@dataclass(frozen=True)
class PassRate:
    """How many executions of a check ended in the last 30 days, and how many passed.

    Executions are deleted with their runs, which the retention of a job may do after two weeks.

    Attributes:
        ended: how many of them are stored.
        passed: how many of these passed.
        since: the day of the first of these, UTC.
    """

    ended: int
    passed: int
    since: date


@dataclass(frozen=True)
class Checks:
    """What one read found.

    Attributes:
        last: the last execution of each check.
        last_ended: the last with a result.
        rates: of the checks with results in the window.
    """

    last: Mapping[Check, Execution]
    last_ended: Mapping[Check, Execution]
    rates: Mapping[Check, PassRate]


class CheckWindow:
    """The executions of :data:`DAYS` days, kept between reads.

    A deleted one stays until midnight, UTC, when all are read again.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._lock = threading.Lock()
        self._first: date | None = None
        self._executions: dict[int, Execution] = {}
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._idle: dict[Check, tuple[Execution | None, Execution | None]] = {}

    def read(self, connection: sa.Connection, checks: Iterable[Check], *, now: datetime) -> Checks:
        """Return what is known at ``now``.

        Args:
            connection: to the event log.
            checks: those of the workspace, the last execution of which may be older.
            now: the moment.
        """
        first = (now - timedelta(days=DAYS - 1)).astimezone(UTC).date()
        with self._lock:
            if first != self._first:
                self._executions, self._idle, self._first = {}, {}, first
                since = datetime(first.year, first.month, first.day, tzinfo=UTC)
            else:
                since = self._read_at - _OVERLAP
            self._read_at = now
            time = _COLUMNS.evaluation_event_timestamp
            lowest = first_id_since(connection, _COLUMNS.id, time, since)
            for one in _executions(connection, _COLUMNS.id >= lowest):
                self._executions[one.id] = one
            planned = [one.id for one in self._executions.values() if one.is_planned]
            for ids in batches(planned):
                for one in _executions(connection, _COLUMNS.id.in_(ids)):
                    self._executions[one.id] = one
            return self._found(connection, set(checks))

    def _found(self, connection: sa.Connection, checks: set[Check]) -> Checks:
        last: dict[Check, Execution] = {}
        ended: dict[Check, Execution] = {}
        counts: dict[Check, Counter[bool]] = defaultdict(Counter)
        since: dict[Check, date] = {}
        for _, one in sorted(self._executions.items()):
            last[one.check] = one
            if not one.is_planned:
                ended[one.check] = one
                counts[one.check][one.status == _SUCCEEDED] += 1
                if one.day is not None and one.day < since.get(one.check, date.max):
                    since[one.check] = one.day
        older = {check for check in checks if check not in ended}
        self._idle |= _last_of(connection, older - self._idle.keys())
        for check in older:
            before, before_ended = self._idle[check]
            if before and check not in last:
                last[check] = before
            if before_ended:
                ended[check] = before_ended
        rates = {
            check: PassRate(sum(count.values()), count[True], since[check])
            for check, count in counts.items()
        }
        return Checks(last, ended, rates)


def _executions(connection: sa.Connection, is_wanted: sa.ColumnElement[bool]) -> list[Execution]:
    query = sa.select(
        _COLUMNS.id, _COLUMNS.asset_key, _COLUMNS.check_name, _COLUMNS.run_id,
        _COLUMNS.execution_status, _COLUMNS.evaluation_event_timestamp,
    ).where(is_wanted)  # fmt: skip
    return [
        Execution(
            row.id,
            (row.asset_key, row.check_name),
            row.run_id,
            row.execution_status,
            row.evaluation_event_timestamp.date() if row.evaluation_event_timestamp else None,
        )
        for row in connection.execute(query)
    ]


def _last_of(
    connection: sa.Connection, checks: Iterable[Check]
) -> dict[Check, tuple[Execution | None, Execution | None]]:
    """Return the last execution of each check, and the last with a result.

    It reads all executions of these checks, which have had no result in the window.
    """
    wanted = set(checks)
    found: dict[Check, tuple[Execution | None, Execution | None]] = dict.fromkeys(
        wanted, (None, None)
    )
    has_ended = _COLUMNS.execution_status != _PLANNED
    for keys in batches(sorted({key for key, _ in wanted})):
        last = sa.select(sa.func.max(_COLUMNS.id)).where(_COLUMNS.asset_key.in_(keys))
        grouped = last.group_by(_COLUMNS.asset_key, _COLUMNS.check_name)
        any_last = _executions(connection, _COLUMNS.id.in_(grouped))
        ended = _executions(connection, _COLUMNS.id.in_(grouped.where(has_ended)))
        for place, those in enumerate((any_last, ended)):
            for one in those:
                if one.check in wanted:
                    pair = list(found[one.check])
                    pair[place] = one
                    found[one.check] = (pair[0], pair[1])
    return found
