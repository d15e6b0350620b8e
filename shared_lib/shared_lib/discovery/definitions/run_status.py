"""Sensors of runs: a job that starts when a run of another one reaches a status."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from shared_lib.discovery.configuration import jobs as configured
from shared_lib.discovery.definitions.event_partitions import partition_of_run
from shared_lib.discovery.definitions.jobs import BuiltJob, partitions_at

Known = Sequence[dg.PartitionsDefinition | None] | None
"""The partitions of a job, or that it has none; None until a tick can ask Dagster."""


class UnknownJobError(ValueError):
    """A run_status sensor names a job whose definition is elsewhere, and Dagster needs it."""


def run_status_sensor(
    entry: configured.RunStatusSensor,
    jobs: Mapping[str, BuiltJob],
    known: Known,
    common: Mapping[str, Any],
) -> dg.SensorDefinition:
    """Return the sensor of an entry.

    Args:
        entry: the entry.
        jobs: the jobs by name.
        known: the partitions of its job.
        common: the arguments that all sensors have.

    Raises:
        UnknownJobError: its job is none of ``jobs``.
    """
    names = entry.monitored_jobs or []
    try:
        requested = jobs[entry.job]
    except KeyError:
        text = f"{entry.job} must be a job of the same component as its run_status sensor"
        raise UnknownJobError(text) from None
    try:
        watched = [jobs[name] for name in names] or None
    except KeyError:
        watched = None  # Dagster passes the runs of all jobs

    def react(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        if run.job_name == entry.job:
            yield dg.SkipReason(f"run {run.run_id} is a run of {entry.job} itself")
        elif names and run.job_name not in names:
            yield dg.SkipReason(f"run {run.run_id} is a run of {run.job_name}")
        elif (known or [partitions_at(context, entry.job)])[0] is None:
            yield dg.RunRequest(run_key=run.run_id)
        else:
            partition = partition_of_run(run)
            if partition is None:
                text = f"run {run.run_id} has no partition, and {entry.job} needs one"
                yield dg.SkipReason(text)
            else:
                yield dg.RunRequest(run_key=run.run_id, **partition)

    return dg.run_status_sensor(
        run_status=dg.DagsterRunStatus[entry.status],
        monitored_jobs=watched,
        request_job=requested,
        **common,
    )(react)
