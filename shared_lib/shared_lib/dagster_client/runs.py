"""The state of runs in Dagster: one while a caller waits for it, many for the table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shared_lib.dagster_client.connection import Connection
from shared_lib.dagster_client.errors import NotDagsterError, UnknownRunError
from shared_lib.dagster_client.job_runs import JOB_RUN_TAG, JobRun, Observation, Status

# Dagster's tags: on a run that it will restart, and on one that it has restarted.
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRY_RUN_TAG = "dagster/auto_retry_run_id"

_ENDED_RUN = frozenset({"SUCCESS", "FAILURE", "CANCELED"})

# After this time, a launch whose process died has ended, one way or the other.
LAUNCH_GRACE_SECONDS = 600.0
_RUNS_AT_ONCE = 200

_RUN_FIELDS = "runId status endTime tags { key value }"

_ONE_RUN = f"""
query Run($id: ID!) {{ runOrError(runId: $id) {{ __typename
    ... on Run {{ {_RUN_FIELDS} stepStats {{ status }} }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ message }}
}} }}
"""


@dataclass(frozen=True)
class RunState:
    """The state of a run in Dagster.

    Attributes:
        run_id: the id of the run.
        status: Dagster's status, or ``RETRYING`` where Dagster will start it again.
        ended_at: when it ended, in seconds since 1970.
        successor: the run that Dagster started to replace it.
        steps: the number of steps in each status, of those that have begun.
    """

    run_id: str
    status: str
    ended_at: float | None
    successor: str | None
    steps: Mapping[str, int]

    @property
    def has_ended(self) -> bool:
        """Whether the state is final."""
        return self.status in _ENDED_RUN


def read_run(connection: Connection, run_id: str) -> RunState:
    """Return the state of one run.

    Raises:
        UnknownRunError: no run has that id.
        DagsterClientError: Dagster cannot be queried.
    """
    answer = connection.ask(_ONE_RUN, id=run_id)["runOrError"]
    match answer["__typename"]:
        case "Run":
            return _state(answer)
        case "RunNotFoundError":
            raise UnknownRunError(no_such_run(run_id))
        case _:
            raise NotDagsterError(f"Dagster cannot read the run {run_id}: {answer['message']}")


def no_such_run(run_id: str) -> str:
    """Return the message for a run that Dagster does not know."""
    return f"Dagster has no run {run_id}: it never existed or was deleted"


def _state(run: Mapping[str, Any]) -> RunState:
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    status, ended_at = run["status"], run["endTime"]
    if status == "FAILURE" and tags.get(_WILL_RETRY_TAG) == "true":
        status, ended_at = Status.RETRYING.value, None
    steps: dict[str, int] = {}
    for step in run.get("stepStats", ()):
        steps[step["status"]] = steps.get(step["status"], 0) + 1
    return RunState(run["runId"], status, ended_at, tags.get(_RETRY_RUN_TAG), steps)


def observe(connection: Connection, rows: Sequence[JobRun], *, now: float) -> list[Observation]:
    """Return the state of the runs of ``rows``, with one request for every 200 rows.

    Args:
        connection: the connection to the webserver.
        rows: the rows that have not ended.
        now: the time, in seconds since 1970.

    Raises:
        DagsterClientError: Dagster cannot be queried.
    """
    observations = []
    remaining = iter(rows)
    while batch := list(islice(remaining, _RUNS_AT_ONCE)):
        observations += _observe_batch(connection, batch, now=now)
    return observations


def _observe_batch(
    connection: Connection, rows: Sequence[JobRun], *, now: float
) -> Iterator[Observation]:
    ids = [row.run_id for row in rows if row.run_id]
    unanswered = [row for row in rows if not row.run_id]
    # rows with a run id are queried by id, the others one by one by tag: Dagster's filter accepts
    # one value of a tag
    fields = [f"known: runsOrError(filter: {{runIds: $ids}}) {{ {_RUNS} }}"] if ids else []
    variables: dict[str, Any] = {"ids": ids} if ids else {}
    declared = ["$ids: [String]"] if ids else []
    for number, row in enumerate(unanswered):
        declared.append(f"$tag{number}: [ExecutionTag!]")
        variables[f"tag{number}"] = [{"key": JOB_RUN_TAG, "value": row.id}]
        by_tag = f"filter: {{tags: $tag{number}}}, limit: 1"
        fields.append(f"tag{number}: runsOrError({by_tag}) {{ {_RUNS} }}")
    answer = connection.ask(
        f"query Runs({', '.join(declared)}) {{ {' '.join(fields)} }}", **variables
    )
    runs = {state.run_id: state for state in _states(answer.get("known"))}
    for row in rows:
        if row.run_id:
            yield _observation_of(row, runs.get(row.run_id), now=now)
    for number, row in enumerate(unanswered):
        found = next(iter(_states(answer[f"tag{number}"])), None)
        if found is not None:
            yield _observation_of(row, found, now=now)
        elif now - row.created_at > LAUNCH_GRACE_SECONDS:
            yield Observation(row.id, Status.NEVER_LAUNCHED, None, now)


_RUNS = f"__typename ... on Runs {{ results {{ {_RUN_FIELDS} }} }} ... on PythonError {{ message }}"


def _states(answer: Mapping[str, Any] | None) -> list[RunState]:
    if answer is None:
        return []
    if "results" not in answer:
        raise NotDagsterError(f"Dagster cannot list runs: {answer.get('message', answer)}")
    return [_state(run) for run in answer["results"]]


def _observation_of(row: JobRun, state: RunState | None, *, now: float) -> Observation:
    if state is None:
        return Observation(row.id, Status.DELETED, row.run_id, now)
    run_id = (
        state.successor if state.status == Status.RETRYING and state.successor else state.run_id
    )
    return Observation(row.id, state.status, run_id, state.ended_at)
