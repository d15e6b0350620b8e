"""The code location ``examples``."""

from shared_lib.discovery import build_definitions

defs = build_definitions(__file__)
