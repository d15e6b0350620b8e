"""The partition of a step, as options of dbt."""

import json
from datetime import UTC, datetime

import dagster as dg


def partition_arguments(context: dg.AssetExecutionContext) -> list[str]:
    """Return the options of ``dbt build`` that say which partitions the step is of.

    Partitions by time are event times in UTC, which microbatch models take. Others are the list
    ``partition_keys`` among the variables, because dbt has no options for them.
    """
    definitions = {spec.partitions_def for spec in context.assets_def.specs} - {None}
    # a run has a partition for other steps too
    if not definitions or not (context.has_partition_key or context.has_partition_key_range):
        return []
    if all(isinstance(one, dg.TimeWindowPartitionsDefinition) for one in definitions):
        window = context.partition_time_window
        return [
            *("--event-time-start", _event_time(window.start)),
            *("--event-time-end", _event_time(window.end)),
        ]
    return ["--vars", json.dumps({"partition_keys": [str(key) for key in context.partition_keys]})]


def _event_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
