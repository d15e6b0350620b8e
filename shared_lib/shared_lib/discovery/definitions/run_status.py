"""Sensors of runs: a job that starts when a run of another one reaches a status."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from shared_lib.discovery.configuration import jobs as configured
from shared_lib.discovery.definitions.event_partitions import partition_of_run, unknown_partition
from shared_lib.discovery.definitions.jobs import BuiltJob, partitions_at
from shared_lib.discovery.elsewhere import parts_of

Known = Sequence[dg.PartitionsDefinition | None] | None
"""The partitions of a job, or that it has none; None until a tick can ask Dagster."""


# The name that Dagster gives the repository of a location's definitions.
_REPOSITORY = "__repository__"


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
        UnknownJobError: ``jobs`` does not have its job.
    """
    places = [parts_of(name) for name in entry.monitored_jobs or []]
    names = [name for location, name in places if location is None]
    elsewhere = {(location, name) for location, name in places if location is not None}
    try:
        requested = jobs[entry.job]
    except KeyError:
        text = f"{entry.job} must be a job of the same component as its run_status sensor"
        raise UnknownJobError(text) from None
    others = [dg.JobSelector(location, _REPOSITORY, name) for location, name in elsewhere]
    try:
        watched = [*(jobs[name] for name in names), *others] or None
    except KeyError as missing:
        if others:
            text = f"{missing.args[0]} must be a job of the same component, beside other locations"
            raise UnknownJobError(text) from None
        watched = None  # Dagster passes the runs of all jobs

    def react(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        origin = run.remote_job_origin
        is_other = origin is not None and (origin.location_name, run.job_name) in elsewhere
        if not is_other and run.job_name == entry.job:
            yield dg.SkipReason(f"run {run.run_id} is a run of {entry.job} itself")
        elif not is_other and names and run.job_name not in names:
            yield dg.SkipReason(f"run {run.run_id} is a run of {run.job_name}")
        else:
            yield _request(context, entry.job, (known or [partitions_at(context, entry.job)])[0])

    return dg.run_status_sensor(
        run_status=dg.DagsterRunStatus[entry.status],
        monitored_jobs=watched,
        request_job=requested,
        **common,
    )(react)


def _request(
    context: dg.RunStatusSensorContext, job: str, partitions: dg.PartitionsDefinition | None
) -> dg.RunRequest | dg.SkipReason:
    run = context.dagster_run
    if partitions is None:
        return dg.RunRequest(run_key=run.run_id)
    partition = partition_of_run(run)
    if partition is None:
        return dg.SkipReason(f"run {run.run_id} has no partition, and {job} needs one")
    unknown = unknown_partition(run, partitions, context.instance)
    if unknown is not None:
        return dg.SkipReason(f"run {run.run_id}: {job} has no partition {unknown!r}")
    return dg.RunRequest(run_key=run.run_id, **partition)
