"""The partitions of the simulation: each configured scenario's years."""

from functools import cache

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.loading import load_scenario, load_settings
from simulation.config.sections.horizon import Horizon


@cache
def _horizons() -> dict[str, Horizon]:
    return {name: load_scenario(name).simulation for name in load_settings().scenarios}


def scenario_names() -> list[str]:
    """Return the names of the configured scenarios."""
    return list(_horizons())


def years_of_scenario(scenario_id: str) -> range:
    """Return the years that a scenario has partitions for."""
    return _horizons()[scenario_id].years


def scenario_years() -> list[str]:
    """Return the keys of all partitions, the years of a scenario together and in order."""
    return [
        partition_key(name, year) for name, horizon in _horizons().items() for year in horizon.years
    ]


def partition_key(scenario_id: str, year: int) -> str:
    """Return the key of a scenario's year."""
    return f"{scenario_id}|{year}"


def refuse_years_outside(scenario_id: str, requested: range) -> None:
    """Refuse years of a scenario without a partition.

    Raises:
        ConfigurationError: names the years that are configured.
    """
    horizon = _horizons()[scenario_id]
    first, last = horizon.start_year, horizon.end_year
    outside = sorted(set(requested) - set(range(first, last + 1)))
    if outside:
        message = (
            f"{', '.join(map(str, outside))}: no configured year, allowed are {first} to {last}; "
            "start_year and end_year in simulation_config.yaml set them"
        )
        raise ConfigurationError(message)
