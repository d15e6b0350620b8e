"""What a run may request of the simulation, so that Dagster refuses the rest before it exists."""

from typing import Any

import dagster as dg
from pydantic import Field

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.census.columns.mapping import CensusError
from simulation.census.files.sources import check_census
from simulation.config.known_events import read_known_events
from simulation.config.loading import load_scenario, requested_changes
from simulation.config.partitions import scenario_names, years_of_scenario


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


class _CheckedRequest(dg.Noneable):
    """The fields of a request, which are checked together when Dagster plans a run."""

    def post_process(self, value: Any) -> Any:
        """Return the fields; Dagster calls this before it stores a run, and again inside it.

        Raises:
            ConfigurationError: see :func:`check_request`.
            CensusError: likewise.
        """
        check_request(ScenarioRequest(**(value or {})))
        return value


def request_schema() -> dg.Field:
    """Return the config of a request, so that Dagster refuses a wrong one before a run exists.

    Dagster would leave the limits of a ``dg.Config`` to the first step, hence to a stored run. The
    webserver itself knows types and names alone, so only a wrong scenario is marked in the editor;
    the code location refuses the rest when it plans the run, and the webserver shows its error.
    """
    names = scenario_names()
    fields = ScenarioRequest.to_fields_dict()
    # the name is all that Dagster's message says of the allowed values
    scenario = dg.Enum(f"Scenario[{', '.join(names)}]", [dg.EnumValue(name) for name in names])
    fields["scenario"] = dg.Field(
        dg.Noneable(scenario), default_value=None, description=fields["scenario"].description
    )
    return dg.Field(_CheckedRequest(fields), default_value={})


def check_request(request: ScenarioRequest) -> None:
    """Find the mistakes in a request that show before a run.

    Without a scenario it is that of the partition, which is not known here: what no scenario
    allows is refused.

    Raises:
        ConfigurationError: a year or size is not allowed, or the last year is before the first.
        CensusError: there is no such census file or mapping, or the file is not a census.
    """
    refusals: list[ConfigurationError | CensusError] = []
    for name in [request.scenario] if request.scenario else scenario_names():
        try:
            return _check(request, name)
        except (ConfigurationError, CensusError) as error:
            refusals.append(error)
    raise refusals[0].with_traceback(None)


def _check(request: ScenarioRequest, scenario_id: str) -> None:
    configured = years_of_scenario(scenario_id)
    first, last = configured[0], configured[-1]
    for field, year in (("start_year", request.start_year), ("end_year", request.end_year)):
        if year is not None and year not in configured:
            message = (
                f"{field} {year} is not allowed, allowed is a whole number from {first} to {last}"
            )
            raise ConfigurationError(message)
    start_year, end_year = request.start_year or first, request.end_year or last
    if end_year < start_year:
        message = (
            f"end_year {end_year} is before start_year {start_year}, "
            f"allowed is a year from {start_year} to {last}"
        )
        raise ConfigurationError(message)
    settings = load_scenario(scenario_id, changes=request.changes())
    read_known_events(settings)
    census = settings.census
    try:
        check_census(census.path, mappings=census.mappings, mapping_name=census.mapping)
    except (CensusError, ConfigurationError) as error:
        asked = [
            f"{field} {value!r}"
            for field, value in (
                ("census_path", request.census_path),
                ("census_mapping", request.census_mapping),
            )
            if value is not None
        ]
        message = f"{' with '.join(asked)}: {error}" if asked else str(error)
        raise CensusError(message) from None
