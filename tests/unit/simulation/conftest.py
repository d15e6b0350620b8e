"""What tests of the census need."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.unit.simulation.census.exports import OPENING_DATE, Import, Imported

from simulation.census import (
    CensusMapping,
    publish_baseline,
    read_census,
    validate_census,
)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def census(tmp_path: Path) -> Path:
    return tmp_path / "census.csv"


@pytest.fixture
def imported() -> Import:
    def run(path: Path, *, sums_positions: bool = True, **settings: Any) -> Imported:
        mappings, name = {}, None
        if settings:
            mappings, name = {"stated": CensusMapping.model_validate(settings)}, "stated"
        with duckdb.connect() as connection:
            read_census(
                connection, path=path, scenario_id="city", mappings=mappings, mapping_name=name
            )
            verdict = validate_census(
                connection,
                scenario_id="city",
                census_name=path.name,
                opening_date=OPENING_DATE,
                top_level=5,
                reject_share_limit=0.05,
                sums_positions=sums_positions,
            )
            publish_baseline(connection, "city")
            return Imported(connection, verdict)

    return run


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, *, encoding: str = "utf-8", name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write
