"""The section ``limits``: what a run is held against."""

from pydantic import Field

from simulation.config.fields import (
    Share,
    Strict,
)


class Limits(Strict):
    """What a run is held against."""

    growth_tolerance: float = Field(
        ge=0,
        le=1,
        description="Allowed distance of a year's growth from its target, beyond rounding.",
    )
    outside_band_share: Share = Field(
        description="Share of the employees who may be paid outside their level's band."
    )
    run_seconds: float = Field(
        gt=0, description="Service level: seconds that the dbt part of a run may take."
    )
    minimum_rows_per_second: float = Field(
        ge=0, description="Service level: employee-years that a run computes in a second."
    )
