"""``simulation_config.yaml``: its sections, and the rules that concern several of them."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from simulation.config.fields import Strict
from simulation.config.sections.census import Census
from simulation.config.sections.compensation import Compensation
from simulation.config.sections.cost import Cost
from simulation.config.sections.hiring import Hiring
from simulation.config.sections.horizon import Horizon, require_each_year
from simulation.config.sections.limits import Limits
from simulation.config.sections.retirement_plan import RetirementPlan
from simulation.config.sections.uncertainty import Uncertainty
from simulation.config.sections.workforce import Workforce
from simulation.config.tables import Tables


class ScenarioSettings(Strict):
    """One scenario, complete."""

    simulation: Horizon = Field(description="Years and growth.")
    workforce: Workforce = Field(description="How many leave.")
    hiring: Hiring = Field(description="Who is hired, and for how much.")
    compensation: Compensation = Field(description="Promotions and raises.")
    census: Census = Field(description="The workforce at the start.")
    limits: Limits = Field(description="What a run is held against.")
    uncertainty: Uncertainty = Field(
        default_factory=Uncertainty, description="How far the settings are known, for ranges."
    )
    cost: Cost | None = Field(
        default=None, description="What the workforce costs beside its pay; none: not computed."
    )
    retirement_plan: RetirementPlan | None = Field(
        default=None, description="A plan that the employer adds to; none: there is no plan."
    )
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
            require_each_year(self.simulation, field, rates)
        return self


_BY_NAME = ("_by_department", "_by_job_family")


def _yearly(*sections: BaseModel) -> Iterator[tuple[str, Mapping[int, float]]]:
    """Yield the fields that have a rate for each year."""
    for section in sections:
        for field, value in section:
            if isinstance(value, Mapping) and not field.endswith(_BY_NAME):
                yield field, value


class SimulationSettings(ScenarioSettings):
    """The file: the settings of every scenario, and how each scenario departs from them."""

    scenarios: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], dict] = Field(
        description="Scenario names, each with the settings that it changes."
    )
