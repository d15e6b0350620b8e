"""The jobs of the simulation."""

import dagster as dg

from simulation.partitions import SIMULATION_YEARS

_ALL_BUT_REPORT = dg.AssetSelection.all() - dg.AssetSelection.assets("simulation_report")

single_year_simulation_job = dg.define_asset_job(
    "single_year_simulation",
    selection=_ALL_BUT_REPORT,
    partitions_def=SIMULATION_YEARS,
    description="One year, from the end of the year before.",
)

multi_year_simulation_job = dg.define_asset_job(
    "multi_year_simulation",
    selection=dg.AssetSelection.all(),
    partitions_def=SIMULATION_YEARS,
    description="A range of years in one run, in order, with the report.",
)

JOBS = [single_year_simulation_job, multi_year_simulation_job]
