"""The section ``cost``: what the workforce costs beside its pay."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from simulation.config.fields import Level, Share, Strict, Year, in_millionths

Value = TypeVar("Value")

Rate = Annotated[Share, AfterValidator(in_millionths)]
Amount = Annotated[float, Field(ge=0, lt=1e12)]
RateByYear = Annotated[dict[Year, Rate], Field(min_length=1)]
AmountByYear = Annotated[dict[Year, Amount], Field(min_length=1)]
_BY_YEAR = "one number for all years, or a mapping of years to their own"


def value_in(values: Value | Mapping[int, Value], year: int) -> Value:
    """Return the value of ``year``: the one of all years, or that of the last year listed by then.

    Laws state a limit for few years ahead, so the last one goes on; years before the first listed
    have that of the first.
    """
    if not isinstance(values, Mapping):
        return values
    return values[max((listed for listed in values if listed <= year), default=min(values))]


class EmployerTax(Strict):
    """A tax or contribution that the employer owes on what an employee is paid."""

    name: str = Field(min_length=1, description="What people call it.")
    rate: Rate | RateByYear = Field(description=f"Share of pay and bonus: {_BY_YEAR}.")
    cap: Amount | AmountByYear | None = Field(
        default=None,
        description=(
            "Pay and bonus of an employee in a year beyond which nothing more is due, whole also "
            f"for who is employed for a part of the year: {_BY_YEAR}. None: no cap."
        ),
    )


class Cost(Strict):
    """What the workforce costs beside its pay. Without it no cost is computed.

    In a mapping of years, a year that is not listed has the value of the last one before, and years
    before the first have that of the first.
    """

    employer_taxes: tuple[EmployerTax, ...] = Field(
        default=(), strict=False, description="Taxes and contributions of the employer."
    )
    benefits_per_head: Amount | AmountByYear = Field(
        default=0.0,
        description=f"Benefits of an employee for a whole year, paid by days: {_BY_YEAR}.",
    )
    benefits_by: Literal["head", "fte"] = Field(
        default="head",
        description=(
            "Whether benefits are whole for each employee, or for part time the share of working "
            "time."
        ),
    )
    bonus_rate: Rate | RateByYear = Field(
        default=0.0, description=f"Bonus as a share of the pay of the year: {_BY_YEAR}."
    )
    bonus_rate_by_level: dict[Level, Rate] = Field(
        default={}, description="Levels at the end of the year whose bonus is another share."
    )
    overhead_rate: Rate | RateByYear = Field(
        default=0.0,
        description=f"Premises and the like as a share of the pay of the year: {_BY_YEAR}.",
    )
