"""The census file as a source that Dagster observes: whether it is still what was read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from shared_lib.private_files import keep_files_private
from shared_lib.warehouse import Warehouse
from simulation.census.generation import generate_census
from simulation.config import load_scenario
from simulation.config.census_file import census_path, file_digest
from simulation.config.settings import ScenarioSettings
from simulation.state.runs import requested_scenario

KEY = dg.AssetKey("census_file")
DEFAULT_SCENARIO = "baseline"

# Dagster's name for the tag of an event that has a data version.
_DATA_VERSION = "dagster/data_version"
# and for that of an entry that it shows as the age of the data
_UPDATED = "dagster/last_updated_timestamp"


@dg.multi_observable_source_asset(
    name="observe_census_file",
    specs=[
        dg.AssetSpec(
            KEY,
            deps=["simulation_config"],
            description=(
                "The file of employees that the scenario names, or a generated one if it names "
                "none. Its data version is the digest of its bytes."
            ),
        )
    ],
)
def observe_census_file(warehouse: Warehouse) -> dg.ObserveResult:
    """Observe the file of the scenario that was requested last; without one, of the baseline.

    A generated file is written first if it is not there: it is what the run is going to read.
    """
    scenario_id, settings = _scenario(warehouse)
    path = existing_census(settings)
    return dg.ObserveResult(
        asset_key=KEY,
        data_version=dg.DataVersion(file_digest(path)),
        metadata={
            **_described(path),
            "scenario": scenario_id,
            "origin": "generated, because the scenario names no census"
            if settings.census.path is None
            else "named by the scenario",
        },
    )


def existing_census(settings: ScenarioSettings) -> Path:
    """Return the scenario's file; generate it if none is configured."""
    path, census = census_path(settings), settings.census
    if census.path is None and not path.exists():
        keep_files_private()
        path.parent.mkdir(parents=True, exist_ok=True)
        generate_census(
            path,
            size=census.generated_size,
            seed=census.generated_seed,
            as_of=settings.opening_date,
        )
    return path


def changed_census(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Observe the file again when it has changed, without a run.

    What was made of it is then shown as made of other data.
    """
    observed = context.instance.fetch_observations(KEY, limit=1).records
    observation = observed[0].asset_observation if observed else None
    if observation is None:
        return dg.SkipReason("nothing was observed yet: a run observes the file that it reads")
    path = Path(str(observation.metadata["path"].value))
    if not path.is_file():
        return dg.SkipReason(f"{path} is not there any more: the next run would fail")
    known, found = observation.metadata, path.stat()
    if (known["size"].value, known[_UPDATED].value) == (found.st_size, found.st_mtime):
        return dg.SkipReason(f"{path} is as it was observed")
    kept = {name: known[name] for name in ("scenario", "origin")}
    again = dg.AssetObservation(
        KEY, tags={_DATA_VERSION: file_digest(path)}, metadata={**kept, **_described(path)}
    )
    return dg.SensorResult(asset_events=[again])


def _scenario(warehouse: Warehouse) -> tuple[str, ScenarioSettings]:
    if not warehouse.exists():
        return DEFAULT_SCENARIO, load_scenario(DEFAULT_SCENARIO)
    with warehouse.reading() as connection:
        scenario_id, settings, _ = requested_scenario(connection)
    return scenario_id, settings


def _described(path: Path) -> Mapping[str, Any]:
    found = path.stat()
    return {
        "path": dg.MetadataValue.path(path),
        "size": found.st_size,
        "modified": datetime.fromtimestamp(found.st_mtime, UTC).isoformat(timespec="seconds"),
        _UPDATED: dg.MetadataValue.timestamp(found.st_mtime),
    }
