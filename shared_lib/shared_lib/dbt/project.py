"""The one dbt project: where it is, what is parsed of it, and what identifies its rules.

dbt writes the name of the database file into every relation when it parses, and parses anew when
the path of the file changes. So the project is parsed once for each location that has models, each
time with the path of that location's warehouse, into a directory of its own.
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

# The one of this environment, whatever PATH says.
DBT_EXECUTABLE = Path(sys.executable).with_name("dbt")

# Read by profiles.yml. It says which file dbt writes.
DUCKDB_PATH_VARIABLE = "DBT_DUCKDB_PATH"

# On a step: whether each of its models is reported, or the step alone.
OBSERVABILITY_TAG = "platform/observability"

# dbt's own: where it is to write instead of `target/`.
_TARGET_VARIABLE = "DBT_TARGET_PATH"


def target_directory(location: str = "") -> Path:
    """Where dbt finds the project as parsed, and below which each run has its own directory.

    Args:
        location: the code location that runs dbt; none where a project serves only one.
    """
    return PROJECT_DIRECTORY / os.environ.get(_TARGET_VARIABLE, TARGET_DIRECTORY.name) / location


class ManifestMissingError(FileNotFoundError):
    """The dbt project has not been parsed."""


@cache
def load_manifest(location: str) -> dict[str, Any]:
    """The project as parsed for a location: all of it, with the names of that location's database.

    It is made ahead, by ``make manifest`` or in the image: several processes that parse at the
    same time would race, and each would pay 5 s for it.

    Raises:
        ManifestMissingError: it is not there; says what to run.
    """
    path = TARGET_DIRECTORY / location / "manifest.json"
    if not path.is_file():
        message = f"{path} is missing: run `make manifest`"
        raise ManifestMissingError(message)
    return orjson.loads(path.read_bytes())


def rules_digest(folders: Iterable[str]) -> str:
    """A SHA-256 over the project's SQL and seed files below ``folders``, as 64 hex digits.

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
