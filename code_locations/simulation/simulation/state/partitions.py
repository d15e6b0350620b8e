"""The partitions of the simulation: its years."""

import dagster as dg

from simulation.state.runs import YearRefusedError


def years_of(context: dg.AssetExecutionContext) -> range:
    """Return the years of the run's partition or range of partitions.

    Raises:
        YearRefusedError: the run was launched without partitions.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        message = (
            "the run has no years: launch it again and choose a partition, for example 2025, or a "
            "range of them, for example 2025...2029"
        )
        raise YearRefusedError(message)
    keys = context.partition_key_range
    return range(int(keys.start), int(keys.end) + 1)
