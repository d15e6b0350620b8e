"""The section ``uncertainty``: how far the settings are known, for ranges."""

from typing import Annotated

from pydantic import Field

from simulation.config.fields import Strict

Distance = Annotated[float, Field(gt=0, le=0.5)]
Factor = Annotated[float, Field(gt=1, le=1000)]
Department = Annotated[str, Field(min_length=1)]


def _distance(field: str) -> Distance | None:
    return Field(
        default=None,
        description=(
            f"With 90 %, {field} is within this distance of what the scenario has, as a share; "
            "none: it is known."
        ),
    )


class Uncertainty(Strict):
    """How far the settings are known. Runs ignore it; ranges draw from it."""

    target_growth_rate: Distance | None = _distance("growth")
    experienced_termination_rate: Distance | None = _distance("the rate of leaving")
    new_hire_termination_rate: Distance | None = _distance("the rate of hires who leave again")
    cola_rate: Distance | None = _distance("the cost-of-living raise")
    merit_budget: Distance | None = _distance("the merit budget")
    promotion_rate: Distance | None = _distance("the chance of a promotion")
    leaving_by_department: dict[Department, Factor] = Field(
        default={},
        description=(
            "With 90 %, the department's factor of leaving is between what the scenario has "
            "divided by this and times this."
        ),
    )
    hiring_by_department: dict[Department, Factor] = Field(
        default={}, description="The same for the department's factor of hiring."
    )
    cola_by_department: dict[Department, Distance] = Field(
        default={},
        description=(
            "With 90 %, what is added to the cost of living in the department is within this "
            "distance of what the scenario has, as a share."
        ),
    )
