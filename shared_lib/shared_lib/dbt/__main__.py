"""``python -m shared_lib.dbt prepare``: parse the project ahead of whoever needs it."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from shared_lib.dbt.lineage import compute_column_lineage, write_column_lineage
from shared_lib.dbt.project import (
    DBT_EXECUTABLE,
    DUCKDB_PATH_VARIABLE,
    PROJECT_DIRECTORY,
    TARGET_DIRECTORY,
)
from shared_lib.environment import current_settings


def prepare(location: str = "simulation") -> None:
    """Write the manifest, dbt's own parse cache and the column lineage into ``target/``.

    Raises:
        subprocess.CalledProcessError: dbt could not parse or compile the project.
    """
    warehouse = current_settings().warehouse_path(location)
    # With the very profile of the runs: another path would make each of them parse again. From
    # scratch: dbt 1.11 loses the properties of singular tests when it parses only what changed.
    _dbt("parse", "--no-partial-parse", target=TARGET_DIRECTORY, warehouse=str(warehouse))
    with tempfile.TemporaryDirectory(prefix="dbt-compile-") as scratch:
        # In memory, so that a run in progress does not keep the file from being opened.
        _dbt("compile", target=Path(scratch), warehouse=":memory:")
        manifest = json.loads((Path(scratch) / "manifest.json").read_text(encoding="utf-8"))
    write_column_lineage(compute_column_lineage(manifest), TARGET_DIRECTORY)


def _dbt(*command: str, target: Path, warehouse: str) -> None:
    subprocess.run(  # noqa: S603 - our own environment's dbt with fixed arguments
        [DBT_EXECUTABLE, "--quiet", *command, "--profiles-dir", ".", "--target-path", target,
         "--log-path", target],
        cwd=PROJECT_DIRECTORY,
        env={**os.environ, DUCKDB_PATH_VARIABLE: warehouse},
        check=True,
    )  # fmt: skip


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.dbt", description=__doc__)
    parser.add_argument("command", choices=["prepare"], help="parse the project and keep it")
    parser.parse_args()
    prepare()


if __name__ == "__main__":
    main()
