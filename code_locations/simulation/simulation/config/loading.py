"""Loads the settings of one scenario from the YAML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    Location,
    load_yaml,
    place_in,
    validate_document,
)
from simulation.config.settings import ScenarioSettings, SimulationSettings

CONFIGURATION_FILE = Path(__file__).with_name("simulation_config.yaml")


def load_settings(path: Path = CONFIGURATION_FILE) -> SimulationSettings:
    """Read and check the whole file, including every scenario.

    Raises:
        ConfigurationError: see :func:`shared_lib.configuration.validated_yaml.validate_document`.
    """
    document = load_yaml(path)
    settings = validate_document(document, SimulationSettings, path=path)
    for name in settings.scenarios:
        _validate_scenario(document, name, path=path, changes={})
    return settings


def load_scenario(
    name: str,
    *,
    path: Path = CONFIGURATION_FILE,
    changes: Mapping[str, Any] | None = None,
) -> ScenarioSettings:
    """Return the complete settings of the scenario called ``name``.

    Args:
        name: a key of ``scenarios`` in the file.
        path: the configuration file.
        changes: settings of this run, nested like the file; they override the scenario's.

    Raises:
        ConfigurationError: the scenario does not exist, or a value is not allowed.
    """
    document = load_yaml(path)
    settings = validate_document(document, SimulationSettings, path=path)
    if name not in settings.scenarios:
        known = ", ".join(settings.scenarios)
        place = place_in(document, ("scenarios",), path=path)
        message = f"{place}: no scenario {name!r}, allowed is one of: {known}"
        raise ConfigurationError(message)
    return _validate_scenario(document, name, path=path, changes=changes or {})


def place_of(name: str, location: Location, *, path: Path = CONFIGURATION_FILE) -> str:
    """Return ``path:line: field`` of a setting, where the scenario or the file itself has it.

    Of a scenario that the file no longer has, it is the field alone.
    """
    document = load_yaml(path)
    for written in (("scenarios", name, *location), location):
        if not isinstance(_value_at(document, written), _Absent):
            return place_in(document, written, path=path)
    return ".".join(map(str, location))


def requested_changes(
    *,
    start_year: int | None = None,
    end_year: int | None = None,
    census_path: str | None = None,
    census_mapping: str | None = None,
    generated_size: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the settings that a single run requests, nested like the file; None is left out."""
    asked = {
        "simulation": {"start_year": start_year, "end_year": end_year},
        "census": {
            "path": census_path,
            "mapping": census_mapping,
            "generated_size": generated_size,
        },
    }
    return {
        section: {key: value for key, value in fields.items() if value is not None}
        for section, fields in asked.items()
    }


def _validate_scenario(
    document: Mapping[str, Any], name: str, *, path: Path, changes: Mapping[str, Any]
) -> ScenarioSettings:
    base = {key: value for key, value in document.items() if key != "scenarios"}
    scenario = merged(merged(base, document["scenarios"][name]), changes)

    def place(location: Location) -> str:
        if not isinstance(_value_at(changes, location), Mapping | _Absent):
            return f"requested for this run: {'.'.join(map(str, location))}"
        in_scenario = ("scenarios", name, *location)
        is_changed = not isinstance(_value_at(document, in_scenario), _Absent)
        # of a missing field, the place where most of the way to it is written
        is_nearer = _depth(document, in_scenario) - 2 > _depth(document, location)
        return place_in(document, in_scenario if is_changed or is_nearer else location, path=path)

    return validate_document(scenario, ScenarioSettings, path=path, place=place)


class _Absent:
    """Marks a setting that is absent; None can be a value."""


def _value_at(document: Any, location: Location) -> Any:
    node = document
    for part in location:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return _Absent()
    return node


def _depth(document: Any, location: Location) -> int:
    """Return how many parts of the way to ``location`` the document has."""
    parts = range(len(location) + 1)
    return max(
        part for part in parts if not isinstance(_value_at(document, location[:part]), _Absent)
    )


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` overridden by ``changes``, mapping by mapping.

    Mappings of years replace a single rate, or those of other years, as a whole.
    """
    result = dict(base)
    for key, value in changes.items():
        current = result.get(key)
        both_mappings = isinstance(current, Mapping) and isinstance(value, Mapping)
        if both_mappings and not any(isinstance(year, int) for year in value):
            result[key] = merged(cast("Mapping[str, Any]", current), value)
        else:
            result[key] = value
    return result
