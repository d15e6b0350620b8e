"""Commands and jobs on stored scenarios: what they write and refuse; they change no scenario."""

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import openpyxl
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.launching import instance
from tests.integration.simulation.results import LEDGER, everything_of

from simulation.compare.__main__ import main as compare
from simulation.config import load_scenario
from simulation.cost import recording
from simulation.cost.__main__ import main as cost
from simulation.person.__main__ import main as person
from simulation.ranges.__main__ import main as ranges
from simulation.seek.__main__ import main as seek
from simulation.workbook.__main__ import main as workbook

# A second scenario, with all years of the first but without some of its hires.
OTHER = "hiring_freeze"
LEFT_OUT = "employee_id like 'NH-%5'"


@pytest.fixture
def stored(begin_with: Callable[[Finished], Path], finished: Finished) -> Path:
    """The finished run's warehouse with a second scenario, which has fewer hires."""
    warehouse = begin_with(finished)
    with duckdb.connect(str(warehouse)) as connection:
        for table in (
            LEDGER,
            "raw.simulation_parameters",
            "raw.simulation_configurations",
            "raw.simulation_year_state",
            "raw.baseline_workforce_validated",
            "raw.census_data_validation",
        ):
            columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
            others = f"'{OTHER}' as scenario_id"
            if "fingerprint" in columns:
                others += ", 'f1e2' as fingerprint"
            where = f"where not ({LEFT_OUT})" if table == LEDGER else ""
            connection.execute(
                f"insert into {table} by name select * replace ({others}) from {table} {where}"
            )
    return warehouse


def counted(warehouse: Path, condition: str) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            f"select count(*) from {LEDGER} where scenario_id = 'baseline' and {condition}"
        ).fetchone()
    assert row is not None
    return row[0]


def test_compare_writes_a_page_and_a_workbook_and_changes_nothing(
    stored: Path, platform: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: everything_of(stored, name) for name in ("baseline", OTHER)}

    assert compare(["baseline hiring_freeze"]) == 0

    fewer = counted(stored, f"simulation_year = 2029 and termination_date is null and {LEFT_OUT}")
    assert fewer > 10
    output = capsys.readouterr().out
    assert f"hiring_freeze employs {fewer} fewer people and pays USD" in output.replace("\n", " ")
    (page,) = (platform / "reports").glob("comparison-*.html")
    text = page.read_text(encoding="utf-8")
    assert f"employs {fewer} fewer people" in text
    assert f"{fewer} hired in baseline alone" in text
    # the years before the last fold
    earlier = re.findall(
        r"<summary>At the end of (\d+)</summary>\s*(.*?)</details>", text, re.DOTALL
    )
    assert [year for year, _ in earlier] == ["2028", "2027", "2026", "2025"]
    for year, table in earlier:
        ended = f"simulation_year = {year} and termination_date is null and"
        sales = counted(stored, f"{ended} department = 'Sales'")
        (row,) = re.findall(r'scope="row">Sales</th>\s*<td>(.*?)</td>', table)
        assert row == f"{sales}"
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"), data_only=True)
    assert book["Comparison people"].max_row == fewer + 2
    assert book["Comparison"]["D6"].value == -fewer
    assert page.name in (platform / "reports" / "index.html").read_text(encoding="utf-8")
    latest = (platform / "reports" / "latest.html").resolve()
    assert latest.name.startswith("baseline-")
    assert {name: everything_of(stored, name) for name in before} == before


