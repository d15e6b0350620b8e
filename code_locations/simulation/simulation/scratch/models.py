"""The models as dbt executes them, built once in a warehouse that is thrown away."""

import os
import subprocess
from pathlib import Path

from shared_lib.dbt.compiled import Statement, load_statements
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of


class ScratchFailedError(RuntimeError):
    """dbt could not build the models in the scratch warehouse; the message is dbt's."""


def build_models(warehouse: Path, years: range) -> tuple[Statement, ...]:
    """Build the models with dbt, and return what it executed.

    Args:
        warehouse: a file in which a run of the years is open; dbt's target is made beside it.
        years: the years to simulate.

    Raises:
        ScratchFailedError: dbt fails.
    """
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
