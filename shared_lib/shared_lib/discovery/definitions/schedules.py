"""Build schedules from the configuration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.jobs import Schedule
from shared_lib.discovery.definitions.jobs import BuiltJob, partitions_at, target_of

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# The tag where Dagster records the partition of a run.
_PARTITION_TAG = "dagster/partition"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")

# Where Dagster records that it retries a failed run by itself, and by which run.
_WILL_RETRY_TAG, _RETRIED_BY_TAG = "dagster/will_retry", "dagster/auto_retry_run_id"

PartitionsOfJob = Callable[[str], dg.PartitionsDefinition | None]


def build_schedules(
    entries: Mapping[str, Schedule],
    *,
    jobs: Mapping[str, BuiltJob],
    partitions_of: PartitionsOfJob | None,
) -> tuple[list[dg.ScheduleDefinition], list[Problem]]:
    """Return the schedules, and the problems that Dagster finds in the entries.

    Args:
        entries: the schedules by name.
        jobs: the jobs by name; others that the entries name are only stand-ins.
        partitions_of: returns the partitions of the job with a name, or None without any. Without
            the function the jobs may be elsewhere in the project, and each tick asks Dagster.
    """
    built: list[dg.ScheduleDefinition] = []
    problems: list[Problem] = []
    for name, entry in entries.items():
        partitions = partitions_of(entry.job) if partitions_of else None
        text = _misfit(entry, partitions) if partitions_of and entry.job in jobs else None
        if text is not None:
            problems.append(Problem(("schedules", name, "partitions"), text))
            if partitions is None:
                continue
        try:
            known = [partitions] if partitions_of else None
            built.append(_build(name, entry, target_of(entry.job, jobs), known))
        except dg.DagsterInvalidDefinitionError as error:
            field = "timezone" if "timezone" in str(error).lower() else "cron"
            text = f"{getattr(entry, field)!r} is not allowed: {' '.join(str(error).split())}"
            problems.append(Problem(("schedules", name, field), text))
    return built, problems


def _misfit(entry: Schedule, partitions: dg.PartitionsDefinition | None) -> str | None:
    """Return how an entry does not fit the partitions of its job."""
    if entry.partitions is not None and partitions is None:
        return f"{entry.partitions} is not allowed, the job {entry.job} has no partitions"
    if entry.partitions is None and partitions is not None:
        return f"missing, the job {entry.job} has partitions, allowed is latest or all_new"
    return None


def _build(
    name: str,
    entry: Schedule,
    target: Mapping[str, Any],
    known: Sequence[dg.PartitionsDefinition | None] | None,
) -> dg.ScheduleDefinition:
    def evaluate(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        going_on = (
            _unfinished_run(context.instance, entry.job) if entry.skip_while_running else None
        )
        if going_on is not None:
            yield dg.SkipReason(f"run {going_on} of {entry.job} has not ended")
            return
        tags = {key: str(value) for key, value in entry.tags.items()}
        [partitions] = known or [partitions_at(context, entry.job)]
        if known is None and (text := _misfit(entry, partitions)):
            raise dg.DagsterInvalidDefinitionError(f"partitions: {text}")
        if partitions is None:
            yield dg.RunRequest(run_config=entry.config, tags=tags)
            return
        keys = _keys(context, entry, partitions)
        if not keys:
            yield dg.SkipReason(f"{entry.job} has no {entry.partitions} partition to run")
        for key in keys:
            yield dg.RunRequest(run_key=key, partition_key=key, run_config=entry.config, tags=tags)

    return dg.ScheduleDefinition(
        name=name,
        cron_schedule=entry.cron,
        execution_timezone=entry.timezone,
        **target,
        execution_fn=evaluate,
        description=entry.description,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if entry.enabled else dg.DefaultScheduleStatus.STOPPED
        ),
    )


def _unfinished_run(instance: dg.DagsterInstance, job: str) -> str | None:
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1)
    return runs[0].run_id if runs else None


def _keys(
    context: dg.ScheduleEvaluationContext, entry: Schedule, partitions: dg.PartitionsDefinition
) -> list[str]:
    moment: dict[str, Any] = {"current_time": context.scheduled_execution_time}
    keys = list(partitions.get_partition_keys(dynamic_partitions_store=context.instance, **moment))
    if entry.partitions == "latest":
        return keys[-1:]
    runs = context.instance.get_runs(dg.RunsFilter(job_name=entry.job))
    ran = {key for run in runs if not _leaves_its_partition_open(run) for key in _ran(run, keys)}
    return [key for key in keys if key not in ran]


def _leaves_its_partition_open(run: dg.DagsterRun) -> bool:
    """Return whether the run failed, and Dagster is not about to retry it by itself."""
    is_retried = run.tags.get(_WILL_RETRY_TAG) == "true" and _RETRIED_BY_TAG not in run.tags
    return run.status is dg.DagsterRunStatus.FAILURE and not is_retried


def _ran(run: dg.DagsterRun, keys: Sequence[str]) -> Sequence[str]:
    """Return the partitions that a run is of: one, or a range of ``keys``."""
    first, last = (run.tags.get(tag) for tag in _RANGE_TAGS)
    if first in keys and last in keys:
        return keys[keys.index(first) : keys.index(last) + 1]
    return [key for key in [run.tags.get(_PARTITION_TAG)] if key is not None]