def test_workbook_and_person_read_a_stored_scenario(
    stored: Path, platform: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workbook(["--scenario", OTHER, "--against", "baseline", "--people"]) == 0
    book = openpyxl.load_workbook(platform / "reports" / f"{OTHER}-f1e2.xlsx", read_only=True)
    assert {"Summary", "Events", "People", "Comparison", "Quality"} <= set(book.sheetnames)

    with duckdb.connect(str(stored), read_only=True) as connection:
        row = connection.execute(
            f"select employee_id from {LEDGER} where promotion_date is not null limit 1"
        ).fetchone()
    assert row is not None
    assert person([row[0]]) == 0
    output = capsys.readouterr().out
    assert ": promoted" in output
    assert "Today's rules come to another outcome" not in output


def test_cost_takes_over_the_rates_of_today_and_changes_no_year(
    stored: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = counted(stored, "annual_compensation > 0")
    assert cost([]) == 0
    assert "baseline has no section `cost`" in capsys.readouterr().out
    rates = {"employer_taxes": [], "benefits_per_head": 0.0, "overhead_rate": 0.5}
    monkeypatch.setattr(
        recording,
        "load_scenario",
        lambda name: load_scenario(name, changes={"cost": rates | {"bonus_rate": 0.1}}),
    )

    assert cost([]) == 0

    output = capsys.readouterr().out
    assert "Total cost of baseline, USD" in output
    assert counted(stored, "annual_compensation > 0") == ledger
    with duckdb.connect(str(stored), read_only=True) as connection:
        (row,) = connection.execute(
            "select sum(paid_compensation), sum(bonuses), sum(overhead), sum(total_cost) "
            "from marts.fct_total_cost where scenario_id = 'baseline'"
        ).fetchall()
    paid, bonuses, overhead, total = map(float, row)
    assert bonuses == pytest.approx(0.1 * paid, abs=1_000)  # each is rounded
    assert overhead == pytest.approx(0.5 * paid, abs=1_000)
    assert total == pytest.approx(1.6 * paid, abs=2_000)


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (compare, ["baseline", "hiring_freze"], "did you mean hiring_freeze?"),
        (compare, ["baseline", "high_growth"], "make run SCENARIO=high_growth"),
        (workbook, ["--scenario", "high_growth"], "make run SCENARIO=high_growth"),
        (workbook, ["--years", "2040"], "has the years 2025 to 2029 alone"),
        (cost, ["--scenario", "baselin"], "did you mean baseline?"),
        (person, ["E-1"], "has no employee 'E-1'"),
        (person, ["NH-2025-000005", "--scenario", OTHER], "employed in: baseline"),
        (seek, ["payroll 2027 <= 1e9", "merit_budgt"], "did you mean merit_budget?"),
        (seek, ["payroll 2031 <= 1e9", "merit_budget"], "allowed is a year from 2025 to 2029"),
        (seek, ["payroll 2027 <= 1e9", "cola_rate", "--scenario", "x"], "stored are: baseline"),
        (ranges, ["baselin"], "did you mean baseline?"),
        (ranges, ["baseline", "high_grwth"], "did you mean high_growth?"),
        (ranges, ["baseline", "--seeds", "3"], "3 seeds are not allowed, allowed are 10 to"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_helps(
    command: Callable[[list[str]], int],
    arguments: list[str],
    message: str,
    stored: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert stored.exists()
    assert command(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (compare, ["baseline", OTHER]),
        (workbook, []),
        (person, ["E-1"]),
        (seek, ["payroll 2027 <= 1e9", "cola_rate"]),
        (ranges, ["baseline"]),
    ],
)
@pytest.mark.usefixtures("platform")
def test_without_a_warehouse_the_command_that_makes_one_is_named(
    command: Callable[[list[str]], int],
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(arguments) == 2
    assert "make run SCENARIO=baseline" in capsys.readouterr().err


def test_the_jobs_do_the_same(stored: Path, platform: Path) -> None:
    from simulation.definitions import defs

    assert stored.exists()
    with instance() as found:
        compared = defs.resolve_job_def("compare_scenarios").execute_in_process(
            instance=found,
            run_config={"ops": {"scenario_comparison": {"config": {"other": OTHER}}}},
        )
        written = defs.resolve_job_def("write_workbook").execute_in_process(instance=found)
        costed = defs.resolve_job_def("compute_cost").execute_in_process(instance=found)
    (entry,) = compared.asset_materializations_for_node("scenario_comparison")
    assert Path(str(entry.metadata["page"].value)).is_file()
    (entry,) = written.asset_materializations_for_node("scenario_workbook")
    assert Path(str(entry.metadata["workbook"].value)).parent == platform / "reports"
    (entry,) = costed.asset_materializations_for_node("scenario_cost")
    report = Path(str(entry.metadata["report"].value))
    assert report.name.endswith("-cost.html")
    assert str(entry.metadata["link"].value).endswith(f"/reports/{report.name}")
    assert report.is_file()
    assert {
        dg.AssetKey(name)
        for name in ("scenario_comparison", "scenario_cost", "fitted_scenario", "history_backtest")
    }.isdisjoint(
        key
        for job in ("multi_year_simulation", "single_year_simulation")
        for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys
    )


def test_the_job_writes_ranges_of_a_stored_scenario_and_of_one_that_is_configured(
    stored: Path, platform: Path
) -> None:
    from simulation.definitions import defs

    before = everything_of(stored, "baseline")
    with instance() as found:
        run = defs.resolve_job_def("compute_ranges").execute_in_process(
            instance=found,
            run_config={
                "ops": {
                    "scenario_ranges": {
                        "config": {"scenarios": ["baseline", "high_growth"], "seeds": 10}
                    }
                }
            },
        )
    (entry,) = run.asset_materializations_for_node("scenario_ranges")
    page = Path(str(entry.metadata["page"].value))
    text = page.read_text(encoding="utf-8")
    headcount = counted(stored, "simulation_year = 2029 and termination_date is null")
    assert entry.metadata["headcount_p10"].value == headcount, "a target, whatever the seed"
    assert "80 % of 10 runs of high_growth employ" in text
    assert "No setting varies, because the scenario states no uncertainty." in text
    assert page.name in (platform / "reports" / "index.html").read_text(encoding="utf-8")
    assert everything_of(stored, "baseline") == before
