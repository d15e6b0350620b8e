"""The list of all reports, the link to the latest, and the table on the asset's page."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.support.report_marts import GROWTH, Scenario, report_marts

from simulation.report import LATEST, write_index, write_picture, write_report, years_table

HOSTILE = "<script>alert(1)</script> & #1.html?x"


def written(folder: Path, name: str, *, at: int, scenario: str = "baseline") -> Path:
    path = write_report(
        report_marts(Scenario(name=scenario)), scenario_id=scenario, path=folder / name
    )
    os.utime(path, (at, at))
    return path


def test_all_reports_are_listed_newest_first_and_latest_is_the_first(tmp_path: Path) -> None:
    written(tmp_path, "old.html", at=86_400)
    newest = written(tmp_path, "a#1.html", at=3 * 86_400, scenario=HOSTILE)
    written(tmp_path, "middle.html", at=2 * 86_400)

    text = write_index(tmp_path).read_text(encoding="utf-8")

    places = [text.index(f'href="{name}"') for name in ("a%231.html", "middle.html", "old.html")]
    assert places == sorted(places)
    assert "1970-01-04 00:00" in text
    assert "the workforce grows from 1,000 to 1,061 employees" in text
    assert "<script" not in text
    assert (tmp_path / LATEST).resolve() == newest.resolve()
    assert (tmp_path / LATEST).read_text(encoding="utf-8") == newest.read_text(encoding="utf-8")


def test_the_list_follows_new_reports_and_leaves_no_other_file(tmp_path: Path) -> None:
    written(tmp_path, "one.html", at=1)
    write_index(tmp_path)
    two = written(tmp_path, "two.html", at=2)
    (tmp_path / "notes.html").write_text("<title>Notes</title>", encoding="utf-8")

    text = write_index(tmp_path).read_text(encoding="utf-8")

    assert "2 in this folder" in text
    assert "notes.html" not in text
    assert (tmp_path / LATEST).resolve() == two.resolve()
    assert {path.name for path in tmp_path.iterdir()} == {
        "one.html",
        "two.html",
        "notes.html",
        "index.html",
        LATEST,
    }


def test_comparisons_are_listed_and_latest_stays_a_report(tmp_path: Path) -> None:
    report = written(tmp_path, "report.html", at=1)
    title = "<title>Workforce comparison 2025: hiring_freeze against baseline</title>"
    (tmp_path / "comparison.html").write_text(title, encoding="utf-8")

    text = write_index(tmp_path).read_text(encoding="utf-8")

    assert text.index('href="comparison.html"') < text.index('href="report.html"')
    assert (tmp_path / LATEST).resolve() == report.resolve()
    report.unlink()
    (tmp_path / LATEST).unlink()
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert "comparison.html" in text
    assert LATEST not in text


def test_a_list_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    written(tmp_path, "one.html", at=1)
    (tmp_path / "index.html").mkdir()

    with pytest.raises(OSError, match="index"):
        write_index(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"one.html", "index.html", LATEST}


def test_table_of_years_has_the_movement_of_each_year() -> None:
    lines = years_table(report_marts(), "baseline").replace("\xa0", " ").splitlines()

    assert len({line.count("|") for line in lines}) == 1
    for line, year in zip(lines[2:], GROWTH, strict=True):
        left = year.experienced + year.reductions + year.new_hire
        assert line.startswith(
            f"| {year.year} | {year.start:,} | {year.hires} | {left} | {year.end:,} | "
        )
        assert f"| {year.end * 100_000 / 1e6:.1f} |" in line


def test_the_picture_for_dagster_shows_the_years_without_the_page(tmp_path: Path):
    path = tmp_path / "report.svg"

    shown = write_picture(report_marts(), "baseline", path)

    picture = ET.parse(path)
    texts = {"".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"2024", "1,000", "1,061", "100.0", "106.1"} <= texts
    drawn = path.read_text(encoding="utf-8")
    assert set(re.findall(r"var\((--[\w-]+)", drawn)) <= set(re.findall(r"(--[\w-]+):", drawn))
    assert shown.startswith("Headcount grows from 1,000 to 1,061")
    assert "Payroll grows from USD" in shown
    assert list(tmp_path.iterdir()) == [path]
