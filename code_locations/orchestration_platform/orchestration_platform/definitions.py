"""The code location ``orchestration_platform``."""

from orchestration_platform.resources import RESOURCES
from shared_lib.discovery import build_definitions

defs = build_definitions(__file__, resources=RESOURCES)
