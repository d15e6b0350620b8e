"""The partitions of the simulation: its years."""

import dagster as dg

from simulation.config.settings import FIRST_YEAR, LAST_YEAR

SIMULATION_YEARS = dg.StaticPartitionsDefinition(
    [str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
)

# A year starts from the end of the one before, so a range of years is one run, in order.
IN_ONE_RUN = dg.BackfillPolicy.single_run()


def years_of(context: dg.AssetExecutionContext) -> range:
    """The years of the run's partition or range of partitions."""
    keys = context.partition_key_range
    return range(int(keys.start), int(keys.end) + 1)
