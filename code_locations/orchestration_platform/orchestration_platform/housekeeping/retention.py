"""Deletes ended runs, old ticks, and old rows of other tables, that nothing needs."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.housekeeping.deleting import delete_runs
from orchestration_platform.housekeeping.needed_runs import Need, needed_runs
from orchestration_platform.housekeeping.old_rows import delete_old_rows
from orchestration_platform.housekeeping.settings import Retention

# A pass ends after this; the next one continues.
LONGEST_SECONDS = 1800.0

_PAGE = 500
# Runs that one transaction deletes: other processes wait for it, a fraction of a second.
_BATCH = 100
_DAY = 86400.0

# Statuses in which a run has ended.
_ENDED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)


class _OldRun(NamedTuple):
    run_id: str
    job: str
    status: str


@dataclass(kw_only=True)
class Report:
    """What a pass deleted, or would delete.

    Attributes:
        is_dry: whether nothing was deleted.
        deleted: the number of runs by job and status.
        needed: the number of runs that are old and stay, by reason.
        ticks: the number of old ticks by schedule or sensor.
        rows: the number of old rows of other tables, by table.
        is_complete: whether everything that is due was deleted; otherwise the time was up.
    """

    is_dry: bool
    deleted: Counter[tuple[str, str]] = field(default_factory=Counter)
    needed: Counter[Need] = field(default_factory=Counter)
    ticks: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    is_complete: bool = True

    def by_job(self) -> list[dict[str, str | int]]:
        """Return one row for each job and status, the most runs first."""
        return [
            {"job": job, "status": status, "runs": runs}
            for (job, status), runs in self.deleted.most_common()
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report for ``json.dumps``."""
        return {
            "dry_run": self.is_dry,
            "complete": self.is_complete,
            "deleted": self.by_job(),
            "needed": {need.value: runs for need, runs in self.needed.items()},
            "ticks": dict(self.ticks),
            "rows": dict(self.rows),
        }

    def __str__(self) -> str:
        """Return a summary in one line."""
        would = "would be deleted" if self.is_dry else "deleted"
        others = "".join(f", {count} of {table}" for table, count in self.rows.items())
        text = f"{self.deleted.total()} runs and {self.ticks.total()} ticks{others} {would}"
        if self.needed:
            reasons = ", ".join(f"{count} {need}" for need, count in self.needed.most_common())
            text += f"; {self.needed.total()} old runs stay ({reasons})"
        return text if self.is_complete else f"{text}; the time was up, the next pass continues"


def apply_retention(
    instance: dg.DagsterInstance,
    retention: Retention,
    *,
    is_dry: bool,
    now: float | None = None,
    longest_seconds: float = LONGEST_SECONDS,
) -> Report:
    """Delete what is older than ``retention`` allows and needed by nothing.

    What a killed pass has not deleted, the next one deletes.

    Args:
        instance: where the runs are.
        retention: the rules.
        is_dry: only report.
        now: the moment in seconds since 1970; the current one if it is not given.
        longest_seconds: how long a pass may take.
    """
    now = time.time() if now is None else now
    until = time.monotonic() + longest_seconds
    report = Report(is_dry=is_dry)
    needed = needed_runs(instance, Database(database_url(instance)))
    due: list[_OldRun] = []
    for run in _old_runs(instance, retention, now=now):
        if run.run_id in needed:
            report.needed[needed[run.run_id]] += 1
        else:
            due.append(run)
    for batch in (due[at : at + _BATCH] for at in range(0, len(due), _BATCH)):
        if time.monotonic() >= until:
            report.is_complete = False
            return report
        if not is_dry:
            delete_runs(instance, [run.run_id for run in batch])
        report.deleted.update((run.job, run.status) for run in batch)
    report.ticks = _old_ticks(instance, is_dry=is_dry, now=now)
    report.rows = delete_old_rows(instance, retention, is_dry=is_dry, now=now)
    return report


def _old_runs(instance: dg.DagsterInstance, retention: Retention, *, now: float) -> list[_OldRun]:
    """Return the ended runs that are older than their rule allows, the oldest first."""
    newest = datetime.fromtimestamp(now, UTC) - timedelta(days=retention.shortest_days)
    filters = dg.RunsFilter(statuses=list(_ENDED), created_before=newest)
    found: list[_OldRun] = []
    cursor: str | None = None
    while page := instance.get_run_records(filters, limit=_PAGE, cursor=cursor, ascending=True):
        for record in page:
            run = record.dagster_run
            days = retention.days(run.job_name, run.status)
            ended_at = record.end_time or record.update_timestamp.replace(tzinfo=UTC).timestamp()
            if days is not None and ended_at < now - days * _DAY:
                found.append(_OldRun(run.run_id, run.job_name, run.status.value))
        cursor = page[-1].dagster_run.run_id
    return found


def _old_ticks(instance: dg.DagsterInstance, *, is_dry: bool, now: float) -> Counter[str]:
    """Purge ticks by the rules of ``dagster.yaml``, except the last of each schedule and sensor.

    Dagster itself purges them only when the schedule or sensor ticks: never if it is switched off
    or no longer exists.
    """
    counted: Counter[str] = Counter()
    for state in instance.all_instigator_state():
        ids = state.instigator_origin_id, state.selector_id
        last = instance.get_ticks(*ids, limit=1)
        if not last:
            continue
        for status, days in instance.get_tick_retention_settings(state.instigator_type).items():
            if days <= 0:
                continue
            before = min(now - days * _DAY, last[0].timestamp)
            counted[state.instigator_name] += len(
                instance.get_ticks(*ids, before=before, statuses=[status])
            )
            if not is_dry:
                instance.purge_ticks(*ids, before=before, tick_statuses=[status])
    return +counted
