"""The event log of one run, sorted by subject."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.sources.runs.plan import PlanCache, RunPlan

_KINDS = dg.DagsterEventType
# The limit for a run over many partitions of many assets: 1.5 s on a slow machine.
_MOST_PLANS = 20_000
_MOST_NAMED = 1000


@dataclass(frozen=True)
class RunLog:
    """The log of one run, read on demand.

    Attributes:
        instance: the Dagster instance.
        run_id: the run.
        plans: the plans of runs, as far as they are known.
    """

    instance: dg.DagsterInstance
    run_id: str
    plans: PlanCache

    def plan_of(self, run: dg.DagsterRun) -> RunPlan | None:
        """Return the steps that ``run``, which has this log, was to execute; None if unknown."""
        return self.plans.plan_of(self.instance, run)

    @cached_property
    def failed_steps(self) -> list[dg.DagsterEvent]:
        """The failures of steps, the last one for each step."""
        found: dict[str, dg.DagsterEvent] = {}
        for record in self._troubles[_KINDS.STEP_FAILURE]:
            event = record.event_log_entry.get_dagster_event()
            found[event.step_key or ""] = event
        return list(found.values())

    @cached_property
    def retries(self) -> Counter[str]:
        """How often each step was tried once more, as its retry policy asks for."""
        events = self._troubles[_KINDS.STEP_UP_FOR_RETRY]
        return Counter(one.event_log_entry.get_dagster_event().step_key or "" for one in events)

    @cached_property
    def failed_at(self) -> dict[str, float]:
        """When each failed step last failed."""
        return {
            record.event_log_entry.get_dagster_event().step_key or "": record.timestamp
            for record in self._troubles[_KINDS.STEP_FAILURE]
        }

    @cached_property
    def planned_assets(self) -> dict[str, str]:
        """The step that is to make each asset, by asset key."""
        return {
            event.asset_key.to_user_string(): event.step_key or ""
            for event in self._asset_plans
            if event.asset_key
        }

    @cached_property
    def partitioned_assets(self) -> set[str]:
        """The assets that have partitions to make; other assets of the run may have none."""
        return {
            event.asset_key.to_user_string()
            for event in self._asset_plans
            if event.asset_key and (event.partition or event.partitions_subset)
        }

    @cached_property
    def named_assets(self) -> tuple[str, ...]:
        """The assets to make or check, in order, as many as need to be named."""
        kinds = {_KINDS.ASSET_MATERIALIZATION_PLANNED, _KINDS.ASSET_CHECK_EVALUATION_PLANNED}
        found = self.instance.get_records_for_run(self.run_id, of_type=kinds, limit=_MOST_NAMED)
        events = [record.event_log_entry.get_dagster_event() for record in found.records]
        made = {event.asset_key for event in events if event.asset_key}
        checked = {
            event.asset_check_planned_data.asset_key
            for event in events
            if event.event_type is _KINDS.ASSET_CHECK_EVALUATION_PLANNED
        }
        return tuple(sorted(key.to_user_string() for key in made or checked))

    @cached_property
    def made_assets(self) -> set[str]:
        """The assets that were made."""
        return {
            event.asset_key.to_user_string()
            for event in self._events(_KINDS.ASSET_MATERIALIZATION)
            if event.asset_key
        }

    def planned_partitions(self, *, most: int) -> dict[str, frozenset[str]] | None:
        """Return the partitions to make, by asset; None if there are too many."""
        found: dict[str, set[str]] = {}
        for event in self._plans or ():
            keys = set(
                event.partitions_subset.get_partition_keys() if event.partitions_subset else ()
            )
            keys |= {event.partition} if event.partition else set()
            if event.asset_key and keys:
                found.setdefault(event.asset_key.to_user_string(), set()).update(keys)
        if self._plans is None or any(len(keys) > most for keys in found.values()):
            return None
        return {asset: frozenset(keys) for asset, keys in found.items()}

    @cached_property
    def made_partitions(self) -> dict[str, frozenset[str]]:
        """The partitions that were made, by asset."""
        found: dict[str, set[str]] = {}
        for event in self._events(_KINDS.ASSET_MATERIALIZATION):
            if event.asset_key and event.partition:
                found.setdefault(event.asset_key.to_user_string(), set()).add(event.partition)
        return {asset: frozenset(keys) for asset, keys in found.items()}

    @cached_property
    def _asset_plans(self) -> list[dg.DagsterEvent]:
        return list(self._events(_KINDS.ASSET_MATERIALIZATION_PLANNED))

    @cached_property
    def _plans(self) -> list[dg.DagsterEvent] | None:
        """What is to be made, or None if that is too much to read."""
        found = self.instance.get_records_for_run(
            self.run_id, of_type=_KINDS.ASSET_MATERIALIZATION_PLANNED, limit=_MOST_PLANS
        )
        if len(found.records) == _MOST_PLANS:
            return None
        return [record.event_log_entry.get_dagster_event() for record in found.records]

    @cached_property
    def started_steps(self) -> set[str]:
        """The steps that started."""
        return {event.step_key or "" for event in self._events(_KINDS.STEP_START)}

    @cached_property
    def finished_steps(self) -> set[str]:
        """The steps that succeeded."""
        return {event.step_key or "" for event in self._events(_KINDS.STEP_SUCCESS)}

    @cached_property
    def observations(self) -> list[dg.DagsterEvent]:
        """The observations of assets, including dbt models that were not built."""
        return list(self._events(_KINDS.ASSET_OBSERVATION))

    @cached_property
    def check_evaluations(self) -> Sequence[dg.EventLogRecord]:
        """The checks that returned a result, in order."""
        return self._troubles[_KINDS.ASSET_CHECK_EVALUATION]

    @cached_property
    def _troubles(self) -> dict[dg.DagsterEventType, list[dg.EventLogRecord]]:
        """What is needed for every failed run, in one query."""
        kinds = {
            _KINDS.STEP_FAILURE,
            _KINDS.STEP_UP_FOR_RETRY,
            _KINDS.ASSET_CHECK_EVALUATION,
        }
        found: dict[dg.DagsterEventType, list[dg.EventLogRecord]] = {kind: [] for kind in kinds}
        for record in self.instance.get_records_for_run(self.run_id, of_type=kinds).records:
            found[record.event_log_entry.get_dagster_event().event_type].append(record)
        return found

    @cached_property
    def planned_checks(self) -> dict[dg.AssetCheckKey, str]:
        """The step that is to run each check, by check key."""
        return {
            event.asset_check_planned_data.asset_check_key: event.step_key or ""
            for event in self._check_plans
        }

    @cached_property
    def partitioned_checks(self) -> set[dg.AssetCheckKey]:
        """Checks that examine partitions; others examine whole assets, even partitioned ones."""
        return {
            event.asset_check_planned_data.asset_check_key
            for event in self._check_plans
            if event.asset_check_planned_data.partitions_subset
        }

    @cached_property
    def _check_plans(self) -> list[dg.DagsterEvent]:
        return list(self._events(_KINDS.ASSET_CHECK_EVALUATION_PLANNED))

    def _events(self, kind: dg.DagsterEventType) -> Iterable[dg.DagsterEvent]:
        return (record.event_log_entry.get_dagster_event() for record in self._records(kind))

    def _records(self, kind: dg.DagsterEventType) -> Sequence[dg.EventLogRecord]:
        return self.instance.get_records_for_run(self.run_id, of_type=kind).records
