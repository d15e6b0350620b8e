"""Our layer as Dagster components, for ``defs.yaml`` files of any project.

``dg list components`` lists what this module exports.
"""

from shared_lib.components.dbt import ObservedDbtProject
from shared_lib.components.declared import DeclaredSecrets
from shared_lib.components.sections import Jobs, Schedules, Sensors, WarehouseChecks
from shared_lib.discovery import CodeLocation

__all__ = [
    "CodeLocation",
    "DeclaredSecrets",
    "Jobs",
    "ObservedDbtProject",
    "Schedules",
    "Sensors",
    "WarehouseChecks",
]
