"""The names of jobs, assets and code locations, to find a name that was entered incorrectly.

The webserver knows all of them, also those that have never run. Without ``DAGSTER_WEBSERVER_URL``
or without an answer, the instance knows those that have run.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestration_platform.alerts.workspace.webserver import Workspace

if TYPE_CHECKING:
    import dagster as dg

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
    workspace = Workspace()
    defined = workspace.names()
    locations = defined.locations if defined else {}
    jobs = {name for found in locations.values() if found for name in found.jobs}
    names = {
        "location": _sorted(
            [*locations, *(origin.location_name for origin in origins if origin is not None)]
        ),
        "job": _sorted([*jobs, *(run.job_name for run in runs)]),
        "asset": _sorted(
            [
                *(defined.assets.by_key if defined else ()),
                *(key.to_user_string() for key in instance.all_asset_keys()),
            ]
        ),
    }
    return names, "; ".join(workspace.problems)


def _sorted(names: Iterable[str]) -> list[str]:
    """Return the names without those that Dagster hides."""
    return sorted({name for name in names if not name.startswith("__")})
