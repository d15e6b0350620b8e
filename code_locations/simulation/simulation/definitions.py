"""The code location ``simulation``."""

from shared_lib.discovery import build_definitions
from simulation.resources import LOGGERS, RESOURCES

defs = build_definitions(__file__, resources=RESOURCES, loggers=LOGGERS)
