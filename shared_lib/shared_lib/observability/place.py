"""Where this process runs: the environment, and the code location that it has loaded."""

import os
from pathlib import Path

from shared_lib.configuration.environment import (
    VARIABLE,
    Environment,
    UnknownEnvironmentError,
    current_environment,
)

_loaded: list[str] = []


def runs_in(location: str) -> None:
    """Record that this process loads the code location; a run's processes load one."""
    _loaded[:] = [location]


def location() -> str | None:
    """Return the code location of this process; None if it has loaded none."""
    return _loaded[0] if _loaded else None


def environment() -> str:
    """Return the name of the environment, also of one that is not allowed: a report says so."""
    try:
        return current_environment()
    except UnknownEnvironmentError:
        return os.environ[VARIABLE]


def deployment() -> str:
    """Return the environment if it is a deployment, and else an empty text.

    Deployments have the same paths and names, which their reports must tell apart. Those of a
    laptop or of CI stay on that machine.
    """
    name = environment()
    return name if name in {one for one in Environment if one.is_deployed} else ""


def warehouse_namespace(path: Path | str) -> str:
    """Return OpenLineage's namespace of the tables in a DuckDB file.

    ``duckdb://`` and the path, in a deployment with its environment in the place of a host.
    """
    return f"duckdb://{deployment()}{path}"
