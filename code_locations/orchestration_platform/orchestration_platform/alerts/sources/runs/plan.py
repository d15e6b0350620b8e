"""Which steps a run was to execute, and what each step does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.fingerprint import without_mapping_index
from orchestration_platform.alerts.sources.runs.check_results import check_name

# The plans of this many jobs are kept: the most recently used.
_KEPT_PLANS = 256


@dataclass(frozen=True)
class PlannedStep:
    """What a step does.

    Attributes:
        assets: the assets it makes.
        checks: the checks it runs.
        after: the steps of the job that must succeed before it, without mapping index.
    """

    assets: frozenset[str]
    checks: frozenset[dg.AssetCheckKey]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunPlan:
    """The steps of a run; a dynamic step counts once.

    Attributes:
        steps: the steps to execute, by name without mapping index.
        is_partial: whether the job has other steps, too.
    """

    steps: Mapping[str, PlannedStep]
    is_partial: bool

    @cached_property
    def assets(self) -> frozenset[str]:
        """The assets that the run was to make."""
        return frozenset[str]().union(*(step.assets for step in self.steps.values()))

    @cached_property
    def checks(self) -> frozenset[dg.AssetCheckKey]:
        """The checks that the run was to execute."""
        return frozenset[dg.AssetCheckKey]().union(*(step.checks for step in self.steps.values()))

    def nodes_before(self, node: str) -> set[str]:
        """Return every node to execute that must succeed before ``node``."""
        after: dict[str, set[str]] = {}
        for name, step in self.steps.items():
            after.setdefault(node_of(name), set()).update(map(node_of, step.after))
        found: set[str] = set()
        left = [node]
        while left:
            new = after.get(left.pop(), set()) - found - {node}
            found |= new
            left += new
        return found


def node_of(step: str) -> str:
    """Return the op, or the graph that contains it: several steps may make one asset."""
    return without_mapping_index(step).split(".")[0]


@dataclass(frozen=True)
class PlanCache:
    """The most recently used plans of runs.

    Dagster names a plan by its content, and most runs of a job share one.
    """

    _kept: dict[str, RunPlan] = field(default_factory=dict)

    def plan_of(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunPlan | None:
        """Return the plan of ``run``, or None if Dagster has none."""
        name = run.execution_plan_snapshot_id
        if not name:
            return None
        plan = self._kept.pop(name, None) or _read(instance, name)
        if plan is None:
            return None
        # the most recently used plan is dropped last
        self._kept[name] = plan
        while len(self._kept) > _KEPT_PLANS:
            self._kept.pop(next(iter(self._kept)), None)
        return plan


def _read(instance: dg.DagsterInstance, name: str) -> RunPlan | None:
    snapshot = instance.get_execution_plan_snapshot(name)
    # Dagster's storage returns this if it has none, whatever its type says
    if snapshot is None:
        return None
    wanted = set(snapshot.step_keys_to_execute)
    steps: dict[str, PlannedStep] = {}
    for step in snapshot.steps:
        if step.key in wanted:
            keys = step.entity_keys
            assets = frozenset(key.to_user_string() for key in keys if isinstance(key, dg.AssetKey))
            checks = frozenset(key for key in keys if isinstance(key, dg.AssetCheckKey))
            before = {key for one in step.inputs for key in one.upstream_step_keys}
            after = frozenset(map(without_mapping_index, before))
            steps[without_mapping_index(step.key)] = PlannedStep(assets, checks, after)
    return RunPlan(steps, is_partial=any(step.key not in wanted for step in snapshot.steps))


@dataclass(frozen=True)
class RunScope:
    """The part of its job that a run covers.

    Attributes:
        assets: the assets it makes, in order; for a run of checks alone, the assets they examine.
        checks: for a run of checks alone, its checks by name, in order; else empty.
        ops: the ops it was limited to, in order; empty if it was not limited.
    """

    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()


def scope_of(run: dg.DagsterRun, plan: RunPlan | None = None) -> RunScope:
    """Return what ``run`` covers according to its record, or else its ``plan``."""
    assets = frozenset(key.to_user_string() for key in run.asset_selection or ())
    checks = frozenset(run.asset_check_selection or ())
    if not assets and not checks and plan:
        assets, checks = plan.assets, plan.checks
    ops = tuple(sorted(run.resolved_op_selection or ()))
    if assets:
        return RunScope(tuple(sorted(assets)), ops=ops)
    checked = {check.asset_key.to_user_string() for check in checks}
    return RunScope(tuple(sorted(checked)), tuple(sorted(map(check_name, checks))), ops)


def is_scope_known(run: dg.DagsterRun) -> bool:
    """Return whether the record of ``run`` lists what it covers; for a whole job it does not."""
    return bool(run.asset_selection or run.asset_check_selection)
