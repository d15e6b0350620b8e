"""Failed runs that Dagster retries automatically: which failures wait, and how they end."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox import deduplication
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import Held
from orchestration_platform.alerts.policies.routing import Router
from orchestration_platform.alerts.sources.runs.partition_ranges import made_since

_WILL_RETRY_TAG = "dagster/will_retry"
_RETRY_TAG = "dagster/auto_retry_run_id"
_RETRIED = frozenset({EventType.JOB_FAILURE, EventType.ASSET_MATERIALIZATION_FAILURE})

# Dagster records whether it will retry a moment after it has stored the failure.
_UNDECIDED_SECONDS = 60.0
# Anyone can write tags, even circular ones.
_MOST_ATTEMPTS = 100
_PORTION = 500


def will_be_retried(
    instance: dg.DagsterInstance, alert: Alert, tags: Mapping[str, str], *, now: float
) -> bool:
    """Return whether Dagster retries, or may yet retry, the run of ``alert``."""
    if alert.event_type not in _RETRIED:
        return False
    tag = tags.get(_WILL_RETRY_TAG)
    if tag is None:
        return instance.run_retries_enabled and now - alert.at < _UNDECIDED_SECONDS
    return tag == "true"


@dataclass(frozen=True)
class HeldFailures:
    """The failures that wait for the outcome of a retry.

    Attributes:
        instance: the Dagster instance.
        database: where the outbox is.
        router: finds the policies.
        ui_url: where people open Dagster.
        timing: how long to wait for a retry.
    """

    instance: dg.DagsterInstance
    database: Database
    router: Router
    ui_url: str
    timing: Timing = TIMING

    def settle(self, *, now: float) -> None:
        """Settle the failures that can be settled; of several attempts, the last one decides."""
        chains: dict[tuple[str, str], list[Held]] = {}
        with self.database.transaction() as connection:
            held = deduplication.held_failures(connection)
        for one in sorted(held, key=lambda one: one.failure.at):
            chains.setdefault((one.policy, one.chain), []).append(one)
        newest = [attempts[-1].failure for attempts in chains.values()]
        last = _last_attempts(self.instance, {failure.run_id for failure in newest})
        decided = [
            (attempts, outcome)
            for attempts, failure in zip(chains.values(), newest, strict=True)
            if (outcome := self._outcome(failure, last[failure.run_id], now)) is not None
        ]
        with self.database.transaction() as connection:
            for attempts, outcome in decided:
                self._settle(connection, attempts, outcome, now=now)

    def _outcome(self, failure: Alert, last: dg.RunRecord | None, now: float) -> str | None:
        """Return the outcome of a held failure, or None while a retry may still succeed.

        ``last`` is the latest attempt at its run, which may be the failed attempt itself.
        """
        if last is None or last.dagster_run.status is dg.DagsterRunStatus.CANCELED:
            return self._announced_unless_made(failure)
        run = last.dagster_run
        if run.is_success:
            return deduplication.RETRIED
        if not run.is_failure:
            waited = now - last.create_timestamp.timestamp()
            is_stuck = last.start_time is None and waited > self.timing.retry_start
            return self._announced_unless_made(failure) if is_stuck else None
        is_own = run.run_id == failure.run_id
        failed_at = failure.at if is_own else last.end_time or failure.at
        is_late = now - failed_at > self.timing.retry_launch
        if failure.event_type == EventType.JOB_FAILURE and not is_own:
            # Its own event is read like any other and reports it, unless no policy covered it then.
            return deduplication.ANNOUNCED if is_late else None
        if not is_late and not self._is_given_up(run):
            return None
        return deduplication.ANNOUNCED if is_own else self._announced_unless_made(failure)

    def _is_given_up(self, run: dg.DagsterRun) -> bool:
        tag = run.tags.get(_WILL_RETRY_TAG)
        return not self.instance.run_retries_enabled if tag is None else tag == "false"

    def _announced_unless_made(self, failure: Alert) -> str:
        """Return the outcome for an asset, which a retry that failed elsewhere may have made."""
        if failure.event_type == EventType.JOB_FAILURE:
            return deduplication.ANNOUNCED
        wanted = set(failure.partitions or (failure.partition,))
        is_made = made_since(self.instance, failure, failure.at) >= wanted
        return deduplication.RETRIED if is_made else deduplication.ANNOUNCED

    def _settle(
        self, connection: sa.Connection, attempts: Sequence[Held], outcome: str, *, now: float
    ) -> None:
        ids = [one.id for one in attempts]
        if outcome != deduplication.ANNOUNCED:
            deduplication.settle_held(connection, ids, outcome)
            return
        newest = attempts[-1]
        in_force = {policy.name: policy for policy in self.router.policies}
        policy = in_force.get(newest.policy)
        if policy is None:
            self._hand_over(connection, newest, now=now)
        else:
            deduplication.release(
                connection,
                policy,
                newest.id,
                newest.failure,
                destination=self.router.destination(policy),
                ui_url=self.ui_url,
                now=now,
                in_force=in_force,
                timing=self.timing,
            )
        deduplication.settle_held(connection, ids, deduplication.MERGED)

    def _hand_over(self, connection: sa.Connection, held: Held, *, now: float) -> None:
        """Announce through the policies that cover the failure: its own is gone or was renamed."""
        run = self.instance.get_run_by_id(held.failure.run_id)
        for policy in self.router.policies_for(held.failure, run.tags if run else {}):
            deduplication.record_failure(
                connection,
                policy,
                held.failure,
                key=held.key,
                parent_key=held.chain if held.chain != held.key else "",
                destination=self.router.destination(policy),
                ui_url=self.ui_url,
                will_be_retried=False,
                now=now,
                in_force=[policy.name for policy in self.router.policies],
                timing=self.timing,
            )
        deduplication.settle_held(connection, [held.id], deduplication.MERGED)


def _last_attempts(
    instance: dg.DagsterInstance, run_ids: Collection[str]
) -> dict[str, dg.RunRecord | None]:
    """Map each run to its latest attempt, which may be the run itself; None for a deleted run.

    This takes a few queries per attempt of the longest chain, however many runs there are.
    """
    records: dict[str, dg.RunRecord | None] = {}
    last = {run_id: run_id for run_id in run_ids}
    for _ in range(_MOST_ATTEMPTS):
        for portion in _portions(set(last.values()) - records.keys()):
            found = instance.get_run_records(dg.RunsFilter(run_ids=portion))
            records |= dict.fromkeys(portion)
            records |= {record.dagster_run.run_id: record for record in found}
        following = {first: _retry_of(records[run_id]) or run_id for first, run_id in last.items()}
        if following == last:
            break
        last = following
    return {first: records.get(run_id) for first, run_id in last.items()}


def _retry_of(record: dg.RunRecord | None) -> str | None:
    return record.dagster_run.tags.get(_RETRY_TAG) if record else None


def _portions(run_ids: Collection[str]) -> Iterator[list[str]]:
    names = sorted(run_ids)
    for start in range(0, len(names), _PORTION):
        yield names[start : start + _PORTION]
