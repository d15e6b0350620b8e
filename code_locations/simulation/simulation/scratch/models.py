"""The models' SQL as dbt executes it: built once in a scratch warehouse, then kept.

dbt takes ten seconds for it, and the SQL is the same for every scenario, seed and workforce.
So it is kept beside the parsed project, for as long as neither the project nor dbt changes.
"""

import hashlib
import os
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from shared_lib.dbt.compiled import Statement, load_statements
from shared_lib.dbt.project import (
    DBT_EXECUTABLE,
    PROJECT_DIRECTORY,
    TARGET_DIRECTORY,
    target_directory,
)
from shared_lib.discovery.dbt.sections import selection_of
from simulation.report.files import replaced

_STATEMENTS = TypeAdapter(tuple[Statement, ...])
_FILES = frozenset({".sql", ".csv", ".yml"})


class ScratchFailedError(RuntimeError):
    """dbt could not build the models in the scratch warehouse; the message is dbt's."""


def model_statements(
    years: range, folder: Path, open_warehouse: Callable[[Path], None]
) -> tuple[Statement, ...]:
    """Return what dbt executes to build the models, each with its inputs before it.

    Args:
        years: the years to simulate, with a batch for each.
        folder: a folder for a scratch warehouse and dbt's files, used unless the SQL is kept.
        open_warehouse: creates the scratch warehouse and opens a run of the years in it.

    Raises:
        ScratchFailedError: dbt fails.
    """
    kept = target_directory("simulation") / f"statements-{_digest()}-{years[0]}.json"
    if kept.is_file():
        statements = _STATEMENTS.validate_json(kept.read_bytes())
        batches = {each.year for each in statements}
        if batches.issuperset(years):
            return tuple(each for each in statements if each.year is None or each.year in years)
    warehouse = folder / "simulation.duckdb"
    open_warehouse(warehouse)
    statements = _build(warehouse, years)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with replaced(kept) as unfinished:
        unfinished.write_bytes(_STATEMENTS.dump_json(statements))
    for other in kept.parent.glob(f"statements-*-{years[0]}.json"):
        if other != kept:
            other.unlink(missing_ok=True)
    return statements


def _digest() -> str:
    """Return 16 hex digits of all that the SQL depends on: the project, its place and dbt."""
    versions = [version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")]
    others = (str(PROJECT_DIRECTORY), selection_of("simulation"), versions)
    digest = hashlib.sha256(repr(others).encode())
    for path in sorted(PROJECT_DIRECTORY.rglob("*")):
        if path.suffix in _FILES and not path.is_relative_to(TARGET_DIRECTORY):
            digest.update(f"{path.relative_to(PROJECT_DIRECTORY)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build(warehouse: Path, years: range) -> tuple[Statement, ...]:
    target = warehouse.with_name("target")
    built = subprocess.run(  # noqa: S603 - dbt of this environment
        [
            DBT_EXECUTABLE,
            *("--quiet", "build", *selection_of("simulation")),
            *("--resource-type", "model", "--resource-type", "seed", "--profiles-dir", "."),
            *("--event-time-start", f"{years[0]}-01-01"),
            *("--event-time-end", f"{years[-1] + 1}-01-01"),
        ],
        cwd=PROJECT_DIRECTORY,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(warehouse),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        message = f"dbt build failed in a scratch warehouse:\n{built.stdout}{built.stderr}"
        raise ScratchFailedError(message)
    return load_statements(target, years=years)
