"""The code location ``gocardless``."""

from gocardless.resources import RESOURCES
from shared_lib.discovery import build_definitions

defs = build_definitions(__file__, resources=RESOURCES)
