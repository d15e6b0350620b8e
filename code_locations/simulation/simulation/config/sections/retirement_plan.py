"""The section ``retirement_plan``: who takes part, what they save, and what the employer adds."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator

from simulation.config.fields import Share, Strict, Year
from simulation.config.sections.cost import Amount, Rate

Days = Annotated[int, Field(ge=0, le=3660)]


class Deferral(Strict):
    """What participants of an age save."""

    age: int = Field(ge=0, le=120, description="Age in years at the end of the year, or older.")
    rate: Rate = Field(description="Share of pay that is saved, up to the next such age.")


class MatchTier(Strict):
    """What the employer adds to a part of the savings."""

    up_to: Annotated[Rate, Field(gt=0)] = Field(
        description="Savings up to this share of pay, from where the tier before ends."
    )
    rate: Annotated[float, Field(ge=0, le=2)] = Field(
        description="What the employer adds, as a share of these savings."
    )


class PlanLimits(Strict):
    """What the law limits in a year, whole also for who takes part in a part of it."""

    deferral: Amount = Field(description="The most that a participant may save.")
    catch_up: Amount = Field(default=0.0, description="What older participants may save on top.")
    pay: Amount | None = Field(
        default=None, description="Pay beyond which the employer adds nothing; none: no limit."
    )


class RetirementPlan(Strict):
    """A plan in which employees save and the employer adds to it. Without it there is no plan."""

    minimum_age: int = Field(ge=0, le=120, description="Age in years from which on one may join.")
    minimum_service_days: Days = Field(description="Days since the hire that joining takes.")
    enrolment_days: Days = Field(description="Days from then to the automatic enrolment.")
    participation: Share = Field(
        description="Share of those enrolled who stay in the plan; a draw for each employee."
    )
    deferral: tuple[Deferral, ...] = Field(
        strict=False, min_length=1, description="What participants save, by age."
    )
    match: tuple[MatchTier, ...] = Field(
        strict=False, description="What the employer adds, the tier from 0 first."
    )
    catch_up_age: int = Field(
        default=50, ge=0, le=120, description="Age at the end of a year that allows to catch up."
    )
    limits: dict[Year, PlanLimits] = Field(
        min_length=1,
        description="Limits by year; a year that is not listed has those of the last one before.",
    )

    @field_validator("deferral")
    @classmethod
    def _ages_ascend(cls, steps: tuple[Deferral, ...]) -> tuple[Deferral, ...]:
        _require_ascending("age", [step.age for step in steps])
        return steps

    @field_validator("match")
    @classmethod
    def _tiers_ascend(cls, tiers: tuple[MatchTier, ...]) -> tuple[MatchTier, ...]:
        _require_ascending("up_to", [tier.up_to for tier in tiers])
        return tiers


def _require_ascending(field: str, values: Sequence[float]) -> None:
    for before, value in pairwise(values):
        if value <= before:
            message = f"{field} {value} follows {before}, allowed is an ascending order"
            raise ValueError(message)
