"""The section ``compensation``: raises, and what a promotion brings."""

from pydantic import Field

from simulation.config.fields import (
    BY_JOB_FAMILY,
    MonthDay,
    Name,
    Points,
    RaiseRate,
    Share,
    Strict,
    Year,
)


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
    cola_by_department: dict[Name, Points] = Field(
        default={},
        description=(
            "What is added to cola_rate in a department, by its name in the census, as a share: "
            "with 0.01, 0.02 become 0.03. Below 0 in all counts as 0."
        ),
    )
    cola_by_job_family: dict[Name, Points | dict[Name, Points]] = Field(
        default={},
        description=(
            f"What is added in a job family, by its name in the census: {BY_JOB_FAMILY}. It comes "
            "on top of what is added in the department; a family that is not named has 0."
        ),
    )
    merit_budget: RaiseRate | dict[Year, RaiseRate] = Field(
        description=(
            "Payroll-weighted mean of the merit raises, as a share of pay: one number for all "
            "years, or a mapping of each year to its own."
        )
    )
    merit_by_department: dict[Name, Points] = Field(
        default={},
        description=(
            "What is added to the merit raise of each in a department, by its name in the census, "
            "as a share: with 0.01, 0.03 become 0.04. It comes on top of merit_budget; below 0 in "
            "all counts as 0."
        ),
    )
    merit_by_job_family: dict[Name, Points | dict[Name, Points]] = Field(
        default={},
        description=(
            f"What is added in a job family, by its name in the census: {BY_JOB_FAMILY}. It comes "
            "on top of what is added in the department; a family that is not named has 0."
        ),
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
