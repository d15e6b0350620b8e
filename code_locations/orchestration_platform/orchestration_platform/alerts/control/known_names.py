"""The names of jobs, assets and code locations, to find a name that was entered incorrectly.

The webserver knows all of them, also those that have never run. Without ``DAGSTER_WEBSERVER_URL``
or without an answer, the instance knows those that have run.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared_lib.dagster_client.connection import Connection
from shared_lib.dagster_client.errors import DagsterClientError
from shared_lib.dagster_client.webserver import URL_VARIABLE, current_webserver

if TYPE_CHECKING:
    import dagster as dg

_QUERY = """
query Names {
    assetNodes { assetKey { path } }
    workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
        ... on RepositoryLocation { repositories { jobs { name } } }
    } } } }
}
"""

_RECENT_RUNS = 1000


def known_names(instance: "dg.DagsterInstance", *, job: str) -> tuple[dict[str, list[str]], str]:
    """Return the names that exist by kind (location, job, asset), and why some may be missing.

    Args:
        instance: the Dagster instance.
        job: a job to look for in all runs; of the others, the recent runs alone are read.
    """
    import dagster as dg

    runs = list(instance.get_runs(limit=_RECENT_RUNS))
    if job:
        runs += instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
    origins = [run.remote_job_origin for run in runs]
    entries, assets, problem = _of_webserver()
    names = {
        "location": _sorted(
            [*entries, *(origin.location_name for origin in origins if origin is not None)]
        ),
        "job": _sorted(
            [*(name for jobs in entries.values() for name in jobs), *(run.job_name for run in runs)]
        ),
        "asset": _sorted([*assets, *(key.to_user_string() for key in instance.all_asset_keys())]),
    }
    return names, problem


def _of_webserver() -> tuple[dict[str, list[str]], list[str], str]:
    """Return the jobs by location, and the assets; or why the webserver cannot be asked."""
    if not os.environ.get(URL_VARIABLE):
        return {}, [], f"what has never run is known only if {URL_VARIABLE} is set"
    try:
        answer = Connection(current_webserver()).ask(_QUERY)
    except DagsterClientError as error:
        return {}, [], f"what has never run is unknown: {error}"
    entries = {
        entry["name"]: [
            job["name"]
            for repository in (entry["locationOrLoadError"] or {}).get("repositories", [])
            for job in repository["jobs"]
        ]
        for entry in answer["workspaceOrError"].get("locationEntries", [])
    }
    return entries, ["/".join(node["assetKey"]["path"]) for node in answer["assetNodes"]], ""


def _sorted(names: Iterable[str]) -> list[str]:
    """Return the names without those that Dagster hides."""
    return sorted({name for name in names if not name.startswith("__")})
