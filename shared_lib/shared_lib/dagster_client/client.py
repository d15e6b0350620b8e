"""Trigger jobs and follow their runs through the webserver's GraphQL."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared_lib.dagster_client.connection import Connection
from shared_lib.dagster_client.errors import (
    DagsterClientError,
    DagsterUnavailableError,
    LaunchRefusedError,
    NotDagsterError,
    UnknownRunError,
    WaitTimeoutError,
)
from shared_lib.dagster_client.job_runs import (
    JOB_RUN_TAG,
    REQUESTER_TAG,
    JobRun,
    JobRuns,
    Status,
    open_job_runs,
)
from shared_lib.dagster_client.runs import RunState, no_such_run, observe, read_run
from shared_lib.dagster_client.webserver import Webserver, current_webserver
from shared_lib.dagster_client.workspace_jobs import JobPlace, find_job, require_partitions

if TYPE_CHECKING:
    import dagster as dg

_logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_NOBODY = "unknown"


@dataclass(frozen=True)
class Progress:
    """The progress of a run that a caller waits for.

    Attributes:
        state: the last state that Dagster reported, ``None`` before the first report.
        waited_seconds: the time since the wait began.
        trouble: why the last query to Dagster failed; empty if it succeeded.
    """

    state: RunState | None
    waited_seconds: float
    trouble: str = ""


class DagsterClient:
    """One webserver, and one table of the jobs that were triggered there."""

    def __init__(
        self, webserver: Webserver | None = None, *, job_runs: JobRuns | None = None
    ) -> None:
        """Use ``webserver`` and ``job_runs``; by default those that the environment names.

        Raises:
            WebserverConfigurationError: a variable is wrong.
        """
        self.webserver = webserver or current_webserver()
        self._connection = Connection(self.webserver)
        self._given_job_runs = job_runs

    @cached_property
    def job_runs(self) -> JobRuns:
        """The table of triggered jobs."""
        return self._given_job_runs or open_job_runs()

    def trigger_job(
        self,
        job_name: str,
        run_config: Mapping[str, Any] | None = None,
        location_name: str | None = None,
        *,
        requested_by: str = _NOBODY,
    ) -> str | None:
        """Launch a job.

        Returns:
            The run id, or ``None`` when Dagster is unavailable; the log says why.

        Raises:
            UnknownJobError, UnknownLocationError, AmbiguousJobError: no single job matches.
            LaunchRefusedError: Dagster refuses to launch it.
            DagsterClientError: access is refused or misconfigured.
        """
        return self.trigger(job_name, run_config, location_name, requested_by=requested_by).run_id

    def trigger(
        self,
        job_name: str,
        run_config: Mapping[str, Any] | None = None,
        location_name: str | None = None,
        *,
        requested_by: str = _NOBODY,
        partitions: Sequence[str] = (),
    ) -> JobRun:
        """Launch a job and return its row in ``job_runs``; otherwise like :meth:`trigger_job`.

        ``partitions`` is the key of one partition of the job, or the first and last keys of a range
        that one run computes.

        When Dagster is unavailable, the row has no run id. Its status says whether a run may exist
        nevertheless: ``LAUNCHING`` if so, which :meth:`refresh` resolves later.
        """
        row_id = self.job_runs.begin(
            job_name, run_config or {}, requested_by=requested_by, location_name=location_name
        )
        try:
            place = find_job(self._connection, job_name, location_name)
            require_partitions(self._connection, place, partitions)
        except DagsterUnavailableError as error:
            self._note_unavailable(row_id, job_name, error, has_asked=False)
        except DagsterClientError as error:
            self.job_runs.not_launched(row_id, Status.REFUSED, str(error))
            raise
        else:
            tags = {JOB_RUN_TAG: row_id, REQUESTER_TAG: requested_by, **_partition_tags(partitions)}
            self._launch(row_id, place, run_config or {}, tags)
        row = self.job_runs.find(row_id)
        assert row is not None  # noqa: S101 - written above
        return row

    def _launch(
        self, row_id: str, place: JobPlace, run_config: Mapping[str, Any], tags: dict[str, str]
    ) -> None:
        from dagster_graphql import DagsterGraphQLClientError

        try:
            with self._connection.library_client() as client:
                run_id = client.submit_job_execution(
                    place.job,
                    repository_location_name=place.location,
                    repository_name=place.repository,
                    run_config=run_config,
                    tags=tags,
                )
        except DagsterUnavailableError as error:
            self._note_unavailable(row_id, place.job, error, has_asked=error.may_have_arrived)
        except DagsterGraphQLClientError as error:
            message = f"Dagster did not launch {place.job}: {_reasons(error)}"
            self.job_runs.not_launched(row_id, Status.REFUSED, message)
            raise LaunchRefusedError(message) from error
        except DagsterClientError as error:
            self.job_runs.not_launched(row_id, Status.REFUSED, str(error))
            raise
        else:
            self.job_runs.launched(row_id, run_id, place.location)

    def _note_unavailable(
        self, row_id: str, job: str, error: DagsterUnavailableError, *, has_asked: bool
    ) -> None:
        if has_asked:
            message = f"{error}; it is not yet known whether {job} was launched"
            self.job_runs.unanswered(row_id, message)
        else:
            message = f"{error}; {job} was not launched"
            self.job_runs.not_launched(row_id, Status.UNAVAILABLE, message)
        _logger.warning("job run %s: %s", row_id, message)

    def get_run_status(self, run_id: str) -> "dg.DagsterRunStatus":
        """Return Dagster's status of the run.

        Raises:
            UnknownRunError: no run has that id.
            DagsterClientError: Dagster cannot be queried.
        """
        from dagster_graphql import DagsterGraphQLClientError

        try:
            with self._connection.library_client() as client:
                return client.get_run_status(run_id)
        except DagsterGraphQLClientError as error:
            if error.args[0] in ("RunNotFoundError", "PipelineRunNotFoundError"):
                raise UnknownRunError(no_such_run(run_id)) from error
            message = f"Dagster cannot read the run {run_id}: {_reasons(error)}"
            raise NotDagsterError(message) from error

    def wait_for_run(
        self,
        run_id: str,
        *,
        timeout_seconds: float | None = None,
        patience_seconds: float = 60.0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> RunState:
        """Wait until the run has ended, whatever its outcome.

        If the run died and Dagster starts it again, wait for the new run.

        Args:
            run_id: the run.
            timeout_seconds: how long to wait; ``None`` for no limit.
            patience_seconds: how long Dagster may be unavailable meanwhile, as during a restart.
            on_progress: called after each query; must be quick.

        Raises:
            WaitTimeoutError: the run did not end in time, or Dagster did not report it.
            UnknownRunError: there is no such run.
            DagsterUnavailableError: Dagster was unavailable for longer than ``patience_seconds``.
        """
        started = answered = time.monotonic()
        pause, state = _FIRST_PAUSE_SECONDS, None
        while True:
            trouble = ""
            try:
                state = read_run(self._connection, run_id)
                answered = time.monotonic()
            except DagsterUnavailableError as error:
                if time.monotonic() - answered > patience_seconds:
                    raise
                trouble = str(error)
            waited = time.monotonic() - started
            if on_progress is not None:
                on_progress(Progress(state, waited, trouble))
            if state is not None and state.has_ended:
                return state
            if state is not None and state.successor:
                run_id = state.successor
            if timeout_seconds is not None and waited >= timeout_seconds:
                raise WaitTimeoutError(self._not_ended(run_id, state, timeout_seconds, trouble))
            left = pause if timeout_seconds is None else min(pause, timeout_seconds - waited)
            time.sleep(max(left, 0.0))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _not_ended(
        self, run_id: str, state: RunState | None, timeout_seconds: float, trouble: str
    ) -> str:
        if state is None:
            # the run may not exist
            return f"it is not known whether the run {run_id} has ended: {trouble}"
        return (
            f"the run {run_id} has not ended within {timeout_seconds:g} s, its status is "
            f"{state.status}; it continues: {self.webserver.run_url(run_id)}"
        )

    def refresh(self, *, now: float | None = None) -> int:
        """Update all rows of ``job_runs`` that have not ended, in one pass.

        Args:
            now: seconds since 1970; by default the time of the call.

        Returns:
            The number of those rows.

        Raises:
            DagsterClientError: Dagster cannot be queried; the rows stay unchanged.
        """
        rows = self.job_runs.open()
        return self.job_runs.observe(observe(self._connection, rows, now=now or time.time()))


def _partition_tags(partitions: Sequence[str]) -> dict[str, str]:
    """Return the tags that Dagster's UI sets on a run of one partition or of a range."""
    if not partitions:
        return {}
    if len(partitions) == 1:
        return {"dagster/partition": partitions[0]}
    first, last = partitions
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


def _reasons(error: Exception) -> str:
    """Return the message of Dagster's client: each configuration mistake on its own line."""
    # the kind of error comes first, its details follow
    reason = error.args[-1] if error.args else str(error)
    if isinstance(reason, list):
        return "".join(f"\n  {mistake.get('message', mistake)}" for mistake in reason)
    return str(getattr(error, "body", None) or reason)
