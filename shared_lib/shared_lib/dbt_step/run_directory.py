"""Where each dbt invocation writes what it compiles and logs, and how long that is kept."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

# About 5 MB each; enough to look into what went wrong lately.
KEPT_DIRECTORIES = 20

_SUFFIX = "-[0-9a-f]{8}-[0-9a-f]{8}"


def new_run_directory(parent: Path, *, step: str, run_id: str) -> Path:
    """A directory for one invocation, made; the oldest of the same step are removed.

    Args:
        parent: has the directories of all steps.
        step: the step's name.
        run_id: of the Dagster run.
    """
    directory = parent / f"{step}-{run_id[:8]}-{uuid4().hex[:8]}"
    directory.mkdir(parents=True)
    pattern = re.compile(re.escape(step) + _SUFFIX)
    # another run that prunes at the same time takes the same ones
    with suppress(FileNotFoundError):
        alike = [found for found in parent.iterdir() if pattern.fullmatch(found.name)]
        for surplus in sorted(alike, key=_changed_at, reverse=True)[KEPT_DIRECTORIES:]:
            shutil.rmtree(surplus)
    return directory


def _changed_at(directory: Path) -> float:
    return directory.stat().st_mtime
