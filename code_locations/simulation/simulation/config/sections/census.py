"""The section ``census``: where the workforce at the start comes from."""

from datetime import date
from typing import Literal

from pydantic import Field

from simulation.census.columns.mapping import CensusMapping
from simulation.config.fields import (
    LARGEST_CENSUS,
    Share,
    Strict,
)

# the name `date` is that of the field
CensusDate = date


class Census(Strict):
    """Where the workforce at the start comes from."""

    date: CensusDate | None = Field(
        default=None,
        description=(
            "Day on which the employees of the file are counted: in the year before the first "
            "simulated one; none: its last."
        ),
    )
    path: str | None = Field(
        default=None,
        description=(
            "CSV, Parquet or workbook file, relative to where the run starts; none: generated."
        ),
    )
    mapping: str | None = Field(
        default=None,
        description=(
            "Name of the mapping to read it with, or a YAML file with one; none: the one that fits "
            "its columns, else what `.venv/bin/python -m simulation.census inspect` proposes."
        ),
    )
    mappings: dict[str, CensusMapping] = Field(
        default={}, description="How the columns of known exports are named."
    )
    second_positions: Literal["sum", "main"] = Field(
        default="sum",
        description=(
            "Of a person with several positions, whether their pay is added up or that of the best "
            "paid one counts."
        ),
    )
    maximum_reject_share: Share = Field(
        description="A run stops when a larger share of the census rows is rejected."
    )
    generated_size: int = Field(
        ge=1, le=LARGEST_CENSUS, description="Employees in a generated census."
    )
    generated_seed: int = Field(ge=0, le=2**31, description="Seed of a generated census.")
