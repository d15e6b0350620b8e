"""The page of a fit shows what the files say and what the scenario makes of it, recomputed here."""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.unit.simulation.planning.planted_history import DEPARTMENTS, written

from simulation.backtest.comparison import Figure, Step
from simulation.config.tables import seed_rows
from simulation.history_pages.backtest_page import write_backtest
from simulation.history_pages.kept_backtests import keep_backtest
from simulation.history_pages.making import WrittenFit, fit_history

HOSTILE = "<img src=x onerror=alert(1)> & 'Yard'"
STEP = Step(
    2022,
    [
        Figure("headcount", 5_000, 5_010, 5_100, 4_900),
        Figure("AUC of leaving", 1.0, 0.6831, 0.5, 0.5),
    ],
    {"payroll": [Figure(HOSTILE, 3_000_000, 2_900_000, 3_050_000, 2_800_000)]},
)


class Tables(HTMLParser):
    """The cells of the tables of a page, by the name that each table has."""

    def __init__(self, page: str):
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self._name, self._in_body, self._in_cell = "", False, False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "table":
            self._name = dict(attrs).get("data-group") or ""
            self.rows[self._name] = []
        self._in_body = self._in_body or tag == "tbody"
        if self._in_body and tag == "tr":
            self.rows[self._name].append([])
        if self._in_body and tag in ("td", "th"):
            self.rows[self._name][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_body = self._in_body and tag != "tbody"
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[self._name][-1][-1] += data

    def of(self, name: str) -> dict[str, list[str]]:
        return {row[0].strip(): row[1:] for row in self.rows[name]}


def number(text: str) -> float:
    plain = text.replace(",", "").replace("\N{MINUS SIGN}", "-").replace("±", "").strip()
    return float(plain.removesuffix("%").strip()) / (100 if plain.endswith("%") else 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit")


@pytest.fixture(scope="module")
def paths(folder: Path) -> list[Path]:
    return written(folder, size=1500, rate=0.1, years=3, levels=True, ages=True)


@pytest.fixture(scope="module")
def fitted(folder: Path, paths: list[Path]) -> WrittenFit:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORM_DATA_DIRECTORY", str(folder / "data"))
        keep_backtest([STEP], paths, folder / "data" / "fits")
        return fit_history(paths, scenario="ours")


@pytest.fixture(scope="module")
def page(fitted: WrittenFit) -> Tables:
    return Tables(fitted.page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def exposed(paths: list[Path], fitted: WrittenFit) -> pd.DataFrame:
    """Everybody of each year but the last, with the weight that the scenario's factors make."""
    scenario = yaml.safe_load(fitted.scenario_file.read_text(encoding="utf-8"))["scenarios"]["ours"]
    years = [pd.read_csv(path, parse_dates=["hired", "born"]) for path in paths]
    parts: list[Any] = []
    for year, (before, after) in enumerate(pairwise(years), start=2020):
        part = before.assign(year=year, left=~before.id.isin(after.id))
        part["next"] = part.id.map(after.set_index("id").salary)
        for kind, since in (("tenure", part.hired), ("age", part.born)):
            # the census is of 31 December, so that the years are completed
            completed = year - since.dt.year
            part[kind] = completed.map(
                {
                    count: row[f"{kind}_band"]
                    for row in seed_rows(f"{kind}_bands")
                    for count in range(int(row[f"min_{kind}"]), int(row[f"max_{kind}"]))
                }
            )
        parts.append(part)
    people = pd.concat(parts, ignore_index=True)
    hazard = people.department.map(scenario["workforce"]["leaving_by_department"])
    for kind, column in (("tenure", "tenure_band"), ("age", "age_band"), ("level", "level")):
        rows = scenario["tables"][f"termination_hazard_by_{kind}"]
        multipliers: Any = {row[column]: row["multiplier"] for row in rows}
        hazard = hazard * people[kind].map(multipliers)
    weighted = hazard * (1 - people.left / 2)
    people["expected"] = weighted * people.left.sum() / weighted.sum()
    return people


@pytest.mark.parametrize("group", ["tenure", "age", "level", "department"])
def test_observed_and_fitted_rates_are_those_of_the_files_and_of_the_scenario(
    group: str, page: Tables, exposed: pd.DataFrame
) -> None:
    shown = page.of(group)
    found = exposed.groupby(group)[["left", "expected"]].agg(["size", "sum"])
    assert shown.keys() == {str(name) for name in found.index}
    for name, row in found.iterrows():
        people, left, expected = row["left", "size"], row["left", "sum"], row["expected", "sum"]
        cells = [number(cell) for cell in shown[str(name)]]
        assert cells[:2] == [people, left]
        assert cells[2] == pytest.approx(left / people, abs=0.0006)
        assert cells[5] == pytest.approx(expected / people, abs=0.0011)
        alike, kept = cells[3], cells[4]
        assert 0 <= kept <= 1
        assert cells[6] < cells[5] < cells[7]
        # shrunk: not farther from alike than what was observed
        assert abs(cells[5] - alike) <= abs(cells[2] - alike) + 0.02


def test_the_fifths_of_pay_are_within_each_level(page: Tables, exposed: pd.DataFrame) -> None:
    fifths = []
    for _, part in exposed.sort_values(["salary", "id"]).groupby(["year", "level"]):
        fifths += [
            chosen.assign(fifth=place)
            for place, chosen in enumerate(
                part.iloc[rows] for rows in np.array_split(np.arange(len(part)), 5)
            )
        ]
    found = pd.concat(fifths).groupby("fifth")
    shown = list(page.of("pay position").values())
    assert len(shown) == 5
    for (_, part), cells in zip(found, shown, strict=True):
        assert [number(cell) for cell in cells[:2]] == [len(part), part.left.sum()]
        assert number(cells[3]) == pytest.approx(part.expected.mean(), abs=0.0011)
        assert number(cells[4]) < number(cells[2]) < number(cells[5])


def test_joiners_and_raises_are_those_of_the_files(
    page: Tables, paths: list[Path], exposed: pd.DataFrame
) -> None:
    years = [pd.read_csv(path) for path in paths]
    for place, (year, cells) in enumerate(page.of("years").items(), start=1):
        before, after = years[place - 1], years[place]
        joined = after[~after.id.isin(before.id)]
        stayed = exposed[(exposed.year == int(year) - 1) & ~exposed.left]
        values = [number(cell) for cell in cells]
        assert values[:4] == [
            len(before),
            len(before) - len(stayed),
            len(joined),
            len(after),
        ]
        assert values[4] == pytest.approx(len(after) / len(before) - 1, abs=0.0006)
        assert values[5] == pytest.approx(stayed.next.sum() / stayed.salary.sum() - 1, abs=0.0006)
        assert values[6:] == pytest.approx([after.salary.mean(), joined.salary.mean()], abs=1)
    stayed = exposed[~exposed.left].groupby("department")
    for name, cells in page.of("raises").items():
        part = stayed.get_group(name)
        assert number(cells[0]) == len(part)
        assert number(cells[1]) == pytest.approx(part.next.sum() / part.salary.sum() - 1, abs=6e-4)
    hired = page.of("hiring")
    assert hired.keys() == DEPARTMENTS.keys()
    assert sum(number(cells[3]) for cells in hired.values()) == pytest.approx(1, abs=0.002)
    assert sum(number(cells[4]) for cells in hired.values()) == pytest.approx(1, abs=0.002)


def test_each_number_of_the_scenario_is_on_the_page(page: Tables, fitted: WrittenFit) -> None:
    shown = page.of("numbers")
    numbers = fitted.evidence.fit.numbers
    assert len(shown) == len(numbers) == 4
    for (name, cells), each in zip(shown.items(), numbers, strict=True):
        assert name.startswith(each.name)
        section, _, key = each.name.partition(".")
        stated = fitted.evidence.fit.settings[section][key]
        assert number(cells[2]) == pytest.approx(stated, abs=6e-5)
        assert number(cells[5]) == pytest.approx(
            fitted.evidence.fit.settings["uncertainty"][key], abs=6e-5
        )


def test_the_page_asks_for_nothing_is_listed_and_has_the_last_backtest_of_its_files(
    page: Tables, fitted: WrittenFit, folder: Path
) -> None:
    text = fitted.page.read_text(encoding="utf-8")
    assert {"script", "link", "img"}.isdisjoint(page.tags)
    assert "Backtest on these censuses" in text
    assert "0.6831" in text
    assert "better than both naive forecasts in every figure" in text
    listed = (folder / "data" / "reports" / "index.html").read_text(encoding="utf-8")
    assert "Workforce fit ours, 2020 to 2022" in listed


def test_a_page_without_levels_has_bands_of_pay_and_no_backtest_of_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[Path]
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    keep_backtest([STEP], paths, tmp_path / "fits")
    fitted = fit_history(written(tmp_path, size=300, rate=0.2), scenario="ours")
    text = fitted.page.read_text(encoding="utf-8")
    assert list(Tables(text).of("pay position")) == ["1", "2", "3", "4", "5"]
    assert "level" not in Tables(text).rows
    assert "five bands of pay stand for them" in text
    assert "Backtest on these censuses" not in text


def test_the_page_of_a_backtest_says_what_is_nearer_and_escapes_names(tmp_path: Path) -> None:
    path = write_backtest([STEP], tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "2 of 2 simulated figures are nearer" in text
    assert "<img" not in text
    assert "3,000,000" in text
    assert "Workforce backtest 2022" in (tmp_path / "index.html").read_text(encoding="utf-8")
