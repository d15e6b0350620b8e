"""What the page of one job shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.board.board import Board
from orchestration_platform.board.history.job_history import JobHistory
from orchestration_platform.board.history.run_window import JobName, Run

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class PastIncident:
    """An incident of a job, open or over; times are in seconds since 1970."""

    number: int
    event_type: str
    first_at: float
    occurrences: int
    recovered_at: float | None


@dataclass(frozen=True, kw_only=True)
class JobDetail:
    """A job.

    Attributes:
        history: its runs of 14 days.
        level: how long a run may take, in seconds; None if that is not set.
        slower: how many of the runs that succeeded took longer.
        failures: its last failed runs, the newest first.
        runs: its last runs, the newest first.
        costs: the sums of its runs: seconds, seconds of CPU, rows, bytes and calls.
        incidents: the newest first.
    """

    history: JobHistory
    level: float | None
    slower: int
    failures: Sequence[Run]
    runs: Sequence[Run]
    costs: Mapping[str, float]
    incidents: Sequence[PastIncident]


def job_detail(
    board: Board, runs: Mapping[JobName, Sequence[Run]], connection: sa.Connection, name: JobName
) -> JobDetail:
    """Return what is known of the job ``name``.

    Args:
        board: the state of the platform.
        runs: of 14 days, by job.
        connection: to the outbox.
        name: code location and job.

    Raises:
        LookupError: the job has had no run in these days.
    """
    history = next((one for one in board.jobs if (one.location, one.job) == name), None)
    if history is None:
        location, job = name
        raise LookupError(f"the job {job} of {location} has had no run in 14 days")
    newest = list(reversed(runs[name]))
    level = board.levels.get(name)
    return JobDetail(
        history=history,
        level=level,
        slower=history.slower_than(level) if level else 0,
        failures=[run for run in newest if run.status == "FAILURE"][:_SHOWN],
        runs=newest[:_SHOWN],
        costs=board.costs[name],
        incidents=_incidents(connection, name),
    )


def _incidents(connection: sa.Connection, name: JobName) -> list[PastIncident]:
    columns = INCIDENTS.c
    location, job = name
    query = (
        sa.select(
            columns.id, columns.event_type, columns.first_at, columns.occurrences,
            columns.recovered_at,
        )
        .where(columns.location == location, columns.subject == job)
        .order_by(columns.id.desc())
        .limit(_SHOWN)
    )  # fmt: skip
    return [
        PastIncident(
            number=row.id,
            event_type=row.event_type,
            first_at=row.first_at,
            occurrences=row.occurrences,
            recovered_at=row.recovered_at,
        )
        for row in connection.execute(query)
    ]
