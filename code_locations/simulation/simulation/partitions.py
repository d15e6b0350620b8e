"""The partitions of the simulation: its years."""

import dagster as dg


def years_of(context: dg.AssetExecutionContext) -> range:
    """The years of the run's partition or range of partitions."""
    keys = context.partition_key_range
    return range(int(keys.start), int(keys.end) + 1)
