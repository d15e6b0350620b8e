"""The jobs of a fit and of a backtest: what they write, link and check."""

from pathlib import Path

import dagster as dg
import pytest
from tests.unit.simulation.planning.planted_history import RAISE, written

from simulation.assets.history import coverage_result, naive_result
from simulation.backtest.comparison import Figure, Step
from simulation.backtest.coverage import Coverage
from simulation.config import load_scenario

NEARER = Figure("headcount", 100, 101, 110, 90)
FARTHER = Figure("leavers", 100, 120, 110, 90)


def test_the_job_fits_a_scenario_and_links_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulation.definitions import defs

    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    paths = written(tmp_path, size=300, rate=0.2)
    with dg.DagsterInstance.ephemeral() as instance:
        run = defs.resolve_job_def("fit_history").execute_in_process(
            instance=instance,
            run_config={
                "ops": {
                    "fitted_scenario": {
                        "config": {"history": [str(path) for path in paths], "scenario": "ours"}
                    }
                }
            },
        )
    (entry,) = run.asset_materializations_for_node("fitted_scenario")
    page = Path(str(entry.metadata["page"].value))
    assert page == tmp_path / "reports" / "fit-ours-2020-2021.html"
    assert page.is_file()
    assert str(entry.metadata["link"].value).endswith(f"/reports/{page.name}")
    raised = entry.metadata["cola_rate"].value
    assert raised == pytest.approx(RAISE, abs=1e-3)
    settings = load_scenario("ours", path=Path(str(entry.metadata["scenario_file"].value)))
    assert settings.compensation.cola_rate == pytest.approx(raised, abs=1e-6)
    assert "one year passed" in str(entry.metadata["thin_places"].value)


def test_a_figure_that_is_not_nearer_than_the_naive_forecasts_is_a_warning() -> None:
    passed = naive_result([Step(2014, [NEARER])])
    assert passed.passed
    failed = naive_result([Step(2014, [NEARER, FARTHER], {"payroll": [NEARER, FARTHER]})])
    assert not failed.passed
    assert failed.severity is dg.AssetCheckSeverity.WARN
    assert failed.description == "not better than both naive forecasts: leavers of 2014"
    assert failed.metadata["payroll_2014_nearer"].value == "1 of 2 departments"


@pytest.mark.parametrize(("covered", "passes"), [(6, False), (7, True), (9, True), (10, False)])
def test_bands_that_cover_too_little_or_too_much_are_a_warning(covered: int, passes: bool) -> None:  # noqa: FBT001
    result = coverage_result([Step(2014, [], coverage=[Coverage("leavers", 10, covered)])])
    assert result.passed is passes
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert f"80 % bands cover {covered * 10}%" in str(result.description)


def test_without_bands_there_is_nothing_to_cover() -> None:
    assert coverage_result([Step(2014, [])]).description == "no bands were made"
