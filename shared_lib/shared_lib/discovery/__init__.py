"""Build code locations from their ``orchestration.yaml``."""

from shared_lib.discovery.component import CodeLocation
from shared_lib.discovery.location import Location, build_definitions, load_location
from shared_lib.discovery.reading import FILE_NAME, load_configuration

__all__ = [
    "FILE_NAME",
    "CodeLocation",
    "Location",
    "build_definitions",
    "load_configuration",
    "load_location",
]
