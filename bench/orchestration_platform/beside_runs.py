"""What days leave beside runs: ticks of sensors, incidents, the audit log, and reports."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock
from uuid import uuid4

import dagster as dg
import sqlalchemy as sa
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable

# By sensor, the seconds between its ticks; production keeps two days of skipped ones.
_SENSORS = {
    "slack_on_run_failure_sensor": 10,
    "default_automation_condition_sensor": 30,
    "gocardless_automation_condition_sensor": 30,
    "statement_files_dropped": 60,
}
_TICK_DAYS = 2
# as the shipped policies say
_INCIDENT_DAYS = 90
_FAILURES_A_DAY = 5
_CHANGES_A_DAY = 5
_DAY = timedelta(days=1)


class BesideRuns:
    """Stores them day by day, and deletes what is old as the platform does."""

    def __init__(self, instance: dg.DagsterInstance, data: Path) -> None:
        """Store the ticks that are there at any time; ``data`` has the first report, if any."""
        from orchestration_platform.alerts.outbox.database import Database, database_url
        from orchestration_platform.housekeeping.settings import load_settings
        from orchestration_platform.web.audit import Audit
        from orchestration_platform.web.database import WebDatabase
        from orchestration_platform.web.database import database_url as web_database_url

        self._alerts = Database(database_url(instance))
        self._now = datetime.now(UTC)
        self._audit = Audit(WebDatabase(web_database_url(instance)), now=self._moment)
        self._reports = data / "reports"
        self._report = next(
            (path for path in sorted(self._reports.glob("baseline-*.html")) if path.is_file()), None
        )
        self._report_days = load_settings().data.report_days
        _store_ticks(instance)

    def _moment(self) -> float:
        return self._now.timestamp()

    def store(self, day: datetime, *, has_report: bool) -> None:
        """Store what one day leaves."""
        from orchestration_platform.web.login.person import Person

        self._now = day
        self._store_incidents(day.timestamp())
        for _ in range(_CHANGES_A_DAY):
            self._audit.begin(Person("ada", ()), "launchRun", {"selector": "any" * 40})
        if has_report and self._report:
            stem = f"{self._report.stem.rpartition('-')[0]}-{uuid4().hex[:8]}"
            for path in (self._report, self._report.with_suffix(".svg")):
                if path.exists():
                    copy = shutil.copyfile(path, path.with_name(stem + path.suffix))
                    os.utime(copy, (day.timestamp(), day.timestamp()))

    def delete(self, now: datetime) -> None:
        """Delete old incidents as the sensor does, and old reports as the simulation does."""
        from orchestration_platform.alerts.outbox.retention import pruning
        from simulation.housekeeping.old_reports import delete_old_reports

        with mock.patch.object(pruning, "time", mock.Mock(time=now.timestamp)):
            pruning.prune(self._alerts, keep_days=_INCIDENT_DAYS, every_seconds=0)
        if self._report:
            delete_old_reports(
                self._reports, keep_days=self._report_days, is_dry=False, now=now.timestamp()
            )

    def _store_incidents(self, at: float) -> None:
        """Store failures, each with its message, of which all but one a day are over."""
        from orchestration_platform.alerts.facts.alert import Alert, Severity
        from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES

        rows = []
        for number in range(_FAILURES_A_DAY):
            alert = Alert(
                event_type="JOB_FAILURE", severity=Severity.ERROR, kind="Job", subject="a job",
                at=at, location="simulation", run_id=str(uuid4()),
            )  # fmt: skip
            rows.append({
                "policy": "all", "fingerprint": str(alert.run_id), "location": "simulation",
                "subject": "a job", "event_type": "JOB_FAILURE", "service": "slack",
                "address": "#data", "first_at": at, "last_at": at, "occurrences": 1,
                "facts": alert.to_json(), "latest": alert.to_json(),
                "recovered_at": at + 60 if number else None, "version": 1, "changed_at": at,
                "last_entry_at": at,
            })  # fmt: skip
        with self._alerts.transaction() as connection:
            connection.execute(sa.insert(INCIDENTS), rows)
            of_day = connection.execute(
                sa.select(INCIDENTS.c.id).where(INCIDENTS.c.first_at == at)
            ).scalars()
            connection.execute(sa.insert(MESSAGES), [
                {
                    "key": f"bench-{incident}", "incident_id": incident, "service": "slack",
                    "address": "#data", "kind": "head", "body": "text " * 200, "state": "delivered",
                    "sent_version": 1, "plain": False, "unsure": False, "attempts": 1,
                    "created_at": at, "delivered_at": at,
                }
                for incident in of_day
            ])  # fmt: skip


def _store_ticks(instance: dg.DagsterInstance) -> None:
    """Store as many skipped ticks as production has at any time."""
    storage = instance.schedule_storage
    assert isinstance(storage, SqlScheduleStorage)  # noqa: S101 - for the types
    now = datetime.now(UTC)
    for sensor, seconds in _SENSORS.items():
        made = instance.create_tick(
            TickData(
                instigator_origin_id=sensor, instigator_name=sensor, selector_id=sensor,
                instigator_type=InstigatorType.SENSOR, status=TickStatus.SKIPPED,
                timestamp=now.timestamp(), end_timestamp=now.timestamp(), cursor="1" * 100,
                skip_reason="nothing has happened since the last tick",
            )
        )  # fmt: skip
        with storage.connect() as connection:
            query = sa.select(JobTickTable).where(JobTickTable.c.id == made.tick_id)
            row = dict(connection.execute(query).mappings().one())
            del row["id"]
            moments = [
                now - timedelta(seconds=at)
                for at in range(seconds, _TICK_DAYS * 24 * 3600, seconds)
            ]
            connection.execute(
                sa.insert(JobTickTable),
                [{**row, "timestamp": moment.replace(tzinfo=None)} for moment in moments],
            )
