"""Start jobs in a running Dagster from another program, and keep track of them.

The functions use the webserver and the database that the environment names; use a
:class:`DagsterClient` for others. ``docs/triggering.md`` lists the variables.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared_lib.dagster_client.client import DagsterClient, Progress
from shared_lib.dagster_client.errors import (
    AccessRefusedError,
    AmbiguousJobError,
    DagsterClientError,
    DagsterUnavailableError,
    LaunchRefusedError,
    NotDagsterError,
    UnknownJobError,
    UnknownLocationError,
    UnknownRunError,
    WaitTimeoutError,
    WebserverConfigurationError,
)
from shared_lib.dagster_client.job_runs import JobRun, JobRuns, Status
from shared_lib.dagster_client.runs import RunState
from shared_lib.dagster_client.webserver import Webserver, current_webserver

if TYPE_CHECKING:
    import dagster as dg

__all__ = [
    "AccessRefusedError",
    "AmbiguousJobError",
    "DagsterClient",
    "DagsterClientError",
    "DagsterUnavailableError",
    "JobRun",
    "JobRuns",
    "LaunchRefusedError",
    "NotDagsterError",
    "Progress",
    "RunState",
    "Status",
    "UnknownJobError",
    "UnknownLocationError",
    "UnknownRunError",
    "WaitTimeoutError",
    "Webserver",
    "WebserverConfigurationError",
    "current_webserver",
    "get_run_status",
    "trigger_job",
    "wait_for_run",
]


def trigger_job(
    job_name: str, run_config: Mapping[str, Any] | None = None, location_name: str | None = None
) -> str | None:
    """Launch a job; see :meth:`DagsterClient.trigger_job`."""
    return DagsterClient().trigger_job(job_name, run_config, location_name)


def get_run_status(run_id: str) -> "dg.DagsterRunStatus":
    """Return Dagster's status of a run; see :meth:`DagsterClient.get_run_status`."""
    return DagsterClient().get_run_status(run_id)


def wait_for_run(
    run_id: str,
    *,
    timeout_seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunState:
    """Wait until a run has ended; see :meth:`DagsterClient.wait_for_run`."""
    return DagsterClient().wait_for_run(
        run_id, timeout_seconds=timeout_seconds, on_progress=on_progress
    )
