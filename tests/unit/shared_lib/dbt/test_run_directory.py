"""What dbt wrote is kept for a while, and not for ever."""

import os
from pathlib import Path

from shared_lib.dbt_step.run_directory import KEPT_DIRECTORIES, new_run_directory

RUN = "0a1b2c3d-0000-0000-0000-000000000000"


def test_the_newest_of_a_step_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    other = [tmp_path / "compiled", tmp_path / "models_of_bank-0a1b2c3d-00000000"]
    for directory in other:
        directory.mkdir()
        os.utime(directory, (0, 0))
    (tmp_path / "manifest.json").touch()
    made = []
    for age in range(KEPT_DIRECTORIES + 5):
        made.append(new_run_directory(tmp_path, step="models", run_id=RUN))
        (made[-1] / "dbt.log").touch()
        os.utime(made[-1], (1_000 + age, 1_000 + age))
    left = {path for path in made if path.exists()}
    assert left == set(made[-KEPT_DIRECTORIES:])
    assert all(directory.exists() for directory in other)
    assert (tmp_path / "manifest.json").exists()
