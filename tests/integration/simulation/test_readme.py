"""What README shows of `make run` is what a run has today."""

from pathlib import Path

import duckdb
import pytest
from tests.end_to_end.pictures import (
    PICTURE,
    PLAN_PICTURE,
    README,
    changed_plan,
    figures_of,
    table_of,
)
from tests.integration.simulation.launching import run_to_its_end

from simulation.report import years_table


@pytest.mark.usefixtures("platform")
def test_table_and_pictures_in_readme_have_the_figures_of_a_fresh_run(parsed_platform: Path):
    ended = run_to_its_end(directory=parsed_platform)
    assert ended.status == 0, ended.progress
    warehouse = parsed_platform / "data" / "simulation.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        table = years_table(connection, "baseline")

    assert table_of(README.read_text(encoding="utf-8")) == table, "make pictures writes it"
    assert table.encode() in PICTURE.read_bytes(), "make pictures writes it"
    with changed_plan({}) as page:
        figures = figures_of(page)
    assert figures.encode() in PLAN_PICTURE.read_bytes(), "make pictures writes it"
