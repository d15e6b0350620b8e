"""The models of ``orchestration.yaml``."""

from shared_lib.discovery.configuration.location import LocationConfiguration

__all__ = ["LocationConfiguration"]
