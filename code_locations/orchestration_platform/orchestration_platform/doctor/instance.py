"""What the Dagster instance itself shows: runs, slots of pools, and messages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import outbox_state
from orchestration_platform.doctor.finding import Finding

# Run monitoring ends a run that starts for longer than three minutes.
NEVER_STARTED = timedelta(minutes=15)
OVERDUE_SECONDS = 600.0

_NOT_STARTED = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
_ENDED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)


def run_findings(instance: dg.DagsterInstance, *, now: datetime | None = None) -> Iterator[Finding]:
    """Find runs that were created and never started."""
    before = (now or datetime.now(UTC)) - NEVER_STARTED
    filters = dg.RunsFilter(statuses=list(_NOT_STARTED), updated_before=before)
    for record in instance.get_run_records(filters, ascending=True):
        run = record.dagster_run
        yield Finding(
            kind="run that never started",
            problem=f"run {run.run_id} of {run.job_name} has been {run.status.value} since "
            f"{record.create_timestamp:%Y-%m-%d %H:%M} UTC",
            lost="nothing: it has computed nothing",
            remedy="start it again from its page; doctor --fix marks it as failed, which is "
            "reported as any failure",
            fix=partial(_fail, instance, run),
        )


def _fail(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    instance.report_run_failed(run, message="The run never started.")
    return f"marked run {run.run_id} as failed"


def slot_findings(instance: dg.DagsterInstance) -> Iterator[Finding]:
    """Find slots of pools that belong to runs that have ended or do not exist."""
    storage = instance.event_log_storage
    for pool in sorted(storage.get_concurrency_keys()):
        info = storage.get_concurrency_info(pool)
        for run_id in sorted(info.active_run_ids | info.pending_run_ids):
            run = instance.get_run_by_id(run_id)
            if run is None or run.status in _ENDED:
                yield Finding(
                    kind="slot without owner",
                    problem=f"pool {pool}: a slot belongs to run {run_id}, which "
                    f"{'does not exist' if run is None else f'ended as {run.status.value}'}",
                    lost="nothing; other steps of the pool wait",
                    remedy="run monitoring frees it within a minute; doctor --fix does it now",
                    fix=partial(_free, instance, run_id),
                )


def _free(instance: dg.DagsterInstance, run_id: str) -> str:
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return f"freed the slots of run {run_id}"


def message_findings(instance: dg.DagsterInstance, *, now: float) -> Iterator[Finding]:
    """Find messages of the alerts that were given up or have waited for long."""
    with Database(database_url(instance)).transaction() as connection:
        outbox = outbox_state(connection)
    for line in [*outbox.overdue(now, allowed_seconds=OVERDUE_SECONDS), *outbox.undelivered]:
        yield Finding(
            kind="undeliverable message",
            problem=line,
            lost="nothing: the outbox keeps it",
            remedy="python -m orchestration_platform.alerts list shows why; drop or redirect it "
            "there, or correct the destination",
        )
