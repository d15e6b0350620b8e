"""A simulated year of a real payroll stays within bounds of the best so far."""

from pathlib import Path

import dagster as dg
import pytest
from tests.unit.simulation.planning.planted_history import written

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dbt.compiled import Statement
from simulation.backtest.__main__ import main
from simulation.backtest.comparison import Figure, Step, backtest
from simulation.history_pages import making
from simulation.history_pages.kept_backtests import kept_backtest

PAYROLL = REPOSITORY_ROOT.parent / "shared" / "data" / "payroll"

# The largest distance from the real figure, as a share of it. Growth and turnover of the year
# were others than in the year before, which is all that the simulation knows.
FARTHEST = {
    "headcount": 0.028,
    "leavers": 0.101,
    "joiners": 0.146,
    "payroll, M": 0.018,
    "mean pay of joiners": 0.055,
    "leavers of tenure <2": 0.02,
    "leavers of tenure 2-4": 0.085,
    "leavers of tenure 5-9": 0.22,
    "leavers of tenure 10-19": 0.11,
    "leavers of tenure 20+": 0.063,
}
LEAST_NEARER = {"headcount": 21, "payroll": 21}  # departments, of 34: 60 %


@pytest.fixture(scope="module")
def step(statements: tuple[Statement, ...]) -> Step:
    if not PAYROLL.is_dir():
        pytest.skip("the payroll beside the repository is absent")
    paths = [PAYROLL / f"fy{year}.csv" for year in (2012, 2013, 2014)]
    return backtest(statements, paths, seeds=40)


def test_a_simulated_year_is_as_near_to_the_real_one_as_it_was(step: Step) -> None:
    figures = {figure.name: figure for figure in step.figures}

    assert FARTHEST.keys() < figures.keys()
    for name, farthest in FARTHEST.items():
        assert distance(figures[name]) <= farthest, figures[name]
    assert figures["payroll, M"].is_better
    auc, brier = figures["AUC of leaving"], figures["Brier score of leaving"]
    assert auc.simulated >= 0.687 > auc.last_year
    assert brier.simulated <= 0.1012 < brier.last_year
    for measure, least in LEAST_NEARER.items():
        assert sum(each.is_nearer for each in step.departments[measure]) >= least
    assert "not better than both naive forecasts: headcount" in step.words()[0]


def test_bands_of_80_percent_cover_70_to_90_percent_of_the_figures_of_departments(
    step: Step,
) -> None:
    cells = sum(each.cells for each in step.coverage)
    covered = sum(each.covered for each in step.coverage)
    assert cells == 34 * 5
    assert 0.7 <= covered / cells <= 0.9
    # Raises of that year were three times those of the one year before, which is all that is known.
    outside = [each.measure for each in step.coverage if not 0.7 <= each.share <= 0.9]
    assert outside == ["mean_pay"]
    assert "outside 70% to 90%: mean pay" in step.words()[-1]


def test_too_few_censuses_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fy2012.csv", "fy2013.csv"]) == 2
    assert "2 yearly censuses are too few for a backtest" in capsys.readouterr().err


def test_the_job_simulates_the_last_year_and_checks_it(
    statements: tuple[Statement, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulation.definitions import defs

    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    # those that dbt has built for the other tests
    monkeypatch.setattr(making, "compiled_statements", lambda *_: statements)
    paths = written(tmp_path, size=600, rate=0.1, years=3)
    with dg.DagsterInstance.ephemeral() as instance:
        run = defs.resolve_job_def("backtest_history").execute_in_process(
            instance=instance,
            run_config={
                "ops": {
                    "history_backtest": {
                        "config": {"history": [str(path) for path in paths], "seeds": 10}
                    }
                }
            },
        )
    (entry,) = run.asset_materializations_for_node("history_backtest")
    real = sum(1 for _ in paths[-1].open()) - 1
    assert entry.metadata["headcount_real"].value == real
    page = Path(str(entry.metadata["page"].value))
    assert f"{real:,}" in page.read_text(encoding="utf-8")
    assert kept_backtest(paths, tmp_path / "fits")[0].year == 2022
    checks = {each.check_name: each for each in run.get_asset_check_evaluations()}
    assert checks.keys() == {"backtest_beats_naive", "bands_cover_what_came"}
    assert "figures of departments" in str(checks["bands_cover_what_came"].description)


def distance(figure: Figure) -> float:
    return abs(figure.simulated / figure.real - 1)
