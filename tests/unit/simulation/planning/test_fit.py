"""A fit recovers what was planted in an invented history, as far as its exposure carries."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.unit.simulation.planning.planted_history import DEPARTMENTS, GROWTH, RAISE, written

from simulation.config import load_scenario
from simulation.planning.__main__ import main
from simulation.planning.fitting import Fit, fit
from simulation.planning.history import HistoryError, read_history
from simulation.planning.leaving import fit_leaving
from simulation.planning.scenario_file import write_scenario
from simulation.planning.spread import relative_dispersion


def fitted(paths: list[Path]) -> Fit:
    with duckdb.connect() as connection:
        return fit(connection, read_history(connection, paths, mappings={}))


def cells(exposed: pd.DataFrame) -> dict[str, np.ndarray]:
    groups = [column for column in exposed if column != "left"]
    counts = exposed.groupby(groups).left.agg(["size", "sum"]).reset_index()
    counts = counts.rename(columns={"size": "people", "sum": "left"})
    return {str(column): counts[column].to_numpy() for column in counts}


def test_departments_hire_for_their_leavers_and_a_part_of_their_growth(tmp_path: Path):
    """Recomputed from the files: who is gone and who is new, by department, over two years."""
    paths = written(tmp_path, size=6000, rate=0.1, years=3)
    found = fitted(paths)

    first, second, third = (pd.read_csv(path) for path in paths)
    moved = pd.DataFrame(0.0, index=list(DEPARTMENTS), columns=["start", "left", "hired"])
    for before, after in ((first, second), (second, third)):
        moved["start"] += before.groupby("department").size()
        moved["left"] += before[~before.id.isin(after.id)].groupby("department").size()
        moved["hired"] += after[~after.id.isin(before.id)].groupby("department").size()
    moved["last"] = third.groupby("department").size()
    moved["recent"] = third[~third.id.isin(second.id)].groupby("department").size()
    leaving = moved["last"] * moved["left"] / moved["start"]
    growth = moved["last"] * (moved["hired"] - moved["left"]) / moved["start"]
    expected = leaving + growth * 2 / 3  # of two years
    factors = expected / expected.sum() / (moved["recent"] / moved["recent"].sum())

    assert [each.name for each in found.hiring] == list(DEPARTMENTS)
    for each in found.hiring:
        assert each.hired == moved["recent"][each.name]
        assert each.grown == pytest.approx(growth[each.name] * 2 / 3)
        assert each.factor == pytest.approx(factors[each.name], rel=0.05)
    # hires go to departments alike, so that those who lose few people grow
    care, _, yard = found.hiring
    assert care.grown < 0 < yard.grown
    assert found.settings["hiring"]["hiring_by_department"]["Yard"] == round(yard.factor, 4)


def test_leaving_by_job_family_is_fitted_where_the_censuses_have_families(tmp_path: Path):
    """The planted rates are those of families here, and departments leave alike."""
    paths = written(tmp_path, size=6000, rate=0.1)
    random = np.random.default_rng(1)
    for path in paths:
        people = pd.read_csv(path).rename(columns={"department": "job family"})
        people["job family"] = people["job family"].replace("Yard", None)
        people["department"] = people.id.str[-1].map(lambda digit: f"Site {int(digit) % 2}")
        people.loc[random.random(len(people)) < 0.02, "job family"] = (
            "Old" if path is paths[0] else None
        )
        people.to_csv(path, index=False)
    thin = fitted(paths)
    # a third are in no family
    assert "leaving_by_job_family" not in thin.settings["workforce"]
    for path in paths:
        people = pd.read_csv(path)
        people["job family"] = people["job family"].fillna("Yard")
        people.loc[people.index % 20 == 0, "job family"] = None
        people.to_csv(path, index=False)
    found = fitted(paths)
    factors = found.settings["workforce"]["leaving_by_job_family"]
    # nobody of the last census is in the family Old, so that a run would not know it
    assert {factor.name for factor in found.leaving.of("job_family")} == {
        "Care", "Desk", "Yard", "Old", "none",
    }  # fmt: skip
    assert factors.keys() == DEPARTMENTS.keys()
    for name, planted in DEPARTMENTS.items():
        assert factors[name] / factors["Desk"] == pytest.approx(planted, rel=0.25)
    for factor in found.leaving.of("department"):
        assert factor.fitted == pytest.approx(1, abs=0.15)
    write_scenario(tmp_path / "fitted.yaml", "fitted", found)
    settings = load_scenario("fitted", path=tmp_path / "fitted.yaml")
    assert settings.workforce.leaving_by_job_family == factors
    lines = (tmp_path / "fitted.yaml").read_text("utf-8").splitlines()
    [care] = [line for line in lines if line.strip().startswith("Care: ")]
    assert " exposed, " in care


def test_planted_rates_are_recovered_within_their_intervals(tmp_path: Path):
    found = fitted(written(tmp_path, size=6000, rate=0.1, years=3, levels=True))

    factors = {factor.name: factor for factor in found.leaving.of("department")}
    for name, planted in DEPARTMENTS.items():
        ratio = factors[name].fitted / factors["Desk"].fitted
        assert ratio == pytest.approx(planted, rel=0.2)
    assert factors["Care"].low > factors["Desk"].high > factors["Desk"].low > factors["Yard"].high
    for factor in found.leaving.of("tenure_band"):  # where nothing was planted
        assert factor.fitted == pytest.approx(1, abs=0.2)
    raised, promoted = (
        found.number(f"compensation.{name}") for name in ("cola_rate", "promotion_rate")
    )
    assert raised.value == pytest.approx(RAISE, abs=1e-4)
    assert promoted.low < 0.1 < promoted.high
    growth = found.number("simulation.target_growth_rate")
    assert growth.observed == pytest.approx(GROWTH, abs=1e-3)
    assert growth.value == pytest.approx(GROWTH * 2 / 3, abs=1e-3)  # of two years
    assert {snapshot.day.isoformat()[5:] for snapshot in found.snapshots} == {"12-31"}


def test_nine_of_ten_intervals_have_the_planted_factor():
    tenures = {"<2": 1.5, "2-4": 1.0, "5-9": 0.7}
    inside = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        exposed = pd.DataFrame(
            {
                "department": random.choice(list(DEPARTMENTS), 3000),
                "tenure_band": random.choice(list(tenures), 3000),
                "fold": random.integers(0, 5, 3000),
            }
        )
        planted = {
            "department": exposed.department.map(DEPARTMENTS),
            "tenure_band": exposed.tenure_band.map(tenures),
        }
        hazard = 0.1 * planted["department"] * planted["tenure_band"]
        exposed["left"] = random.random(len(exposed)) < 1 - np.exp(-hazard)
        for factor in fit_leaving(cells(exposed), groups=("department", "tenure_band")).factors:
            true = np.log({**DEPARTMENTS, **tenures}[factor.name])
            relative = np.exp(true - np.log(planted[factor.group]).mean())
            inside.append(factor.low < relative < factor.high)
    assert np.mean(inside) >= 0.75  # of 24 with 0.9 each, fewer than 18 are one in a hundred


@pytest.mark.parametrize("seed", range(3))
def test_more_exposure_means_less_shrinkage(seed: int):
    random = np.random.default_rng(seed)
    sizes = {"a": 4000, "b": 1000, "c": 100, "d": 20}
    exposed = pd.DataFrame({"department": np.repeat(list(sizes), list(sizes.values()))})
    exposed["fold"] = random.integers(0, 5, len(exposed))
    exposed["left"] = random.random(len(exposed)) < 0.1
    factors = fit_leaving(cells(exposed), groups=("department",)).factors

    kept = [factor.credibility for factor in sorted(factors, key=lambda each: -each.exposed)]
    assert kept == sorted(kept, reverse=True)
    assert all(0 < each < 1 for each in kept)
    widths = {factor.name: factor.high / factor.low for factor in factors}
    assert widths["a"] == min(widths.values())


def test_a_group_without_a_leaver_has_no_factor_of_zero():
    exposed = pd.DataFrame({"department": ["a"] * 500 + ["b"] * 10})
    exposed["fold"] = [position % 5 for position in range(510)]
    exposed["left"] = [position % 8 == 0 for position in range(500)] + [False] * 10
    b = fit_leaving(cells(exposed), groups=("department",)).factors[1]
    assert (b.name, b.raw) == ("b", 0.0)
    assert 0.2 < b.fitted < 1


def test_the_command_writes_a_scenario_that_the_loader_accepts_and_says_where_it_is_thin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    paths = written(tmp_path, size=400, rate=0.1)
    target = tmp_path / "fits" / "ours.yaml"

    assert main(["fit", *map(str, paths), "--scenario", "ours", "--write", str(target)]) == 0

    settings = load_scenario("ours", path=target)
    assert settings.simulation.start_year == 2022
    assert settings.workforce.leaving_by_department.keys() == DEPARTMENTS.keys()
    assert settings.opening_date.isoformat() == "2021-12-31"
    uncertainty = settings.uncertainty
    assert uncertainty.leaving_by_department.keys() == DEPARTMENTS.keys()
    assert uncertainty.hiring_by_department.keys() <= DEPARTMENTS.keys()
    assert uncertainty.cola_rate == pytest.approx(RAISE, rel=0.2), "after one year"
    printed = capsys.readouterr().out
    assert "one year passed between the censuses" in printed
    assert "fewer than 100" in printed
    assert "no levels: five bands of pay" in printed
    text = target.read_text(encoding="utf-8")
    assert printed.count("exposed,") == text.count("exposed,") > 10
    assert f"Page: {tmp_path / 'reports' / 'fit-ours-2020-2021.html'}" in printed


def test_a_scenario_that_exists_is_not_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    paths = written(tmp_path, size=200, rate=0.1)
    target = tmp_path / "new.yaml"
    assert main(["fit", *map(str, paths), "--scenario", "baseline", "--write", str(target)]) == 2
    assert "baseline" in capsys.readouterr().err
    assert not target.exists()
    assert not (tmp_path / "reports").exists()


def test_a_history_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path):
    first, second = written(tmp_path, size=200, rate=0.1)
    later = tmp_path / "staff_2023.csv"
    later.write_text(second.read_text())
    nameless = tmp_path / "staff.csv"
    nameless.write_text(second.read_text())
    strangers = tmp_path / "others_2021.csv"
    strangers.write_text(second.read_text().replace("P", "Q"))
    same = tmp_path / "same_2021.csv"
    same.write_text(first.read_text())
    for paths, complaint in (
        ([first], "1 yearly census is too little history"),
        ([first, later], "2020 is followed by 2023"),
        ([first, nameless], "the name has no year"),
        ([second, strangers], "is of 2021 too"),
        ([first, strangers], "0 of the 200 people of 2020 are in it"),
        ([first, same], "everybody of the years before is still there"),
    ):
        with pytest.raises(HistoryError, match=complaint):
            fitted(paths)


def test_a_dispersion_is_what_chance_does_not_explain():
    random = np.random.default_rng(3)
    expected = random.uniform(20, 200, 2000)
    by_chance = random.poisson(expected)
    differing = random.poisson(expected * random.gamma(4, 1 / 4, 2000))  # deviates by a half
    assert relative_dispersion(list(zip(by_chance, expected, strict=True))) < 0.01
    found = relative_dispersion(list(zip(differing, expected, strict=True)))
    assert found == pytest.approx(0.25, rel=0.15)
    assert relative_dispersion([]) == 0


def test_more_years_show_how_years_differ(tmp_path: Path):
    alike = fitted(written(tmp_path, size=3000, rate=0.1, years=4)).settings["uncertainty"]
    first = fitted(written(tmp_path, size=3000, rate=0.1, years=4)[:2]).settings["uncertainty"]
    assert alike["cola_rate"] < 0.001 < RAISE - 0.001 < first["cola_rate"]
    assert alike["leaving_by_department"]["Care"] < first["leaving_by_department"]["Care"]
