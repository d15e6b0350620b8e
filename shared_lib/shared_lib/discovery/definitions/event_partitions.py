"""The partitions of the runs that sensors request, from files, events and other runs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.discovery.configuration.jobs import AssetSensor
from shared_lib.discovery.definitions.jobs import BuiltJob
from shared_lib.discovery.definitions.templates import filled
from shared_lib.discovery.elsewhere import parts_of

PartitionsOfJob = Callable[[str], dg.PartitionsDefinition | None]

# The number of events of an asset that one tick reads; the next tick continues with the rest.
_EVENTS_OF_A_TICK = 100

# Where Dagster records the partition of a run, or the range of partitions.
_PARTITION_TAG = "dagster/partition"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass(frozen=True)
class KeyOfFile:
    """The partition of a file, if there is such a partition yet.

    Attributes:
        key: the key; None if the partitions have no such key.
        added: the request that adds the key, for dynamic partitions.
    """

    key: str | None
    added: Any = None


def key_of_file(
    template: str | Mapping[str, str],
    values: Mapping[str, str],
    partitions: dg.PartitionsDefinition,
    instance: dg.DagsterInstance,
) -> KeyOfFile:
    """Return the partition that a template names for a file.

    Args:
        template: a text, or a text for each dimension.
        values: what the file's name has for the template.
        partitions: the partitions of the job.
        instance: keeps dynamic partitions.
    """
    found = filled(template, values)
    key = dg.MultiPartitionKey(found) if isinstance(found, dict) else found
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return KeyOfFile(key, partitions.build_add_request([key]))
    known = partitions.get_partition_keys(dynamic_partitions_store=instance)
    return KeyOfFile(key if key in known else None)


def assets_of_other_partitions(
    location: Location, sensor: AssetSensor, partitions: dg.PartitionsDefinition, graph: Any
) -> Iterator[Problem]:
    """Yield the watched assets whose partitions a partitioned job cannot run for.

    Args:
        location: where the sensor's assets are.
        sensor: the sensor.
        partitions: the partitions of its job.
        graph: the graph of all assets.
    """
    for position, asset in enumerate(sensor.assets):
        key = dg.AssetKey.from_user_string(asset)
        if graph.has(key) and graph.get(key).partitions_def != partitions:
            text = f"{asset} has not the partitions of the job {sensor.job}"
            yield Problem((*location, position), text)


def watched_keys(sensor: AssetSensor) -> list[dg.AssetKey]:
    """Return the keys of the assets, of whichever location."""
    return [dg.AssetKey.from_user_string(parts_of(name)[1]) for name in sensor.assets]


def new_partitions(entry: AssetSensor, partitions: dg.PartitionsDefinition) -> Any:
    """Return a sensor's evaluation: a run for each partition that was materialised anew.

    Its cursor has the last event that was read of each asset, and for each partition that still
    waits for other assets those that it has.
    """
    keys = watched_keys(entry)
    needed = 1 if entry.require == "any" else len(set(keys))

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        cursor = json.loads(context.cursor) if context.cursor else {}
        seen: dict[str, int] = cursor.get("seen", {})
        waiting: dict[str, dict[str, Any]] = cursor.get("waiting", {})
        # an asset of another location may have other partitions
        known = partitions.get_partition_keys(dynamic_partitions_store=context.instance)
        made_here = set(known)
        for key in keys:
            name = key.to_user_string()
            for record in _new_records(context.instance, key, seen.get(name)):
                seen[name] = record.storage_id
                if record.partition_key is not None and record.partition_key in made_here:
                    event = {"id": record.storage_id, "run_id": record.run_id}
                    waiting.setdefault(record.partition_key, {})[name] = event
        due = [partition for partition, events in waiting.items() if len(events) >= needed]
        requests = [_request(entry, partitions, one, waiting.pop(one)) for one in due]
        remembered = json.dumps({"seen": seen, "waiting": waiting}, sort_keys=True)
        message = f"no new partition of {entry.require} of {', '.join(entry.assets)}"
        return dg.SensorResult(
            run_requests=requests, cursor=remembered, skip_reason=None if requests else message
        )

    return evaluate


def _new_records(
    instance: dg.DagsterInstance, key: dg.AssetKey, last: int | None
) -> Sequence[dg.EventLogRecord]:
    wanted = dg.AssetRecordsFilter(asset_key=key, after_storage_id=last)
    return instance.fetch_materializations(wanted, limit=_EVENTS_OF_A_TICK, ascending=True).records


def _request(
    entry: AssetSensor,
    partitions: dg.PartitionsDefinition,
    partition: str,
    events: Mapping[str, Mapping[str, Any]],
) -> dg.RunRequest:
    asset, newest = max(events.items(), key=lambda event: event[1]["id"])
    values = {"asset": asset, "partition": partition, "run_id": newest["run_id"]}
    key = partition
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        key = partitions.get_partition_key_from_str(partition)
    return dg.RunRequest(
        run_key=f"{partition}@{newest['id']}",
        partition_key=key,
        run_config=filled(entry.config, values),
    )


def partition_of_run(run: dg.DagsterRun) -> dict[str, Any] | None:
    """Return a run's partition or range, as arguments of a run request; None without any."""
    first, last = (run.tags.get(tag) for tag in _RANGE_TAGS)
    if first is not None and last is not None:
        return {"tags": dict(zip(_RANGE_TAGS, (first, last), strict=True))}
    key = run.tags.get(_PARTITION_TAG)
    return None if key is None else {"partition_key": key}


def unknown_partition(
    run: dg.DagsterRun, partitions: dg.PartitionsDefinition, instance: dg.DagsterInstance
) -> str | None:
    """Return the partition of a run, or an end of its range, that ``partitions`` does not have."""
    known = set(partitions.get_partition_keys(dynamic_partitions_store=instance))
    named = [run.tags.get(tag) for tag in (*_RANGE_TAGS, _PARTITION_TAG)]
    return next((key for key in named if key is not None and key not in known), None)


def partitions_of_job(
    jobs: Mapping[str, BuiltJob], bare: dg.Definitions, name: str
) -> dg.PartitionsDefinition | None:
    """Return the partitions of a job: its own, or those that its assets share."""
    job = jobs[name]
    if job.partitions_def is not None or isinstance(job, dg.JobDefinition):
        return job.partitions_def
    graph = bare.resolve_asset_graph()
    found = {graph.get(key).partitions_def for key in job.selection.resolve(graph)} - {None}
    return found.pop() if len(found) == 1 else None
