"""What a successful run covers, and therefore ends."""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.fingerprint import without_mapping_index
from orchestration_platform.alerts.sources.runs.check_results import check_name
from orchestration_platform.alerts.sources.runs.facts import is_internal, location_of
from orchestration_platform.alerts.sources.runs.plan import PlanCache, RunPlan, scope_of

# A tag names the run that is repeated, and anyone may have written tags that form a circle.
_MOST_ATTEMPTS = 20

_PARENT = "dagster/parent_run_id"
_RESUMED = ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")
_RETRIED = "dagster/retry_number"


@dataclass(frozen=True)
class Coverage:
    """What a run has done, read on demand.

    Attributes:
        instance: of Dagster.
        record: the run, which has succeeded or was completed by a run that has.
        plans: the plans of runs, as far as they are known.
    """

    instance: dg.DagsterInstance
    record: dg.RunRecord
    plans: PlanCache

    def read(self) -> None:
        """Read everything that may be needed, so that unreadable data raises here."""
        for one in (self, *self._before):
            _ = one.plan

    def covers(self, failure: Alert) -> bool:
        """Return whether the run, or the runs it completes, did what failed in ``failure``.

        A run of the whole job covers every failure of the job. A run of a part covers its steps,
        assets and checks.
        """
        return self._is_of_same(failure) and (
            self.covers_alone(failure) or self._completes(failure)
        )

    def _is_of_same(self, failure: Alert) -> bool:
        run = self.record.dagster_run
        is_same_job = run.job_name == failure.job_name or not _is_of_job(failure)
        return failure.location == location_of(run) and is_same_job

    def covers_alone(self, failure: Alert) -> bool:
        """Return whether the run itself did what failed, given a failure of its job."""
        if _is_of_job(failure) and self._is_whole:
            return True
        steps = failure.failed_steps
        if steps is None:
            return self._has_done_all(failure)
        return all(self._has_done_step(step, failure) for step in steps)

    @cached_property
    def assets(self) -> frozenset[str]:
        """The assets that the run was to make."""
        run = self.record.dagster_run
        selected = frozenset(key.to_user_string() for key in run.asset_selection or ())
        # the run may have been limited to some of the steps of these assets
        if selected and run.step_keys_to_execute is None:
            return selected
        return self.plan.assets if self.plan else selected

    @cached_property
    def _checks(self) -> frozenset[str]:
        keys = self.plan.checks if self.plan else self.record.dagster_run.asset_check_selection
        return frozenset(check_name(key) for key in keys or ())

    @cached_property
    def plan(self) -> RunPlan | None:
        """The steps that the run was to execute, or None if that is unknown."""
        return self.plans.plan_of(self.instance, self.record.dagster_run)

    @cached_property
    def _is_whole(self) -> bool:
        run = self.record.dagster_run
        if run.asset_selection or run.asset_check_selection is not None:
            return False
        if run.op_selection or run.resolved_op_selection:
            return False
        # a launch of all steps may list them by name
        return run.step_keys_to_execute is None or not (self.plan and self.plan.is_partial)

    def _has_done_all(self, failure: Alert) -> bool:
        """Return whether all that the failed run covered was done; false for a whole job of ops."""
        if failure.checks:
            return self._checks.issuperset(failure.checks)
        if failure.assets:
            return self.assets.issuperset(failure.assets)
        done = scope_of(self.record.dagster_run).ops
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
        # a step that serves more than one of them may have run for only some
        if planned.assets or len(planned.checks) > 1:
            return self._has_done_all(failure)
        return True

    def _completes(self, failure: Alert) -> bool:
        """Return whether the run completes one that failed with ``failure`` or started later."""
        if not self._before:
            return False
        if failure.run_id in {earlier.record.dagster_run.run_id for earlier in self._before}:
            return True
        first = self._before[-1]
        started_at = first.record.start_time
        return started_at is not None and failure.at <= started_at and first.covers_alone(failure)

    @cached_property
    def _before(self) -> list["Coverage"]:
        """The runs whose remaining work this run does, latest first."""
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
    """Return whether the failure is of a job that has a name of its own."""
    return failure.subject == failure.job_name and not is_internal(failure.job_name)


def _continued(run: dg.DagsterRun) -> str:
    """Return the run that ``run`` continues; empty if it continues none."""
    is_continued = _RETRIED in run.tags or any(run.tags.get(tag) == "true" for tag in _RESUMED)
    return run.tags.get(_PARENT, "") if is_continued else ""
