"""The simulation's configuration: the file, its model and the values derived from it."""

from simulation.config.loading import (
    CONFIGURATION_FILE,
    load_scenario,
    load_settings,
    requested_changes,
)
from simulation.config.settings import ScenarioSettings, SimulationSettings

__all__ = [
    "CONFIGURATION_FILE",
    "ScenarioSettings",
    "SimulationSettings",
    "load_scenario",
    "load_settings",
    "requested_changes",
]
