"""What the event log of one run says, sorted by what it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

_KINDS = dg.DagsterEventType


@dataclass(frozen=True)
class RunLog:
    """The log of one run, of which is read what is asked for.

    Attributes:
        instance: of Dagster.
        run_id: the run.
    """

    instance: dg.DagsterInstance
    run_id: str

    @cached_property
    def failed_steps(self) -> list[dg.DagsterEvent]:
        """The failures of steps, the last of each."""
        found: dict[str, dg.DagsterEvent] = {}
        for record in self._troubles[_KINDS.STEP_FAILURE]:
            event = record.event_log_entry.get_dagster_event()
            found[event.step_key or ""] = event
        return list(found.values())

    @cached_property
    def planned_assets(self) -> dict[str, str]:
        """The step that is to make an asset, by the asset's key."""
        return {
            event.asset_key.to_user_string(): event.step_key or ""
            for event in self._events(_KINDS.ASSET_MATERIALIZATION_PLANNED)
            if event.asset_key
        }

    @cached_property
    def made_assets(self) -> set[str]:
        """The assets that were made."""
        return {
            event.asset_key.to_user_string()
            for event in self._events(_KINDS.ASSET_MATERIALIZATION)
            if event.asset_key
        }

    @cached_property
    def finished_steps(self) -> set[str]:
        """The steps that succeeded."""
        return {event.step_key or "" for event in self._events(_KINDS.STEP_SUCCESS)}

    @cached_property
    def observations(self) -> list[dg.DagsterEvent]:
        """What was observed of assets; dbt's models that were not built among it."""
        return list(self._events(_KINDS.ASSET_OBSERVATION))

    @cached_property
    def check_evaluations(self) -> Sequence[dg.EventLogRecord]:
        """The checks that gave a result, in order."""
        return self._troubles[_KINDS.ASSET_CHECK_EVALUATION]

    @cached_property
    def _troubles(self) -> dict[dg.DagsterEventType, list[dg.EventLogRecord]]:
        """What every failed run is asked for, in one query."""
        kinds = {_KINDS.STEP_FAILURE, _KINDS.ASSET_CHECK_EVALUATION}
        found: dict[dg.DagsterEventType, list[dg.EventLogRecord]] = {kind: [] for kind in kinds}
        for record in self.instance.get_records_for_run(self.run_id, of_type=kinds).records:
            found[record.event_log_entry.get_dagster_event().event_type].append(record)
        return found

    @cached_property
    def planned_checks(self) -> set[dg.AssetCheckKey]:
        """The checks that were to be run."""
        return {
            event.asset_check_planned_data.asset_check_key
            for event in self._events(_KINDS.ASSET_CHECK_EVALUATION_PLANNED)
        }

    def _events(self, kind: dg.DagsterEventType) -> Iterable[dg.DagsterEvent]:
        return (record.event_log_entry.get_dagster_event() for record in self._records(kind))

    def _records(self, kind: dg.DagsterEventType) -> Sequence[dg.EventLogRecord]:
        return self.instance.get_records_for_run(self.run_id, of_type=kind).records
