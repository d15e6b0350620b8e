"""What the progress of a run leaves out."""

import inspect
import logging
from pathlib import Path

import dagster as dg
from dagster._core.execution.context import data_version_cache

from simulation.run.progress import progress_logger

# of a run of another scenario, which has materialised the same view meanwhile
MISMATCH = "Data version mismatch for asset {key}. Data version from materialization within"


def test_what_dagster_says_of_another_runs_views_is_left_out(tmp_path: Path) -> None:
    assert MISMATCH in inspect.getsource(data_version_cache)
    with (tmp_path / "progress.txt").open("w+") as file:
        context = dg.build_init_logger_context({"descriptor": file.fileno()})
        logger = progress_logger(context)
        assert isinstance(logger, logging.Logger)
        for text in ("a year is complete", MISMATCH.format(key="stg_hazards")):
            logger.warning(text)
        file.seek(0)
        assert [line.split(" s ")[1].strip() for line in file] == ["a year is complete"]
