"""The section ``workforce``: how many leave, and who first."""

from typing import Literal

from pydantic import Field, model_validator

from simulation.config.fields import (
    BY_JOB_FAMILY,
    Factor,
    MonthDay,
    Name,
    Share,
    Strict,
    TerminationRate,
    Year,
)


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
    leaving_by_department: dict[Name, Factor] = Field(
        default={},
        description=(
            "Factor of the chance to leave of a department, by its name in the census; a "
            "department that is not named has 1. As with the hazards in the seeds, only ratios "
            "count: how many leave is the rate above."
        ),
    )
    leaving_by_job_family: dict[Name, Factor | dict[Name, Factor]] = Field(
        default={},
        description=(
            f"The same for a job family, by its name in the census: {BY_JOB_FAMILY}. It multiplies "
            "the factor of the department; a family that is not named has 1."
        ),
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
    reduction_job_families: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description=(
            "Job families that they come from first, in this order: within the department where "
            "departments have an order too."
        ),
    )
    known_events: str | None = Field(
        default=None,
        description=(
            "CSV file of known joiners, rehires, leavers, absences, transfers and open positions, "
            "relative to where the run starts; none: only the leavers of the census are known."
        ),
    )

    @model_validator(mode="after")
    def _ages_ascend(self) -> "Workforce":
        ages = [step.age for step in self.retirement]
        if ages != sorted(set(ages)):
            message = f"retirement has the ages {ages}, allowed are ages in ascending order"
            raise ValueError(message)
        return self
