"""What there is to know about a run, whatever happened to it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.sources.runs.plan import RunPlan, scope_of

_INTERNAL_JOB = "__"
_SOME_ASSETS = "assets"
# What is left of an automation run whose record was deleted.
_UNKNOWN_ASSETS = "unknown assets"
_TAG = "dagster/"
_REPOSITORY_TAG = ".dagster/repository"

# For a run of many assets, this many are checked to find when it last succeeded.
_ASSETS_LOOKED_AT = 5


def run_alert(
    event_type: EventType,
    run: dg.DagsterRun,
    *,
    at: float,
    started_at: float | None,
    plan: RunPlan | None = None,
    **changes: Any,
) -> Alert:
    """Return what is reported about ``run`` in any case.

    Args:
        event_type: what has happened.
        run: the run.
        at: when it happened, in seconds since 1970.
        started_at: when the run started, if it has.
        plan: the plan of the run, for a run whose record does not list what it covers.
        changes: values that the alert adds or replaces.
    """
    scope = scope_of(run, plan)
    assets = scope.assets
    tags = run.tags
    values: dict[str, Any] = {
        "event_type": event_type.value,
        "severity": event_type.severity,
        "kind": kind_of(run.job_name),
        "subject": subject_of(run.job_name, assets),
        "at": at,
        "location": location_of(run),
        "run_id": run.run_id,
        "job_name": run.job_name,
        "assets": assets,
        "checks": scope.checks,
        "ops": scope.ops,
        "partition": partition_of(tags),
        "backfill": tags.get(f"{_TAG}backfill", ""),
        "launched_by": launched_by(tags),
        "parent": parent_of(tags),
        "attempt": (_number(tags, f"{_TAG}retry_number") or 0) + 1,
        "duration_seconds": max(at - started_at, 0.0) if started_at else None,
    }
    return Alert(**{**values, **changes})


def location_of(run: dg.DagsterRun | None) -> str:
    """Return the code location of ``run``; empty for a run that a program executed itself."""
    origin = run.remote_job_origin if run else None
    return origin.location_name if origin else UNKNOWN_LOCATION


def is_internal(job_name: str) -> bool:
    """Return whether the job is Dagster's own, whose name means nothing to people."""
    return job_name.startswith(_INTERNAL_JOB)


def without_internal_job(problem: Problem, job_name: str) -> Problem:
    """Return ``problem`` without the job's name if the job is Dagster's own."""
    if not is_internal(job_name):
        return problem
    message, trace = (
        text.replace(f'"{job_name}"', _SOME_ASSETS).replace(job_name, _SOME_ASSETS)
        for text in (problem.message, problem.trace)
    )
    return replace(problem, message=message, trace=trace)


def subject_of(job_name: str, assets: Sequence[str]) -> str:
    """Return what people call it: the job, or the assets if the job is Dagster's own."""
    return (", ".join(assets) or _UNKNOWN_ASSETS) if is_internal(job_name) else job_name


def kind_of(job_name: str) -> str:
    """Return what the subject is, in people's words."""
    return "Assets" if is_internal(job_name) else "Job"


def partition_of(tags: Mapping[str, str]) -> str:
    """Return the run's partition: its key, or first...last for a range."""
    first = tags.get(f"{_TAG}asset_partition_range_start")
    last = tags.get(f"{_TAG}asset_partition_range_end")
    if not first or not last:
        return tags.get(f"{_TAG}partition", "")
    # a backfill may give each run a range of one partition
    return first if first == last else f"{first}...{last}"


def is_over_range(tags: Mapping[str, str]) -> bool:
    """Return whether the run covers more than one partition."""
    first = tags.get(f"{_TAG}asset_partition_range_start")
    last = tags.get(f"{_TAG}asset_partition_range_end")
    return bool(first and last and first != last)


def parent_of(tags: Mapping[str, str]) -> str:
    """Return the run that an automatic retry repeats."""
    return tags.get(f"{_TAG}parent_run_id", "") if f"{_TAG}retry_number" in tags else ""


def launched_by(tags: Mapping[str, str]) -> str:
    """Return what started the run: a schedule, a sensor, a person or something else."""
    for tag, kind in (("schedule_name", "schedule"), ("sensor_name", "sensor")):
        if f"{_TAG}{tag}" in tags:
            return f"{kind} {tags[f'{_TAG}{tag}']}"
    if "user" in tags:
        return tags["user"]
    if f"{_TAG}from_automation_condition" in tags:
        return "automation condition"
    return "backfill" if f"{_TAG}backfill" in tags else "by hand"


def attempts_of(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> int:
    """Return how often Dagster starts such a run at most; 0 if it does not retry it."""
    if f"{_TAG}max_retries" in tags:
        most = _number(tags, f"{_TAG}max_retries")
        return most + 1 if most is not None else 0
    is_retried = f"{_TAG}retry_number" in tags or tags.get(f"{_TAG}will_retry") == "true"
    return instance.run_retries_max_retries + 1 if is_retried else 0


def _number(tags: Mapping[str, str], name: str) -> int | None:
    """Return the number in a tag, which anyone may have written."""
    text = tags.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True)
class LastSuccesses:
    """When jobs and assets last succeeded, each queried once.

    For the runs that one pass reads: a query takes some 30 ms with Postgres, and in a storm most
    failures come from a few jobs.

    Attributes:
        instance: the Dagster instance.
    """

    instance: dg.DagsterInstance
    _known: dict[Hashable, float | None] = field(default_factory=dict)

    def of(self, run: dg.DagsterRun) -> float | None:
        """Return when the job of ``run`` last succeeded, or its assets if the job is Dagster's own.

        Of several assets, the one that was made longest ago counts.
        """
        # a job in another location may have the same name
        repository = run.tags.get(_REPOSITORY_TAG, "")
        key = (run.job_name, repository, frozenset(run.asset_selection or ()))
        if key not in self._known:
            is_of_assets = is_internal(run.job_name)
            ask = self._assets_made_at if is_of_assets else self._job_succeeded_at
            self._known[key] = ask(run)
        return self._known[key]

    def _assets_made_at(self, run: dg.DagsterRun) -> float | None:
        keys = sorted(run.asset_selection or (), key=str)[:_ASSETS_LOOKED_AT]
        made = [self.instance.get_latest_materialization_event(key) for key in keys]
        return min((entry.timestamp for entry in made if entry), default=None)

    def _job_succeeded_at(self, run: dg.DagsterRun) -> float | None:
        same = {name: value for name, value in run.tags.items() if name == _REPOSITORY_TAG}
        found = self.instance.get_run_records(
            dg.RunsFilter(job_name=run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS], tags=same),
            limit=1,
        )
        return found[0].end_time if found else None
