"""Find the code location of a job: Dagster also reports which locations failed to load."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from shared_lib.dagster_client.connection import Connection
from shared_lib.dagster_client.errors import (
    AmbiguousJobError,
    LaunchRefusedError,
    NotDagsterError,
    UnknownJobError,
    UnknownLocationError,
)

_WORKSPACE = """
query Workspace { workspaceOrError { __typename
    ... on Workspace { locationEntries { name locationOrLoadError { __typename
        ... on RepositoryLocation { repositories { name jobs { name } } }
        ... on PythonError { message causes { message } }
    } } }
    ... on PythonError { message }
} }
"""

_PARTITIONS = """
query Partitions($job: PipelineSelector!) { pipelineOrError(params: $job) { __typename
    ... on Pipeline { partitionKeysOrError { partitionKeys } }
    ... on Error { message }
} }
"""


@dataclass(frozen=True)
class JobPlace:
    """The code location and repository of a job."""

    location: str
    repository: str
    job: str


def find_job(connection: Connection, job: str, location: str | None = None) -> JobPlace:
    """Find ``job``, in ``location`` if one is named.

    Raises:
        UnknownLocationError: the location does not exist or is not loaded.
        UnknownJobError: the job does not exist; the text lists the jobs that do.
        AmbiguousJobError: several locations have it; the text lists them.
        DagsterClientError: Dagster cannot be queried.
    """
    answer = connection.ask(_WORKSPACE)["workspaceOrError"]
    if "locationEntries" not in answer:
        raise NotDagsterError(f"Dagster cannot load its workspace: {answer['message']}")
    loaded, broken = _sorted_out(answer["locationEntries"])
    if location is not None and location not in loaded:
        raise UnknownLocationError(location, loaded=loaded, broken=broken)
    jobs = [
        place
        for name, places in loaded.items()
        if location in (None, name)
        for place in places
        # every repository has a hidden job for all its assets
        if not place.job.startswith("__")
    ]
    found = [place for place in jobs if place.job == job]
    if not found:
        names = {place.job for place in jobs}
        raise UnknownJobError(job, location=location, jobs=names, broken=broken)
    if len(found) > 1:
        raise AmbiguousJobError(job, {place.location for place in found})
    return found[0]


def require_partitions(connection: Connection, place: JobPlace, keys: Sequence[str]) -> None:
    """Refuse a key that is not a partition of the job; Dagster would start a run, which fails.

    Raises:
        LaunchRefusedError: the text has the keys that are nearest.
        DagsterClientError: Dagster cannot be queried.
    """
    if not keys:
        return
    selector = {
        "repositoryLocationName": place.location,
        "repositoryName": place.repository,
        "pipelineName": place.job,
    }
    answer = connection.ask(_PARTITIONS, job=selector)["pipelineOrError"]
    if "partitionKeysOrError" not in answer:
        message = f"Dagster cannot list the partitions of {place.job}: {answer['message']}"
        raise NotDagsterError(message)
    known = answer["partitionKeysOrError"]["partitionKeys"]
    if not known:
        raise LaunchRefusedError(f"the job {place.job} has no partitions")
    for key in keys:
        if key not in known:
            nearest = get_close_matches(key, known) or [known[0], known[-1]]
            message = f"{key!r} is not a partition of {place.job}, allowed is, for example: "
            raise LaunchRefusedError(message + ", ".join(nearest))


def _sorted_out(entries: list[dict[str, Any]]) -> tuple[dict[str, list[JobPlace]], dict[str, str]]:
    loaded: dict[str, list[JobPlace]] = {}
    broken: dict[str, str] = {}
    for entry in entries:
        name, content = entry["name"], entry["locationOrLoadError"]
        if content is None:
            broken[name] = "still loading"
        elif content["__typename"] == "PythonError":
            # Dagster's own error comes first; the location's error is the last cause
            errors = [content, *content["causes"]]
            broken[name] = errors[-1]["message"].strip().partition("\n")[0]
        else:
            loaded[name] = [
                JobPlace(name, repository["name"], job["name"])
                for repository in content["repositories"]
                for job in repository["jobs"]
            ]
    return loaded, broken
