"""Which steps a run was to execute, and what each of them is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.fingerprint import without_mapping_index
from orchestration_platform.alerts.sources.runs.check_results import check_name

# Of so many jobs the plan is kept, the last that were asked for.
_KEPT_PLANS = 256


@dataclass(frozen=True)
class PlannedStep:
    """What a step is for.

    Attributes:
        assets: those that it makes.
        checks: those that it does.
        after: the steps of the job that have to succeed before it, without mapping index.
    """

    assets: frozenset[str]
    checks: frozenset[dg.AssetCheckKey]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunPlan:
    """The steps of a run, those of a dynamic one as one.

    Attributes:
        steps: those that were to be executed, by their name without mapping index.
        is_partial: whether the job has others, too.
    """

    steps: Mapping[str, PlannedStep]
    is_partial: bool

    @cached_property
    def assets(self) -> frozenset[str]:
        """The assets that the run was to make."""
        return frozenset[str]().union(*(step.assets for step in self.steps.values()))

    @cached_property
    def checks(self) -> frozenset[dg.AssetCheckKey]:
        """The checks that it was to do."""
        return frozenset[dg.AssetCheckKey]().union(*(step.checks for step in self.steps.values()))

    def nodes_before(self, node: str) -> set[str]:
        """All that has to succeed before ``node``, as far as it was to be executed."""
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
    """The op, or the graph that it is in: an asset may be made by more than one step."""
    return without_mapping_index(step).split(".")[0]


@dataclass(frozen=True)
class PlanCache:
    """The plans of runs, of which the last ones are kept.

    Dagster names a plan by what it says, and most runs of a job share one.
    """

    _kept: dict[str, RunPlan] = field(default_factory=dict)

    def plan_of(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunPlan | None:
        """The plan of ``run``; nothing where Dagster has none of it."""
        name = run.execution_plan_snapshot_id
        if not name:
            return None
        plan = self._kept.pop(name, None) or _read(instance, name)
        if plan is None:
            return None
        # the last one that was asked for is the last one to be forgotten
        self._kept[name] = plan
        while len(self._kept) > _KEPT_PLANS:
            self._kept.pop(next(iter(self._kept)), None)
        return plan


def _read(instance: dg.DagsterInstance, name: str) -> RunPlan | None:
    snapshot = instance.get_execution_plan_snapshot(name)
    # Dagster's storage answers so where it has none, whatever its type says
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
class Selection:
    """What of its job a run is about.

    Attributes:
        assets: those that it makes, in order; of a run that does checks alone, what they look at.
        checks: of such a run, its checks by name, in order; else empty.
        ops: those that it was limited to, in order; empty where it was not.
    """

    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()


def selection_of(run: dg.DagsterRun, plan: RunPlan | None = None) -> Selection:
    """What ``run`` is about, as far as its record says so, and else its ``plan``."""
    assets = frozenset(key.to_user_string() for key in run.asset_selection or ())
    checks = frozenset(run.asset_check_selection or ())
    if not assets and not checks and plan:
        assets, checks = plan.assets, plan.checks
    ops = tuple(sorted(run.resolved_op_selection or ()))
    if assets:
        return Selection(tuple(sorted(assets)), ops=ops)
    checked = {check.asset_key.to_user_string() for check in checks}
    return Selection(tuple(sorted(checked)), tuple(sorted(map(check_name, checks))), ops)


def is_selection_known(run: dg.DagsterRun) -> bool:
    """Whether the record of ``run`` says what it is about; that of a whole job does not."""
    return bool(run.asset_selection or run.asset_check_selection)
