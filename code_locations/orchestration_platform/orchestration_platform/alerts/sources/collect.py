"""Reads the sources one after another and records what the policies cover in the outbox."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox import deduplication, recoveries
from orchestration_platform.alerts.outbox.cursors import forget_cursor, read_cursor, set_cursor
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.routing import Router
from orchestration_platform.alerts.sources.assets import MATERIALIZATIONS
from orchestration_platform.alerts.sources.checks import RUNLESS_CHECKS
from orchestration_platform.alerts.sources.code_locations import CODE_LOCATIONS
from orchestration_platform.alerts.sources.daemons import DAEMONS
from orchestration_platform.alerts.sources.ended_runs import (
    CANCELLED_RUNS,
    FAILED_RUNS,
    SUCCEEDED_RUNS,
)
from orchestration_platform.alerts.sources.feeds import events
from orchestration_platform.alerts.sources.freshness import FRESHNESS
from orchestration_platform.alerts.sources.long_runs import LONG_RUNNING
from orchestration_platform.alerts.sources.renamed_policies import take_over_silenced
from orchestration_platform.alerts.sources.retries import HeldFailures, will_be_retried
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Reading,
    Source,
    SourceMemory,
)
from orchestration_platform.alerts.sources.ticks import TICKS
from orchestration_platform.alerts.workspace.described import described
from orchestration_platform.alerts.workspace.webserver import Workspace

# What ends a failure is read once the failure is known: in this order, or not at all.
_OF_RUNS = (FAILED_RUNS, SUCCEEDED_RUNS, CANCELLED_RUNS, MATERIALIZATIONS)
_BY_THEMSELVES = tuple(
    (source,)
    for source in (RUNLESS_CHECKS, FRESHNESS, TICKS, LONG_RUNNING, DAEMONS, CODE_LOCATIONS)
)


@dataclass(frozen=True)
class Collector:
    """Reads what has happened and puts what the policies cover into the outbox.

    Attributes:
        instance: the Dagster instance.
        database: where the outbox is.
        policies: the policies in force.
        alert_channel: the environment's channel, for policies that name no other.
        ui_url: where people open Dagster.
        workspace: what the webserver knows.
        memory: what the sources keep from one pass to the next.
        errors: the errors of sources that could not be read.
        timing: how long to wait for what.
        clock: the time, in seconds since 1970.
    """

    instance: dg.DagsterInstance
    database: Database
    policies: Sequence[Policy]
    alert_channel: str
    ui_url: str
    workspace: Workspace = field(default_factory=Workspace)
    memory: SourceMemory = field(default_factory=SourceMemory)
    errors: list[Exception] = field(default_factory=list)
    timing: Timing = TIMING
    clock: Callable[[], float] = time.time

    def collect(self, *, until: float) -> int:
        """Continue reading until ``until`` at most, by the clock of ``timing``.

        The first call only records where the logs end and reads nothing earlier. An error in one
        source is kept in ``errors`` and does not hold up the others.

        Returns:
            the number of new findings.
        """
        found = 0
        for group in (_OF_RUNS, *_BY_THEMSELVES):
            for source in group:
                if self.timing.clock.now() >= until:
                    return found
                try:
                    found += self._read_on(source, until=until)
                    if source is FAILED_RUNS:
                        self._held.settle(now=self.clock())
                        take_over_silenced(
                            self.instance,
                            self.database,
                            self._router,
                            ui_url=self.ui_url,
                            now=self.clock(),
                            timing=self.timing,
                        )
                except Exception as error:  # noqa: BLE001 - raised at the end of the pass
                    error.add_note(f"while reading {source.name}")
                    self.errors.append(error)
                    break
        return found

    @cached_property
    def _router(self) -> Router:
        return Router(self.policies, self.alert_channel, self.workspace, self.errors)

    @cached_property
    def _held(self) -> HeldFailures:
        return HeldFailures(self.instance, self.database, self._router, self.ui_url, self.timing)

    def _read_on(self, source: Source, *, until: float) -> int:
        now = self.clock()
        with self.database.transaction() as connection:
            marks = read_cursor(connection, source.name)
            reading = self._reading(connection, now)
            if source is not FAILED_RUNS and not reading.wants(source.event_types):
                forget_cursor(connection, source.name)
                return 0
        found = 0
        for batch in source.read(reading, marks):
            found += self._take(source, batch, now=now)
            if self.timing.clock.now() >= until:
                break
        return found

    def _reading(self, connection: sa.Connection, now: float) -> Reading:
        return Reading(
            instance=self.instance,
            now=now,
            reported=frozenset(kind for policy in self.policies for kind in policy.event_types),
            open=recoveries.open_event_types(connection),
            thresholds=sorted({limit for policy in self.policies for limit in policy.thresholds}),
            already_read=self._already_read,
            workspace=self.workspace,
            memory=self.memory,
            timing=self.timing,
        )

    def _already_read(self, run_ids: Sequence[str]) -> set[str]:
        with self.database.transaction() as connection:
            return deduplication.read_runs(connection, run_ids)

    def _take(self, source: Source, batch: Batch, *, now: float) -> int:
        """Record the findings and the position after them in one transaction."""
        found = batch.found
        covered = [
            (self._completed(finding), finding, policy)
            for finding in found.findings
            for policy in self._router.policies_for(finding.alert, finding.tags)
        ]
        in_force = {policy.name: policy for policy in self.policies}
        with self.database.transaction() as connection:
            if read_cursor(connection, source.name) != batch.expected:
                return 0
            new = 0
            for alert, finding, policy in covered:
                new += (
                    deduplication.record_failure(
                        connection,
                        policy,
                        alert,
                        key=finding.key,
                        parent_key=finding.parent_key,
                        destination=self._router.destination(policy),
                        ui_url=self.ui_url,
                        will_be_retried=will_be_retried(
                            self.instance, finding.alert, finding.tags, now=now
                        ),
                        now=now,
                        in_force=in_force,
                        timing=self.timing,
                    )
                    == deduplication.ANNOUNCED
                )
            recoveries.record_recoveries(connection, found.recoveries, policies=in_force, now=now)
            deduplication.remember_runs(connection, found.read_runs, now=now)
            set_cursor(connection, source.name, batch.position)
        return new

    def _completed(self, finding: Finding) -> Alert:
        """Return the alert with what the definitions say about its subject."""
        return described(finding.alert, finding.tags, self.workspace)


def last_pass_at(connection: sa.Connection) -> float | None:
    """Return when the log was last read to its end, within a few seconds; None if never."""
    marks = read_cursor(connection, FAILED_RUNS.name)
    return events.Position.from_json(marks).marks[-1][0] if marks else None
