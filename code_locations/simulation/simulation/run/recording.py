"""How a run of the command line is recorded, so that the UI shows it like one of its own."""

from typing import Any

import dagster as dg

# Not public: Dagster's own launchers record the origin of a run, execute_in_process does not.
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

LOCATION = "simulation"


def record_origin(instance: dg.DagsterInstance, *, repository: str, job: str) -> None:
    """Let ``instance`` record with each run it creates that it is one of this code location.

    The UI lists a run in Overview, in Jobs and in the job's Runs by its repository.
    """
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), repository)
    create_run = instance.create_run_for_job

    def create_run_with_origin(**given: Any) -> dg.DagsterRun:
        return create_run(**given, remote_job_origin=RemoteJobOrigin(origin, job))

    # an instance passes no origin on from execute_in_process, and offers no other way
    instance.create_run_for_job = create_run_with_origin  # pyright: ignore[reportAttributeAccessIssue]
