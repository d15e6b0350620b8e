"""The screen that shows how a census file is read, and the mapping that it writes."""

from pathlib import Path

import pytest

from simulation.census.__main__ import main
from simulation.config import load_scenario
from simulation.run.__main__ import main as run

EXPORT = """Staff list;;;
Personnel No;Date of Joining;Base Salary EUR;Office
1001;17/06/2011;160.227,00;Bonn
1002;03/04/2012;66.146,50;Wien
Summe;;226.373,50;
"""
HOURLY = "id,hired,Hourly Rate\nE1,2011-06-17,25.50\nE2,2012-06-17,30.10\n"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    return path


def test_the_screen_shows_columns_formats_assumptions_and_what_is_left_out(
    export: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["inspect", str(export)]) == 0
    screen = capsys.readouterr().out
    for line in (
        "Personnel No     employee_id          by its name            1001, 1002, Summe",
        "Office           -                    not needed             Bonn, Wien",
        "Date of Joining: day/month/year",
        "1 row before the header skipped: Staff list;;;",
        "Base Salary EUR: a comma precedes the decimals",
        "1 row set aside, a row of totals: row 3, Summe",
        "2 people (100%) have no birth date: their ages are invented",
        "3 rows: 2 people, 0 left before, 1 set aside, 0 rejected",
    ):
        assert line in screen


def test_a_written_mapping_reads_the_file_in_the_same_way_and_may_be_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, mapping = tmp_path / "hourly.csv", tmp_path / "mapping.yaml"
    path.write_text(HOURLY)
    assert main(["inspect", str(path), "--write", str(mapping)]) == 1
    assert "pay_factors: {hourly: 2080}" in capsys.readouterr().out
    mapping.write_text(mapping.read_text() + "pay_factors: {hourly: 2080}\n")
    assert main(["inspect", str(path), "--mapping", str(mapping)]) == 0
    assert "hourly pay is multiplied by 2080 to be annual" in capsys.readouterr().out
    mapping.write_text(mapping.read_text() + "pay_factor: 3\n")
    assert main(["inspect", str(path), "--mapping", str(mapping)]) == 2
    assert "pay_factor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--census", "nowhere.csv"], "there is no such census file"),
        (["--census", __file__], "a census file is named .csv"),
        (["--scenario", "basline"], "no scenario 'basline'"),
        (["--census", "{export}", "--mapping", "none"], "no census mapping is called 'none'"),
        (["--census", "{export}", "--mapping", "none.yaml"], "none.yaml: no such file"),
        (["--census", "{other}"], "no column was recognised as hire_date or annual"),
    ],
)
def test_an_error_that_shows_beforehand_stops_before_a_run_exists(
    export: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    other = tmp_path / "other.csv"
    other.write_text("colour,colour of eyes\nred,blue\nred,green\n")
    status = run([word.format(export=export, other=other) for word in arguments])
    assert status == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_second_positions_are_a_setting():
    assert load_scenario("baseline").census.second_positions == "sum"
