"""A simulated year of a real payroll stays within bounds of the best so far."""

import pytest

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dbt.compiled import Statement
from simulation.backtest.comparison import Figure, backtest

PAYROLL = REPOSITORY_ROOT.parent / "shared" / "data" / "payroll"

# The largest distance from the real figure, as a share of it. Growth and turnover of the year
# were others than in the year before, which is all that the simulation knows.
FARTHEST = {
    "headcount": 0.036,
    "leavers": 0.102,
    "joiners": 0.215,
    "payroll, M": 0.023,
    "mean pay of joiners": 0.092,
    "leavers of tenure <2": 0.02,
    "leavers of tenure 2-4": 0.055,
    "leavers of tenure 5-9": 0.29,
    "leavers of tenure 10-19": 0.105,
    "leavers of tenure 20+": 0.055,
}


@pytest.mark.skipif(not PAYROLL.is_dir(), reason="the payroll beside the repository is absent")
def test_a_simulated_year_is_as_near_to_the_real_one_as_it_was(
    statements: tuple[Statement, ...],
) -> None:
    figures = {figure.name: figure for figure in backtest(statements, PAYROLL)}

    assert FARTHEST.keys() < figures.keys()
    for name, farthest in FARTHEST.items():
        assert distance(figures[name]) <= farthest, figures[name]
    auc, brier = figures["AUC of leaving"], figures["Brier score of leaving"]
    assert auc.simulated >= 0.629 > auc.last_year
    assert brier.simulated <= 0.1056 < brier.last_year


def distance(figure: Figure) -> float:
    return abs(figure.simulated / figure.real - 1)
