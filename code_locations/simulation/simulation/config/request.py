"""What a run may request of the simulation, so that Dagster refuses the rest before it exists."""

from typing import Any, cast

import dagster as dg
from pydantic import Field

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.fields import LARGEST_CENSUS
from simulation.config.loading import requested_changes
from simulation.config.partitions import first_and_last_year, scenario_names


class ScenarioRequest(dg.Config):
    """What one run simulates; ``simulation_config.yaml`` supplies what is left out."""

    scenario: str | None = Field(
        default=None,
        description="A name below `scenarios` in simulation_config.yaml; none: the partition's.",
    )
    census_path: str | None = Field(
        default=None,
        description="CSV, Parquet or workbook file; none: the scenario's, or generated.",
    )
    census_mapping: str | None = Field(
        default=None,
        description="Column mapping or YAML file with one; none: the one that fits, or a proposal.",
    )
    generated_size: int | None = Field(default=None, description="Employees in a generated census.")
    start_year: int | None = Field(
        default=None, description="First year; the census is the state on the day before it."
    )
    end_year: int | None = Field(default=None, description="Last year.")
    resume: bool = Field(
        default=True,
        description="Go on after the last complete year of a run that broke off.",
    )
    replace: bool = Field(
        default=False,
        description="Remove the scenario's stored years that another configuration, census or "
        "set of rules came to; without it a run that would remove them is refused.",
    )

    def changes(self) -> dict[str, dict[str, Any]]:
        """Return the settings that this request changes, nested like the configuration file."""
        return requested_changes(
            start_year=self.start_year,
            end_year=self.end_year,
            census_path=self.census_path,
            census_mapping=self.census_mapping,
            generated_size=self.generated_size,
        )


class _WholeNumber(dg.ScalarUnion):
    """A whole number from ``least`` to ``most``, or an environment variable that has one."""

    def __init__(self, field: str, least: int, most: int) -> None:
        super().__init__(scalar_type=int, non_scalar_schema=dg.Selector({"env": str}))
        self._field, self._least, self._most = field, least, most

    def post_process(self, value: Any) -> int:
        """Return the number; Dagster calls this when it plans a run, before it stores one.

        Raises:
            ConfigurationError: the number is not allowed.
        """
        number: int = cast("Any", dg.IntSource).post_process(value)
        if not self._least <= number <= self._most:
            message = (
                f"{self._field} {number} is not allowed, allowed is a whole number from "
                f"{self._least} to {self._most}"
            )
            raise ConfigurationError(message)
        return number


def request_schema() -> dict[str, dg.Field]:
    """Return the fields of :class:`ScenarioRequest`, each with the values that are allowed.

    Dagster would leave the limits of a ``dg.Config`` to the first step, hence to a stored run.
    """
    names = scenario_names()
    years = first_and_last_year()
    allowed = {
        # the name is all that Dagster's message says of the allowed values
        "scenario": dg.Enum(
            f"Scenario[{', '.join(names)}]", [dg.EnumValue(name) for name in names]
        ),
        "start_year": _WholeNumber("start_year", *years),
        "end_year": _WholeNumber("end_year", *years),
        "generated_size": _WholeNumber("generated_size", 1, LARGEST_CENSUS),
    }
    fields = ScenarioRequest.to_fields_dict()
    return fields | {
        name: dg.Field(dg.Noneable(kind), default_value=None, description=fields[name].description)
        for name, kind in allowed.items()
    }
