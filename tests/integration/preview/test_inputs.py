"""The tables that a preview builds from: copied, never written."""

import hashlib
from pathlib import Path

import duckdb
import pytest
from preview import simulation_inputs
from preview.inputs import copy_inputs

RUN, WORKFORCE = ("raw", "simulation_run"), ("raw", "baseline_workforce_validated")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of a platform without warehouses."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_a_stored_warehouse_is_copied_and_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    stored = data / "simulation.duckdb"
    simulation_inputs.generate(stored)
    with duckdb.connect(str(stored)) as connection:
        # a run that went on from a stored year
        connection.execute("update raw.simulation_run set first_year = 2027")
    before = hashlib.sha256(stored.read_bytes()).hexdigest()

    inputs = copy_inputs(
        {"simulation": {RUN, WORKFORCE, ("raw", "of_another_release")}},
        tmp_path / "preview.duckdb",
        scratch=tmp_path,
        say=lambda _: None,
    )

    assert hashlib.sha256(stored.read_bytes()).hexdigest() == before
    assert inputs.missing == {"simulation": ["raw.of_another_release"]}
    assert inputs.arguments["simulation"] == [
        *("--event-time-start", "2025-01-01", "--event-time-end", "2028-01-01"),
    ]
    assert inputs.notes["simulation"].startswith("the tables of the stored warehouse; ")
    with duckdb.connect(str(tmp_path / "preview.duckdb")) as connection:
        # it begins with the first year of the scenario, whose rows are all built anew
        assert connection.execute("select first_year from raw.simulation_run").fetchall() == [
            (2025,)
        ]
        assert connection.execute(
            "select count(*) from raw.baseline_workforce_validated"
        ).fetchall() == [(1000,)]


def test_of_a_location_without_warehouse_and_generated_data_no_rows_are_compared(
    data: Path, tmp_path: Path
) -> None:
    inputs = copy_inputs(
        {"marketing": {("raw", "campaigns")}},
        tmp_path / "preview.duckdb",
        scratch=tmp_path,
        say=lambda _: None,
    )
    assert inputs.missing == {"marketing": ["raw.campaigns"]}
    assert inputs.notes["marketing"] == "it has no warehouse yet, so rows cannot be compared"
    assert list(data.iterdir()) == []
