"""The fields of ``simulation_config.yaml``, each with its unit and its range."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from simulation.census.columns.mapping import CensusMapping
from simulation.config.fields import (
    FIRST_YEAR,
    LARGEST_CENSUS,
    LAST_YEAR,
    MILLIONTHS,
    Growth,
    Level,
    MonthDay,
    RaiseRate,
    Share,
    Strict,
    TerminationRate,
    Year,
    in_millionths,
)
from simulation.config.tables import Tables
from simulation.year_names import CALENDAR_YEAR, YearNames

# the name `date` is that of the field
CensusDate = date


def rate_in(rates: float | Mapping[int, float], year: int) -> float:
    """Return the rate of ``year``: the one of all years, or the year's own."""
    return rates[year] if isinstance(rates, Mapping) else rates


class Horizon(Strict):
    """Which years are simulated, and how the workforce is to grow."""

    start_year: int = Field(
        ge=FIRST_YEAR,
        le=LAST_YEAR,
        description="First simulated year. The census is the state on the day before it.",
    )
    end_year: int = Field(
        ge=FIRST_YEAR, le=LAST_YEAR, description="Last simulated year, itself included."
    )
    first_day: MonthDay = Field(
        default=CALENDAR_YEAR,
        description=(
            "Month and day on which each year begins. A year has the number of the calendar year "
            "in which it ends: with 07-01, 2026 is 1 July 2025 to 30 June 2026."
        ),
    )
    random_seed: int = Field(
        ge=0, le=2**63 - 1, description="Another seed gives another, equally likely, outcome."
    )
    target_growth_rate: Growth | dict[Year, Growth] = Field(
        description=(
            "Growth of the headcount from the end of one year to that of the next, as a share of "
            "it: one number for all years, or a mapping of each year to its own."
        )
    )

    @model_validator(mode="after")
    def _years_in_order(self) -> "Horizon":
        if self.end_year < self.start_year:
            message = (
                f"end_year {self.end_year} is before start_year {self.start_year}, "
                f"allowed is a year from {self.start_year} to {LAST_YEAR}"
            )
            raise ValueError(message)
        _require_each_year(self, "target_growth_rate", self.target_growth_rate)
        for year in self.years:
            in_millionths(self.growth_in(year))
        return self

    @property
    def years(self) -> range:
        """Return the simulated years."""
        return range(self.start_year, self.end_year + 1)

    @property
    def names(self) -> YearNames:
        """Return how the years are named."""
        return YearNames(self.first_day)

    def first_day_of(self, year: int) -> date:
        """Return the day on which ``year`` begins."""
        return self.names.first_day_of(year)

    def last_day_of(self, year: int) -> date:
        """Return the day on which ``year`` ends."""
        return self.names.last_day_of(year)

    def day_in(self, year: int, month_day: str) -> date:
        """Return the day of ``year`` with this month and day."""
        begins_before = self.first_day != CALENDAR_YEAR and month_day >= self.first_day
        return date.fromisoformat(f"{year - begins_before}-{month_day}")

    def growth_in(self, year: int) -> float:
        """Return the target growth rate of ``year``, as a share."""
        return rate_in(self.target_growth_rate, year)


def _require_each_year(horizon: Horizon, field: str, rates: float | Mapping[int, float]) -> None:
    for year in horizon.years:
        if isinstance(rates, Mapping) and year not in rates:
            message = (
                f"{field} has no rate for {year}, required is one for each "
                f"year from {horizon.start_year} to {horizon.end_year}"
            )
            raise ValueError(message)


class Retirement(Strict):
    """From which age on how many retire in a year."""

    age: int = Field(ge=16, le=120, description="Age in years the day before the year, or older.")
    probability: Share = Field(description="Chance to retire in a year, up to the next such age.")


