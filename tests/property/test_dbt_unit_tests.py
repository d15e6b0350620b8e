"""dbt's own unit tests of the rules, which runs leave out."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of


def test_the_rules_pass_their_dbt_unit_tests(compiled_project: Path) -> None:
    home = compiled_project.parent
    # parsed already, of the same warehouse
    (home / "unit").mkdir()
    shutil.copy(compiled_project / "partial_parse.msgpack", home / "unit")
    run = subprocess.run(
        [
            DBT_EXECUTABLE,
            *("test", *selection_of("simulation"), "--resource-type", "unit_test"),
            *("--profiles-dir", "."),
        ],
        cwd=PROJECT_DIRECTORY,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(home / "simulation.duckdb"),
            "DBT_TARGET_PATH": str(home / "unit"),
            "DBT_LOG_PATH": str(home / "unit"),
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    results = json.loads((home / "unit" / "run_results.json").read_text())["results"]
    assert len(results) >= 16
    assert {result["status"] for result in results} == {"pass"}
