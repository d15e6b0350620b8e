"""The one dbt project: its location, its parsed form and the digest of its rules.

When it parses, dbt writes the name of the database file into every relation, and it parses again
when the path of the file changes. So the project is parsed once for each location that has models,
with the path of that location's warehouse, into a separate directory.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from shared_lib.configuration.environment import REPOSITORY_ROOT

PROJECT_DIRECTORY = REPOSITORY_ROOT / "dbt_project"
TARGET_DIRECTORY = PROJECT_DIRECTORY / "target"

# The dbt of this environment, whatever PATH says.
DBT_EXECUTABLE = Path(sys.executable).with_name("dbt")

# Read by profiles.yml; names the file that dbt writes.
DUCKDB_PATH_VARIABLE = "DBT_DUCKDB_PATH"

# Step tag: whether to report each of its models or only the step.
OBSERVABILITY_TAG = "platform/observability"

# Step tag: the directory with the manifest of another build, from which dbt reads what it has not.
STATE_TAG = "platform/dbt_state"

# dbt's own variable: where to write instead of `target/`.
_TARGET_VARIABLE = "DBT_TARGET_PATH"


def target_directory(location: str = "", project: Path = PROJECT_DIRECTORY) -> Path:
    """Return the directory of the parsed project, which also contains each run's directory.

    Args:
        location: the code location that runs dbt; empty if a project serves only one.
        project: contains the project.
    """
    return project / os.environ.get(_TARGET_VARIABLE, TARGET_DIRECTORY.name) / location


def parsed_project_directory(runs: Path) -> Path:
    """Return where the parsed project is for runs below ``runs``: in an image, it is not there."""
    root = target_directory()
    return TARGET_DIRECTORY / runs.relative_to(root) if runs.is_relative_to(root) else runs


MANIFEST_FILE_NAME = "manifest.json"


class ManifestMissingError(FileNotFoundError):
    """The dbt project has not been parsed."""


@cache
def load_manifest(location: str) -> dict[str, Any]:
    """Return the whole project as parsed for a location, with that location's database names.

    It is built in advance, by ``make manifest`` or in the image: processes that parse at the same
    time would race, and each would need 5 s.

    Raises:
        ManifestMissingError: it does not exist; the text says what to run.
    """
    path = TARGET_DIRECTORY / location / MANIFEST_FILE_NAME
    if not path.is_file():
        message = f"{path} is missing: run `make manifest`"
        raise ManifestMissingError(message)
    return orjson.loads(path.read_bytes())


def rules_digest(folders: Iterable[str]) -> str:
    """Return the SHA-256 of the project's SQL and seed files in ``folders``, as 64 hex digits.

    Two results with the same digest were computed by the same rules.
    """
    digest = hashlib.sha256()
    for folder in sorted(folders):
        for path in sorted(_rule_files(PROJECT_DIRECTORY / folder)):
            digest.update(str(path.relative_to(PROJECT_DIRECTORY)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _rule_files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.suffix in {".sql", ".csv"})
