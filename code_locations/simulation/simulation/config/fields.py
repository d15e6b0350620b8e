"""What several sections of the configuration are made of: strict models and types of fields."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FIRST_YEAR = 2000
LAST_YEAR = 2060
LARGEST_CENSUS = 5_000_000
MILLIONTHS = 1_000_000
_SHARE_DECIMALS = 6


def in_millionths(share: float) -> float:
    """Reject shares finer than millionths: headcounts are computed exactly, in whole millionths."""
    if round(share, _SHARE_DECIMALS) != share:
        message = f"{share} has more than six decimals, allowed are at most six"
        raise ValueError(message)
    return share


def _in_every_year(month_day: str) -> str:
    """Reject dates that some years lack, such as 29 February: a rule needs its day every year."""
    try:
        date.fromisoformat(f"2001-{month_day}")
    except ValueError:
        message = f"{month_day!r} is not a day of every year, allowed is month-day, such as 07-15"
        raise ValueError(message) from None
    return month_day


Share = Annotated[float, Field(ge=0, le=1)]
# Above 0.9, the hires needed for a net gain grow without bound.
TerminationRate = Annotated[float, Field(ge=0, le=0.9), AfterValidator(in_millionths)]
MonthDay = Annotated[str, AfterValidator(_in_every_year)]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Level = Annotated[int, Field(ge=1, le=99)]
Growth = Annotated[float, Field(ge=-0.5, le=1)]
RaiseRate = Annotated[float, Field(ge=0, le=0.5)]
Name = Annotated[str, Field(min_length=1)]
Factor = Annotated[float, Field(gt=0, le=1000)]
Points = Annotated[float, Field(ge=-0.5, le=0.5)]

# of a job family, the departments that have no value of their own
OTHER_DEPARTMENTS = "*"
BY_JOB_FAMILY = (
    "one number for all departments, or a mapping of departments to their own, in which "
    f"`{OTHER_DEPARTMENTS}` are the others"
)


class Strict(BaseModel):
    """A section: unknown fields are mistakes, and no value is converted."""

    # Strict, because `true` is not a growth of 100 % and `no` is not a rate of 0.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
