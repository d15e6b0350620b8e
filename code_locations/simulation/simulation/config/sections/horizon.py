"""The section ``simulation``: which years are simulated, and how the workforce is to grow."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from simulation.config.fields import (
    FIRST_YEAR,
    LAST_YEAR,
    Growth,
    MonthDay,
    Name,
    Strict,
    Year,
    in_millionths,
)
from simulation.year_names import CALENDAR_YEAR, YearNames


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
        ge=0, le=2**63 - 1, description="Another seed leads to another, equally likely, outcome."
    )
    target_growth_rate: Growth | dict[Year, Growth] = Field(
        description=(
            "Growth of the headcount from the end of one year to that of the next, as a share of "
            "it: one number for all years, or a mapping of each year to its own."
        )
    )
    growth_by_department: dict[Name, Growth | dict[Year, Growth]] = Field(
        default={},
        description=(
            "The same for single departments, by their name in the census, which end each year "
            "at a target of their own. Those that are not named share what is left of the "
            "target of all; where every department is named, the target of all is their sum."
        ),
    )
    growth_by_job_family: dict[Name, Growth | dict[Year, Growth]] = Field(
        default={},
        description=(
            "The same for single job families; a scenario has one of both. Who is in no family "
            "is among those that are not named."
        ),
    )

    @model_validator(mode="after")
    def _years_in_order(self) -> "Horizon":
        if self.end_year < self.start_year:
            message = (
                f"end_year {self.end_year} is before start_year {self.start_year}, "
                f"allowed is a year from {self.start_year} to {LAST_YEAR}"
            )
            raise ValueError(message)
        require_each_year(self, "target_growth_rate", self.target_growth_rate)
        if self.growth_by_department and self.growth_by_job_family:
            message = (
                "growth_by_job_family and growth_by_department are both given, allowed is one of "
                "them: an employee counts for one target"
            )
            raise ValueError(message)
        for unit, rates in self.growth_by_unit.items():
            require_each_year(self, f"growth_by_{self.growing_units}.{unit}", rates)
        for year in self.years:
            for rates in (self.target_growth_rate, *self.growth_by_unit.values()):
                in_millionths(rate_in(rates, year))
        return self

    @property
    def growing_units(self) -> Literal["department", "job_family"]:
        """Return what may have a growth of its own, as the column of the workforce is named."""
        return "job_family" if self.growth_by_job_family else "department"

    @property
    def growth_by_unit(self) -> Mapping[str, float | dict[int, float]]:
        """Return the growth of each department, or of each job family, that has its own."""
        return self.growth_by_job_family or self.growth_by_department

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


def require_each_year(horizon: Horizon, field: str, rates: float | Mapping[int, float]) -> None:
    """Raise ``ValueError`` if ``rates`` differ by year and leave a year of the horizon out."""
    for year in horizon.years:
        if isinstance(rates, Mapping) and year not in rates:
            message = (
                f"{field} has no rate for {year}, required is one for each "
                f"year from {horizon.start_year} to {horizon.end_year}"
            )
            raise ValueError(message)
