"""Directories for the compiled files and logs of dbt invocations, and their retention."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

# About 5 MB each; enough to investigate recent failures.
KEPT_DIRECTORIES = 20

_SUFFIX = "-[0-9a-f]{8}-[0-9a-f]{8}"


def new_run_directory(parent: Path, *, step: str, run_id: str) -> Path:
    """Create a directory for one invocation; remove the oldest of the same step.

    Args:
        parent: contains the directories of all steps.
        step: the step's name.
        run_id: the id of the Dagster run.
    """
    directory = parent / f"{step}-{run_id[:8]}-{uuid4().hex[:8]}"
    directory.mkdir(parents=True)
    pattern = re.compile(re.escape(step) + _SUFFIX)
    # another run may prune the same directories at the same time
    with suppress(FileNotFoundError):
        alike = [found for found in parent.iterdir() if pattern.fullmatch(found.name)]
        for surplus in sorted(alike, key=_changed_at, reverse=True)[KEPT_DIRECTORIES:]:
            shutil.rmtree(surplus)
    return directory


def _changed_at(directory: Path) -> float:
    return directory.stat().st_mtime
