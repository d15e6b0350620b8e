"""The census: from an HR export to the workforce that a simulation starts with."""

from simulation.census.columns.mapping import CensusError, CensusMapping
from simulation.census.files.reading import CensusFile, read_census
from simulation.census.generation import generate_census
from simulation.census.judgement.rules import REASONS
from simulation.census.judgement.validation import publish_baseline, validate_census
from simulation.census.judgement.verdict import CensusVerdict, read_verdict
from simulation.census.tables import create_tables

__all__ = [
    "REASONS",
    "CensusError",
    "CensusFile",
    "CensusMapping",
    "CensusVerdict",
    "create_tables",
    "generate_census",
    "publish_baseline",
    "read_census",
    "read_verdict",
    "validate_census",
]
