"""From what has happened to the outbox."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.outbox import deduplication, incidents
from orchestration_platform.alerts.outbox.cursors import forget_position, position, set_position
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.sources import event_feed
from orchestration_platform.alerts.sources.assets import MATERIALIZATIONS
from orchestration_platform.alerts.sources.checks import RUNLESS_CHECKS
from orchestration_platform.alerts.sources.code_locations import CODE_LOCATIONS
from orchestration_platform.alerts.sources.daemons import DAEMONS
from orchestration_platform.alerts.sources.freshness import FRESHNESS
from orchestration_platform.alerts.sources.long_running import LONG_RUNNING
from orchestration_platform.alerts.sources.retries import WILL_RETRY_TAG, last_attempts
from orchestration_platform.alerts.sources.runs import (
    CANCELLED_RUNS,
    FAILED_RUNS,
    SUCCEEDED_RUNS,
)
from orchestration_platform.alerts.sources.source import Batch, Finding, Reading, Source
from orchestration_platform.alerts.sources.ticks import TICKS
from orchestration_platform.alerts.workspace.webserver import Workspace

# What puts a failure right is read when the failure is known: in this order, or not at all.
_OF_RUNS = (FAILED_RUNS, SUCCEEDED_RUNS, CANCELLED_RUNS, MATERIALIZATIONS)
_BY_THEMSELVES = tuple(
    (source,)
    for source in (RUNLESS_CHECKS, FRESHNESS, TICKS, LONG_RUNNING, DAEMONS, CODE_LOCATIONS)
)

# Dagster says whether it will try again a moment after it has stored the failure.
_UNDECIDED_SECONDS = 60.0
# A retry that was promised and has not been launched by then is not coming.
_RETRY_LAUNCH_SECONDS = 300.0
# One that was launched and has not started by then, for example because it waits in the queue, is
# as good as none.
_RETRY_START_SECONDS = 3600.0
_RETRIED = frozenset({EventType.JOB_FAILURE, EventType.ASSET_MATERIALIZATION_FAILURE})


@dataclass(frozen=True)
class Collector:
    """Reads what has happened and puts what is to be told into the outbox.

    Attributes:
        instance: of Dagster.
        database: where the outbox is.
        policies: those that are in force.
        alert_channel: of the environment, for policies that name no other.
        ui_url: where people open Dagster.
        workspace: what the webserver knows.
        errors: of sources that could not be read.
    """

    instance: dg.DagsterInstance
    database: Database
    policies: Sequence[Policy]
    alert_channel: str
    ui_url: str
    workspace: Workspace = field(default_factory=Workspace)
    errors: list[Exception] = field(default_factory=list)

    def collect(self, *, until: float) -> int:
        """Read on, at most until ``until`` (monotonic); gives the number of new findings.

        The first call takes note of how far the logs have got, and of nothing before. What a source
        raises is kept in ``errors``, and does not keep the others waiting.
        """
        found = 0
        for group in (_OF_RUNS, *_BY_THEMSELVES):
            for source in group:
                if time.monotonic() >= until:
                    return found
                try:
                    found += self._read_on(source, until=until)
                    if source is FAILED_RUNS:
                        self._settle_held()
                except Exception as error:  # noqa: BLE001 - raised by whoever called
                    error.add_note(f"while reading {source.name}")
                    self.errors.append(error)
                    break
        return found

    def _read_on(self, source: Source, *, until: float) -> int:
        now = time.time()
        with self.database.transaction() as connection:
            marks = position(connection, source.name)
            reading = self._reading(connection, now)
            if source is not FAILED_RUNS and not reading.wants(source.event_types):
                forget_position(connection, source.name)
                return 0
        found = 0
        for batch in source.read(reading, marks):
            found += self._take(source, batch, now=now)
            if time.monotonic() >= until:
                break
        return found

    def _reading(self, connection: sa.Connection, now: float) -> Reading:
        return Reading(
            instance=self.instance,
            now=now,
            told=frozenset(kind for policy in self.policies for kind in policy.event_types),
            open=incidents.open_event_types(connection),
            thresholds=sorted({limit for policy in self.policies for limit in policy.thresholds}),
            already_read=self._already_read,
            workspace=self.workspace,
        )

    def _already_read(self, run_ids: Sequence[str]) -> set[str]:
        with self.database.transaction() as connection:
            return deduplication.read_runs(connection, run_ids)

    def _take(self, source: Source, batch: Batch, *, now: float) -> int:
        """What was found and the position behind it, in one transaction."""
        told = [
            (self._completed(finding), finding, policy)
            for finding in batch.findings
            for policy in self.policies
            if self._covers(policy, finding.alert, finding.tags)
        ]
        in_force = {policy.name: policy for policy in self.policies}
        with self.database.transaction() as connection:
            if position(connection, source.name) != batch.expected:
                return 0
            new = 0
            for alert, finding, policy in told:
                new += (
                    deduplication.record_failure(
                        connection,
                        policy,
                        alert,
                        key=finding.key,
                        parent_key=finding.parent_key,
                        destination=self._destination(policy),
                        ui_url=self.ui_url,
                        will_be_retried=self._will_be_retried(finding, now),
                        now=now,
                    )
                    == deduplication.ANNOUNCED
                )
            incidents.record_recoveries(connection, batch.recoveries, policies=in_force, now=now)
            deduplication.remember_runs(connection, batch.read_runs, now=now)
            set_position(connection, source.name, batch.position)
        return new

    def _covers(self, policy: Policy, alert: Alert, tags: Mapping[str, str]) -> bool:
        """Whether ``policy`` is to tell ``alert``; yes where that cannot be found out.

        One policy's targets must not keep the others from what has happened: the log would be read
        no further, by anybody.
        """
        try:
            return policy.covers(alert, tags, self.workspace)
        except Exception as error:  # noqa: BLE001 - raised by whoever called
            note = f"while looking whether the policy {policy.name!r} covers it: it is told"
            if not any(note in getattr(known, "__notes__", ()) for known in self.errors):
                error.add_note(note)
                self.errors.append(error)
            return alert.event_type in policy.event_types

    def _completed(self, finding: Finding) -> Alert:
        """The alert with the owners of its assets."""
        alert = finding.alert
        owners = self.workspace.owners_of(alert.assets)
        return replace(alert, owners=owners or alert.owners, are_owners_known=owners is not None)

    def _settle_held(self) -> None:
        """See what became of the failures that wait; of several attempts the last one decides."""
        now = time.time()
        chains: dict[tuple[str, str], list[deduplication.Held]] = {}
        with self.database.transaction() as connection:
            held = deduplication.held_failures(connection)
        for one in sorted(held, key=lambda one: one.failure.at):
            chains.setdefault((one.policy, one.chain), []).append(one)
        newest = [attempts[-1].failure for attempts in chains.values()]
        last = last_attempts(self.instance, {failure.run_id for failure in newest})
        decided = [
            (attempts, outcome)
            for attempts, failure in zip(chains.values(), newest, strict=True)
            if (outcome := self._outcome(failure, last[failure.run_id], now)) is not None
        ]
        with self.database.transaction() as connection:
            for attempts, outcome in decided:
                self._settle(connection, attempts, outcome, now=now)

    def _settle(
        self,
        connection: sa.Connection,
        attempts: Sequence[deduplication.Held],
        outcome: str,
        *,
        now: float,
    ) -> None:
        ids = [one.id for one in attempts]
        if outcome != deduplication.ANNOUNCED:
            deduplication.settle_held(connection, ids, outcome)
            return
        newest = attempts[-1]
        policy = next((policy for policy in self.policies if policy.name == newest.policy), None)
        if policy is None:
            self._hand_over(connection, newest, now=now)
        else:
            deduplication.release(
                connection,
                policy,
                newest.id,
                newest.failure,
                destination=self._destination(policy),
                ui_url=self.ui_url,
                now=now,
            )
        deduplication.settle_held(connection, ids, deduplication.MERGED)

    def _hand_over(
        self, connection: sa.Connection, held: deduplication.Held, *, now: float
    ) -> None:
        """The policy is gone, or has another name: those that cover the failure tell it."""
        run = self.instance.get_run_by_id(held.failure.run_id)
        tags = run.tags if run else {}
        for policy in self.policies:
            if self._covers(policy, held.failure, tags):
                deduplication.record_failure(
                    connection,
                    policy,
                    held.failure,
                    key=held.key,
                    parent_key=held.chain if held.chain != held.key else "",
                    destination=self._destination(policy),
                    ui_url=self.ui_url,
                    will_be_retried=False,
                    now=now,
                )
        deduplication.settle_held(connection, [held.id], deduplication.MERGED)

    def _outcome(self, failure: Alert, last: dg.RunRecord | None, now: float) -> str | None:
        """What becomes of a failure that was held; nothing while a retry may still succeed.

        ``last`` is the last attempt at its run so far, which may be the one that has failed.
        """
        if last is None or last.dagster_run.status is dg.DagsterRunStatus.CANCELED:
            return self._told_unless_made(failure)
        run = last.dagster_run
        if run.is_success:
            return deduplication.RETRIED
        if not run.is_failure:
            waited = now - last.create_timestamp.timestamp()
            is_stuck = last.start_time is None and waited > _RETRY_START_SECONDS
            return self._told_unless_made(failure) if is_stuck else None
        is_own = run.run_id == failure.run_id
        failed_at = failure.at if is_own else last.end_time or failure.at
        is_late = now - failed_at > _RETRY_LAUNCH_SECONDS
        if failure.event_type == EventType.JOB_FAILURE and not is_own:
            # Its own event tells, which is read like any other, unless no policy covered it then.
            return deduplication.ANNOUNCED if is_late else None
        if not is_late and not self._is_given_up(run):
            return None
        return deduplication.ANNOUNCED if is_own else self._told_unless_made(failure)

    def _is_given_up(self, run: dg.DagsterRun) -> bool:
        said = run.tags.get(WILL_RETRY_TAG)
        return not self.instance.run_retries_enabled if said is None else said == "false"

    def _told_unless_made(self, failure: Alert) -> str:
        """A retry may end elsewhere and have made this asset, or not have come to it."""
        if failure.event_type == EventType.JOB_FAILURE:
            return deduplication.ANNOUNCED
        wanted = failure.partitions or ((failure.partition,) if failure.partition else ())
        since = dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(failure.subject.split("/")),
            asset_partitions=wanted or None,
            after_timestamp=failure.at,
        )
        # each partition may have been made more than once
        found = self.instance.fetch_materializations(since, limit=2 * len(wanted) or 1).records
        made = {record.partition_key or "" for record in found}
        is_made = made >= set(wanted) if wanted else bool(made)
        return deduplication.RETRIED if is_made else deduplication.ANNOUNCED

    def _will_be_retried(self, finding: Finding, now: float) -> bool:
        if finding.alert.event_type not in _RETRIED:
            return False
        said = finding.tags.get(WILL_RETRY_TAG)
        if said is None:
            is_undecided = now - finding.alert.at < _UNDECIDED_SECONDS
            return self.instance.run_retries_enabled and is_undecided
        return said == "true"

    def _destination(self, policy: Policy) -> str:
        return policy.notification_service.destination(self.alert_channel)


def last_pass_at(connection: sa.Connection) -> float | None:
    """When the log was last read to its end, give or take some seconds; nothing if never."""
    marks = position(connection, FAILED_RUNS.name)
    return event_feed.Position.from_json(marks).marks[-1][0] if marks else None
