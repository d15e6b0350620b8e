"""A job of a file, as the processes of a multiprocess run find it."""

import os
from pathlib import Path

import dagster as dg

from shared_lib.discovery import load_location

FILE, NAME = "WRITTEN_FILE", "WRITTEN_JOB"


def written_job() -> dg.JobDefinition:
    """The job that the environment names, of the file that it names."""
    location = load_location(Path(os.environ[FILE]))
    return location.definitions.resolve_job_def(os.environ[NAME])
