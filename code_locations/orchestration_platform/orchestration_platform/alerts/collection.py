"""From Dagster's event log to the outbox."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts import event_feed, incidents, occurrences
from orchestration_platform.alerts.alert import Alert
from orchestration_platform.alerts.database import Database
from orchestration_platform.alerts.event_feed import Position
from orchestration_platform.alerts.policies import Policy
from orchestration_platform.alerts.run_failures import (
    location_of,
    partition_of,
    read_failure,
)
from orchestration_platform.alerts.tables import POSITIONS

_FAILURES = dg.DagsterEventType.RUN_FAILURE
_SUCCESSES = dg.DagsterEventType.RUN_SUCCESS

# Dagster says whether it will try again a moment after it has stored the failure.
_UNDECIDED_SECONDS = 60.0
# A retry that was promised and has not been launched by then is not coming.
_RETRY_LAUNCH_SECONDS = 300.0


@dataclass(frozen=True)
class Collector:
    """Reads what has happened and puts what is to be told into the outbox.

    Attributes:
        instance: of Dagster.
        database: where the outbox is.
        policies: those that are in force.
        alert_channel: of the environment, for policies that name no other.
        ui_url: where people open Dagster.
    """

    instance: dg.DagsterInstance
    database: Database
    policies: Sequence[Policy]
    alert_channel: str
    ui_url: str

    def collect(self, *, until: float) -> int:
        """Read on, at most until ``until`` (monotonic); gives the number of new failures.

        The first call takes note of how far the log has got, and of nothing before.
        """
        found, is_complete = self._read_on(_FAILURES, self._take_failures, until=until)
        self._settle_held()
        # A success may put right a failure, which therefore has to be known.
        if is_complete:
            self._read_on(_SUCCESSES, self._take_successes, until=until)
        return found

    def _read_on(
        self,
        kind: dg.DagsterEventType,
        take: Callable[[Sequence[dg.EventLogRecord], Position], int],
        *,
        until: float,
    ) -> tuple[int, bool]:
        now = time.time()
        with self.database.transaction() as connection:
            position = _position(connection, kind)
            if position is None:
                _set_position(connection, kind, event_feed.high_water(self.instance, kind, now=now))
                return 0, True
        found = 0
        for records, following in event_feed.pages(self.instance, kind, position=position, now=now):
            found += take(records, following)
            if time.monotonic() >= until:
                return found, False
        return found, True

    def _take_failures(self, records: Sequence[dg.EventLogRecord], position: Position) -> int:
        """Failures and the position behind them, in one transaction."""
        with self.database.transaction() as connection:
            known = [
                occurrences.known_runs(connection, policy.name, [r.run_id for r in records])
                for policy in self.policies
            ]
        new = [record for record in records if not all(record.run_id in runs for runs in known)]
        runs = self._runs([record.run_id for record in new])
        failures = [
            (read_failure(self.instance, record.event_log_entry, runs.get(record.run_id)), run_tags)
            for record in new
            for run_tags in [_tags(runs.get(record.run_id))]
        ]
        now = time.time()
        with self.database.transaction() as connection:
            told = 0
            for failure, tags in failures:
                for policy in self._covering(failure, tags):
                    told += (
                        occurrences.record_failure(
                            connection,
                            policy,
                            failure,
                            channel=self._channel(policy),
                            ui_url=self.ui_url,
                            will_be_retried=self._will_be_retried(tags, failure.at, now),
                            now=now,
                        )
                        == occurrences.ANNOUNCED
                    )
            _set_position(connection, _FAILURES, position)
        return told

    def _take_successes(self, records: Sequence[dg.EventLogRecord], position: Position) -> int:
        with self.database.transaction() as connection:
            locations = incidents.locations_with_incidents(connection)
        runs = self._runs([record.run_id for record in records]) if locations else {}
        tell = [policy.name for policy in self.policies if policy.policy_options.notify_on_recovery]
        with self.database.transaction() as connection:
            for record in records:
                found = runs.get(record.run_id)
                if found is None or location_of(found.dagster_run) not in locations:
                    continue
                ended_at = record.event_log_entry.timestamp
                success = _success(found, ended_at)
                incidents.record_success(connection, success, tell=tell)
            _set_position(connection, _SUCCESSES, position)
        return 0

    def _settle_held(self) -> None:
        now = time.time()
        for policy in self.policies:
            with self.database.transaction() as connection:
                held = occurrences.held_failures(connection, policy.name)
            decided = [
                (number, failure, outcome)
                for number, failure in held
                if (outcome := self._outcome(failure, now)) is not None
            ]
            with self.database.transaction() as connection:
                for number, failure, outcome in decided:
                    if outcome == occurrences.ANNOUNCED:
                        occurrences.release(
                            connection,
                            policy,
                            number,
                            failure,
                            channel=self._channel(policy),
                            ui_url=self.ui_url,
                            now=now,
                        )
                    else:
                        occurrences.settle_held(connection, [number], outcome)

    def _outcome(self, failure: Alert, now: float) -> str | None:
        """What becomes of a failure that was held; nothing while a retry may still succeed."""
        run = self.instance.get_run_by_id(failure.run_id)
        tags = run.tags if run else {}
        retry_id = tags.get("dagster/auto_retry_run_id")
        if retry_id is None:
            is_given_up = tags.get("dagster/will_retry") == "false"
            is_late = now - failure.at > _RETRY_LAUNCH_SECONDS
            return occurrences.ANNOUNCED if run is None or is_given_up or is_late else None
        retry = self.instance.get_run_by_id(retry_id)
        if retry is None or retry.status is dg.DagsterRunStatus.CANCELED:
            return occurrences.ANNOUNCED
        # Of a retry that has failed the own event tells, which is read like any other.
        return occurrences.RETRIED if retry.is_success else None

    def _will_be_retried(self, tags: dict[str, str], failed_at: float, now: float) -> bool:
        said = tags.get("dagster/will_retry")
        if said is None:
            return self.instance.run_retries_enabled and now - failed_at < _UNDECIDED_SECONDS
        return said == "true"

    def _covering(self, failure: Alert, tags: dict[str, str]) -> list[Policy]:
        return [
            policy
            for policy in self.policies
            if policy.covers(location=failure.location, job_name=failure.job_name, tags=tags)
        ]

    def _channel(self, policy: Policy) -> str:
        named = policy.notification_service.slack.slack_channel_name
        return f"#{named.removeprefix('#')}" if named else self.alert_channel

    def _runs(self, run_ids: list[str]) -> dict[str, dg.RunRecord]:
        if not run_ids:
            return {}
        records = self.instance.get_run_records(dg.RunsFilter(run_ids=run_ids))
        return {record.dagster_run.run_id: record for record in records}


def _success(record: dg.RunRecord, ended_at: float) -> incidents.Success:
    run = record.dagster_run
    return incidents.Success(
        location=location_of(run),
        job_name=run.job_name,
        assets=frozenset(key.to_user_string() for key in run.asset_selection or ()),
        partition=partition_of(run.tags),
        started_at=record.start_time or ended_at,
        ended_at=ended_at,
    )


def _tags(record: dg.RunRecord | None) -> dict[str, str]:
    return dict(record.dagster_run.tags) if record else {}


def _position(connection: sa.Connection, kind: dg.DagsterEventType) -> Position | None:
    query = sa.select(POSITIONS.c.marks).where(POSITIONS.c.name == kind.value)
    marks = connection.execute(query).scalar()
    return Position.from_json(marks) if marks else None


def _set_position(connection: sa.Connection, kind: dg.DagsterEventType, position: Position) -> None:
    values = {"marks": position.to_json()}
    this = POSITIONS.c.name == kind.value
    if connection.execute(sa.update(POSITIONS).where(this).values(**values)).rowcount == 0:
        connection.execute(sa.insert(POSITIONS).values(name=kind.value, **values))


def last_pass_at(connection: sa.Connection) -> float | None:
    """When the log was last read to its end, give or take some seconds; nothing if never."""
    position = _position(connection, _FAILURES)
    return position.marks[-1][0] if position else None