class Workforce(Strict):
    """How many leave."""

    experienced_termination_rate: TerminationRate | dict[Year, TerminationRate] = Field(
        description=(
            "Share of those employed at the start of a year who leave in it, retirements included; "
            "reductions in force and hires who leave again come on top. One number for all years, "
            "or a mapping of each year to its own."
        )
    )
    new_hire_termination_rate: TerminationRate | dict[Year, TerminationRate] = Field(
        description=(
            "Share of a year's hires who leave again in the same year: one number for all years, "
            "or a mapping of each year to its own."
        )
    )
    minimum_days_before_leaving: int = Field(
        ge=0, le=330, description="Days between a new hire's first day and the earliest last day."
    )
    retirement: tuple[Retirement, ...] = Field(
        default=(),
        strict=False,  # a list becomes a tuple
        description="Chances to retire, by age in ascending order; empty: nobody retires.",
    )
    reduction_date: MonthDay = Field(
        description="Last day of those who leave by a reduction in force, month and day."
    )
    reduction_order: Literal["least_tenure", "lowest_level", "hazard"] = Field(
        description=(
            "Who leaves first by a reduction in force: the last hired, the lowest levels, or those "
            "likeliest to leave. Ties are broken by the order of the likeliest."
        )
    )
    reduction_departments: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="Departments that reductions in force come from first, in this order.",
    )

    @model_validator(mode="after")
    def _ages_ascend(self) -> "Workforce":
        ages = [step.age for step in self.retirement]
        if ages != sorted(set(ages)):
            message = f"retirement has the ages {ages}, allowed are ages in ascending order"
            raise ValueError(message)
        return self


class LevelShare(Strict):
    """One level's share of the hires."""

    level: Level = Field(description="Job level, as in the seed job_levels.")
    share: Share = Field(description="Share of all hires.")


class Hiring(Strict):
    """Who is hired, and for how much."""

    pay_percentile: Share = Field(
        description=(
            "Where in the level's pay band hires start on average, where the census has too few "
            "recent joiners to draw their pay from: 0 its bottom, 1 its top."
        )
    )
    pay_percentile_by_level: dict[Level, Share] = Field(
        default={}, description="The same for single levels, by level."
    )
    pay_spread: Share = Field(
        description="Pay is uniform within this distance of the percentile, cut at the band's ends."
    )
    recent_joiner_years: int = Field(
        ge=1,
        le=50,
        description="Employees who joined in so many years before the start are recent joiners.",
    )
    minimum_recent_joiners: int = Field(
        ge=1,
        description=(
            "So many recent joiners are enough to draw departments, levels and, of one level and "
            "department or of one level, the pay of hires from. With fewer, departments and levels "
            "are those of the whole census, and pay is within the band."
        ),
    )
    level_mix: tuple[LevelShare, ...] = Field(
        default=(),
        strict=False,  # a list becomes a tuple
        description="Share of each level among hires; empty: the mix of the workforce.",
    )

    @model_validator(mode="after")
    def _whole(self) -> "Hiring":
        total = sum(round(entry.share * MILLIONTHS) for entry in self.level_mix)
        if self.level_mix and total != MILLIONTHS:
            message = f"the shares of level_mix add up to {total / MILLIONTHS}, allowed is 1"
            raise ValueError(message)
        levels = [entry.level for entry in self.level_mix]
        if len(set(levels)) != len(levels):
            message = f"level_mix names a level twice: {sorted(levels)}, allowed is each once"
            raise ValueError(message)
        return self


