"""Build code locations from their ``orchestration.yaml``."""

from shared_lib.discovery.component import CodeLocation
from shared_lib.discovery.location import (
    FILE_NAME,
    Location,
    build_definitions,
    load_configuration,
    load_location,
)

__all__ = [
    "FILE_NAME",
    "CodeLocation",
    "Location",
    "build_definitions",
    "load_configuration",
    "load_location",
]
