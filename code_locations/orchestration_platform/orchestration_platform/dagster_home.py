"""Which Dagster instance the commands of this location use."""

import os
from pathlib import Path

from shared_lib.configuration.environment import (
    HOME_VARIABLE,
    INSTANCE_FILE_NAME,
    use_home_of_make,
)


class DagsterHomeError(ValueError):
    """``DAGSTER_HOME`` names no instance; the text explains why."""


def find_dagster_home() -> None:
    """Let ``DAGSTER_HOME`` name an existing instance, or refuse.

    Dagster itself creates a new, empty instance in any directory, and a command would report that
    nothing has happened in it. Where the variable is unset on a developer's machine, it becomes the
    instance that `make` uses.

    Raises:
        DagsterHomeError: it is unset, relative, or a directory without ``dagster.yaml``.
    """
    use_home_of_make()
    value = os.environ.get(HOME_VARIABLE, "")
    home = Path(value).expanduser()
    if not value:
        problem = "is not set"
    elif not home.is_absolute():
        problem = f"{value!r} is not an absolute path"
    elif not (home / INSTANCE_FILE_NAME).is_file():
        problem = f"{value!r} has no {INSTANCE_FILE_NAME}"
    else:
        return
    raise DagsterHomeError(
        f"{HOME_VARIABLE}: {problem}; it must be the directory of a Dagster instance"
    )
