"""What a run that has succeeded covers, and so puts right."""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.fingerprint import without_mapping_index
from orchestration_platform.alerts.sources.runs.check_results import check_name
from orchestration_platform.alerts.sources.runs.facts import is_internal, location_of
from orchestration_platform.alerts.sources.runs.plan import PlanCache, RunPlan, selection_of

# A tag names the run that is repeated, and anybody may have written it in a circle.
_MOST_ATTEMPTS = 20

_PARENT = "dagster/parent_run_id"
_RESUMED = ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")
_RETRIED = "dagster/retry_number"


@dataclass(frozen=True)
class Coverage:
    """What a run has done, of which is read what is asked for.

    Attributes:
        instance: of Dagster.
        record: the run, which has succeeded, or was completed by one that has.
        plans: of runs, as far as they are known.
    """

    instance: dg.DagsterInstance
    record: dg.RunRecord
    plans: PlanCache

    def read(self) -> None:
        """Read all that may be asked for, so that what cannot be read is met here."""
        for one in (self, *self._before):
            _ = one.plan

    def covers(self, failure: Alert) -> bool:
        """Whether what failed in ``failure`` was done, by the run or by those that it completes.

        A run of the whole job covers all that the job may fail at. One of a part of it covers the
        steps, assets and checks that it was of.
        """
        return self._is_of_same(failure) and (
            self.covers_alone(failure) or self._completes(failure)
        )

    def _is_of_same(self, failure: Alert) -> bool:
        run = self.record.dagster_run
        is_same_job = run.job_name == failure.job_name or not _is_of_job(failure)
        return failure.location == location_of(run) and is_same_job

    def covers_alone(self, failure: Alert) -> bool:
        """Whether the run itself did what failed, of a failure that is of its job."""
        if _is_of_job(failure) and self._is_whole:
            return True
        steps = failure.failed_steps
        if steps is None:
            return self._has_done_all(failure)
        return all(self._has_done_step(step, failure) for step in steps)

    @cached_property
    def assets(self) -> frozenset[str]:
        """The assets that it was to make."""
        run = self.record.dagster_run
        selected = frozenset(key.to_user_string() for key in run.asset_selection or ())
        # some of the steps may have been named, of those that the assets have
        if selected and run.step_keys_to_execute is None:
            return selected
        return self.plan.assets if self.plan else selected

    @cached_property
    def _checks(self) -> frozenset[str]:
        keys = self.plan.checks if self.plan else self.record.dagster_run.asset_check_selection
        return frozenset(check_name(key) for key in keys or ())

    @cached_property
    def plan(self) -> RunPlan | None:
        """The steps that it was to execute; nothing where that is not known."""
        return self.plans.plan_of(self.instance, self.record.dagster_run)

    @cached_property
    def _is_whole(self) -> bool:
        run = self.record.dagster_run
        if run.asset_selection or run.asset_check_selection is not None:
            return False
        if run.op_selection or run.resolved_op_selection:
            return False
        # who launches all steps may name them
        return run.step_keys_to_execute is None or not (self.plan and self.plan.is_partial)

    def _has_done_all(self, failure: Alert) -> bool:
        """Whether all that the failed run was about was done; not known of a whole job of ops."""
        if failure.checks:
            return self._checks.issuperset(failure.checks)
        if failure.assets:
            return self.assets.issuperset(failure.assets)
        done = selection_of(self.record.dagster_run).ops
        return bool(failure.ops) and set(done) >= set(failure.ops) and not self._is_part_of_plan

    @property
    def _is_part_of_plan(self) -> bool:
        return bool(self.plan and self.plan.is_partial)

    def _has_done_step(self, step: str, failure: Alert) -> bool:
        part = failure.part_of_step(step)
        if part is not None:
            return part in (self._checks if failure.checks else self.assets)
        name = without_mapping_index(step)
        if self.plan is None or name not in self.plan.steps:
            return False
        planned = self.plan.steps[name]
        # a step that is for more than one of them may have been of some
        if planned.assets or len(planned.checks) > 1:
            return self._has_done_all(failure)
        return True

    def _completes(self, failure: Alert) -> bool:
        """Whether the run is what was left to do of one that failed in this, or later."""
        if not self._before:
            return False
        if failure.run_id in {earlier.record.dagster_run.run_id for earlier in self._before}:
            return True
        first = self._before[-1]
        started_at = first.record.start_time
        return started_at is not None and failure.at <= started_at and first.covers_alone(failure)

    @cached_property
    def _before(self) -> list["Coverage"]:
        """The runs of which this one does what they have left, the last one first."""
        found: list[Coverage] = []
        run = self.record.dagster_run
        while (parent := _continued(run)) and len(found) < _MOST_ATTEMPTS:
            records = self.instance.get_run_records(dg.RunsFilter(run_ids=[parent]))
            if not records or records[0].dagster_run.job_name != run.job_name:
                break
            found.append(Coverage(self.instance, records[0], self.plans))
            run = records[0].dagster_run
        return found


def _is_of_job(failure: Alert) -> bool:
    """Whether a job has failed that has a name of its own."""
    return failure.subject == failure.job_name and not is_internal(failure.job_name)


def _continued(run: dg.DagsterRun) -> str:
    """The run that ``run`` takes up again; empty where it stands for itself."""
    is_continued = _RETRIED in run.tags or any(run.tags.get(tag) == "true" for tag in _RESUMED)
    return run.tags.get(_PARENT, "") if is_continued else ""