class Compensation(Strict):
    """Raises and what a promotion brings."""

    cola_rate: RaiseRate | dict[Year, RaiseRate] = Field(
        description=(
            "Cost-of-living part of a raise, a share: one number for all years, or a mapping of "
            "each year to its own."
        )
    )
    cola_minimum_tenure: int = Field(
        ge=0, le=50, description="Completed years on the raise date that the cost of living takes."
    )
    merit_budget: RaiseRate | dict[Year, RaiseRate] = Field(
        description=(
            "Payroll-weighted mean of the merit raises, as a share of pay: one number for all "
            "years, or a mapping of each year to its own."
        )
    )
    band_growth: RaiseRate | dict[Year, RaiseRate] | None = Field(
        default=None,
        description=(
            "By how much pay bands and the pay of hires rise at the raise date, a share; none: as "
            "the cost of living."
        ),
    )
    raise_date: MonthDay = Field(description="Month and day of the raises.")
    raise_minimum_tenure: int = Field(
        ge=0,
        le=50,
        description="Completed years on the raise date that a merit raise takes.",
    )
    promotion_date: MonthDay = Field(description="Month and day of the promotions.")
    promotion_rate: Share | dict[Year, Share] = Field(
        description=(
            "Chance of a promotion in a year where all multipliers of the seeds are 1: one number "
            "for all years, or a mapping of each year to its own."
        )
    )
    promotion_minimum_tenure: int = Field(
        ge=0,
        le=50,
        description="Completed years, on the day before the year, that a promotion takes.",
    )
    promotion_age_limit: int = Field(
        ge=16,
        le=120,
        description="Nobody of this age in years the day before the year, or older, is promoted.",
    )
    promotion_increase: float = Field(
        ge=0, le=1, description="Mean pay increase of a promotion, as a share."
    )
    promotion_increase_spread: float = Field(
        ge=0, le=0.5, description="The increase is uniform within this distance of its mean."
    )
    promotion_increase_cap: float = Field(
        ge=0,
        le=2,
        description=(
            "No promotion increases pay by more than this share, unless the new level starts "
            "higher."
        ),
    )


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


class ScenarioSettings(Strict):
    """One scenario, complete."""

    simulation: Horizon = Field(description="Years and growth.")
    workforce: Workforce = Field(description="How many leave.")
    hiring: Hiring = Field(description="Who is hired, and for how much.")
    compensation: Compensation = Field(description="Promotions and raises.")
    census: Census = Field(description="The workforce at the start.")
    limits: Limits = Field(description="What a run is held against.")
    tables: Tables = Field(
        default_factory=Tables, description="Tables that replace seeds of the same name."
    )

    @field_validator("compensation")
    @classmethod
    def _promotions_before_raises(cls, pay: Compensation, info: ValidationInfo) -> Compensation:
        horizon: Horizon | None = info.data.get("simulation")
        if horizon is None:
            return pay  # has mistakes of its own
        year = horizon.start_year
        if horizon.day_in(year, pay.promotion_date) > horizon.day_in(year, pay.raise_date):
            message = (
                f"promotion_date {pay.promotion_date} is after raise_date {pay.raise_date}, "
                "allowed is the same day or one before: raises follow promotions"
            )
            raise ValueError(message)
        return pay

    @field_validator("census")
    @classmethod
    def _in_the_year_before(cls, census: Census, info: ValidationInfo) -> Census:
        horizon: Horizon | None = info.data.get("simulation")
        if horizon is None or census.date is None:
            return census
        year = horizon.start_year - 1
        first, last = horizon.first_day_of(year), horizon.last_day_of(year)
        if not first <= census.date <= last:
            message = f"date {census.date} is not allowed, allowed is a day from {first} to {last}"
            raise ValueError(message)
        return census

    @property
    def opening_date(self) -> date:
        """Return the day of the census, by default the last before the first year."""
        return self.census.date or self.day_before_start

    @property
    def day_before_start(self) -> date:
        """Return the day before the first year."""
        return self.simulation.last_day_of(self.simulation.start_year - 1)

    @model_validator(mode="after")
    def _each_year_has_its_rates(self) -> "ScenarioSettings":
        for field, rates in _yearly(self.workforce, self.compensation):
            _require_each_year(self.simulation, field, rates)
        return self


def _yearly(*sections: BaseModel) -> Iterator[tuple[str, Mapping[int, float]]]:
    """Yield the fields that have a rate for each year."""
    for section in sections:
        for field, value in section:
            if isinstance(value, Mapping):
                yield field, value


class SimulationSettings(ScenarioSettings):
    """The file: the settings of every scenario, and how each scenario departs from them."""

    scenarios: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], dict] = Field(
        description="Scenario names, each with the settings that it changes."
    )
