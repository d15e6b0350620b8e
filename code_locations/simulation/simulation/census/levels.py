"""The job levels and their pay bands, as their seed defines them."""

import csv
from collections.abc import Mapping

from shared_lib.dbt.project import PROJECT_DIRECTORY

JOB_LEVELS_SEED = PROJECT_DIRECTORY / "seeds" / "job_levels.csv"


# The lowest and the highest annual pay of each level.
PayBands = Mapping[int, tuple[float, float]]


def pay_bands() -> dict[int, tuple[float, float]]:
    """Return the lowest and the highest annual pay of each level, the lowest level first."""
    with JOB_LEVELS_SEED.open(encoding="utf-8", newline="") as lines:
        bands = {
            int(row["level"]): (float(row["min_compensation"]), float(row["max_compensation"]))
            for row in csv.DictReader(lines)
        }
    return dict(sorted(bands.items()))


def top_level() -> int:
    """Return the highest job level."""
    return max(pay_bands())
