"""Parse the dbt project in advance, for each location that has models."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from shared_lib.configuration.environment import current_settings
from shared_lib.dbt.lineage import compute_column_lineage, write_column_lineage
from shared_lib.dbt.project import (
    DBT_EXECUTABLE,
    DUCKDB_PATH_VARIABLE,
    PROJECT_DIRECTORY,
    TARGET_DIRECTORY,
)
from shared_lib.dbt.variables import variable_arguments
from shared_lib.discovery.dbt.sections import declared_models
from shared_lib.warehouse.setting import Backend, backend_of

# The number of additional processes; each needs 0.3 GB and most of a core.
_AT_A_TIME = 2


def prepare() -> list[str]:
    """Write manifest, dbt's own parse cache and column lineage into ``target/<location>/``.

    Returns:
        The locations whose ``orchestration.yaml`` has a section ``dbt``.

    Raises:
        subprocess.CalledProcessError: dbt could not parse or compile the project.
        ConfigurationError: a location's file is wrong.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        # the longest task first, while Dagster is imported
        compiled = pool.submit(_compile)
        models = declared_models()
        locations = sorted(models)
        directories = [TARGET_DIRECTORY / location for location in locations]
        parses = [
            pool.submit(parse, location, directory, variables=models[location].vars)
            for location, directory in zip(locations, directories, strict=True)
        ]
        lineage = compute_column_lineage(compiled.result())
        for parsed in parses:
            parsed.result()
    for directory in directories:
        # it names nodes and columns but no database, so all locations share it
        write_column_lineage(lineage, directory)
    return locations


def parse(location: str, target: Path, *, variables: Mapping[str, Any] | None = None) -> None:
    """Write the manifest and dbt's own parse cache, with the profile of the location's runs.

    Args:
        location: the location whose warehouse path the profile has.
        target: the directory to write to.
        variables: the section ``dbt`` of the location has them; default: none.

    Raises:
        subprocess.CalledProcessError: dbt could not parse the project.
    """
    # With another path each run would parse again. Parse from scratch: dbt 1.11 loses the
    # properties of singular tests when it parses only what changed.
    warehouse = current_settings().warehouse_path(location)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".parse-", dir=target.parent) as scratch:
        lake = ["--target", "lake"] if backend_of(location) is Backend.LAKE else []
        options = ["--no-partial-parse", *lake, *variable_arguments(variables or {})]
        _dbt("parse", *options, target=Path(scratch), warehouse=str(warehouse))
        # each whole at once: another process may be reading those of before
        target.mkdir(exist_ok=True)
        for path in Path(scratch).iterdir():
            path.replace(target / path.name)


def _compile() -> Mapping[str, Any]:
    """Return the manifest with the SQL of every model."""
    with tempfile.TemporaryDirectory(prefix="dbt-compile-") as scratch:
        # In memory, because a run in progress would block opening the file.
        _dbt("compile", target=Path(scratch), warehouse=":memory:")
        return json.loads((Path(scratch) / "manifest.json").read_text(encoding="utf-8"))


def _dbt(*command: str, target: Path, warehouse: str) -> None:
    subprocess.run(  # noqa: S603 - our own environment's dbt with fixed arguments
        [DBT_EXECUTABLE, "--quiet", *command, "--profiles-dir", ".", "--target-path", target,
         "--log-path", target],
        cwd=PROJECT_DIRECTORY,
        env={**os.environ, DUCKDB_PATH_VARIABLE: warehouse},
        check=True,
    )  # fmt: skip
