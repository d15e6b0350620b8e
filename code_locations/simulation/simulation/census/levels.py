"""The job levels, as their seed defines them."""

import csv

from shared_lib.dbt.project import PROJECT_DIRECTORY

JOB_LEVELS_SEED = PROJECT_DIRECTORY / "seeds" / "job_levels.csv"


def top_level() -> int:
    """Return the highest job level."""
    with JOB_LEVELS_SEED.open(encoding="utf-8", newline="") as lines:
        return max(int(row["level"]) for row in csv.DictReader(lines))
