"""Titles of charts: every number in them is computed here from the rows, in another way."""

import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.report_marts import Movement, Scenario, add_department, report_marts

from simulation.report import titles, write_report
from simulation.report.figures import Department, LevelHeadcount, read_figures
from simulation.report.units import NONE

MOVEMENTS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 90), st.integers(0, 90)), min_size=1, max_size=4
)


def movements_of(steps: list[tuple[int, int, int]]) -> tuple[Movement, ...]:
    start, years = 1000, []
    for year, (hires, experienced, reductions) in enumerate(steps, start=2025):
        end = start + hires - experienced - reductions
        years.append(Movement(year, start, hires, experienced, reductions, 0, end))
        start = end
    return tuple(years)


def figures_in(title: str) -> list[Decimal]:
    return [Decimal(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?:\.\d+)?", title)]


@settings(deadline=None, max_examples=30)
@given(MOVEMENTS)
def test_headcount_and_payroll_titles_hold_the_first_and_last_and_their_rate(steps):
    movements = movements_of(steps)
    years = read_figures(report_marts(Scenario(movements=movements)), "baseline").years
    start, end = movements[0].start, movements[-1].end

    headcount, payroll = titles.headcount(years), titles.payroll(years)

    if start == end:
        assert figures_in(headcount) == [end]
        assert headcount.startswith("Headcount stays")
        return
    verb = "grows" if end > start else "shrinks"
    assert headcount.startswith(f"Headcount {verb} from ")
    shown_start, shown_end, rate = figures_in(headcount)
    assert (shown_start, shown_end) == (start, end)
    # compounding the rate over the years leads from the start to the end
    signed = rate if end > start else -rate
    low, high = (
        start * float(1 + (signed + way * Decimal("0.051")) / 100) ** len(steps) for way in (-1, 1)
    )
    assert low <= end <= high
    # pay is 100,000 USD a head, so payroll moves as headcount does
    if "stays" not in payroll:
        assert payroll.startswith(f"Payroll {verb} from ")
        assert figures_in(payroll)[-1] == rate


def test_titles_of_bands_are_the_extremes_of_the_rows():
    connection = report_marts()
    connection.execute(
        "update marts.fct_termination_experience set observed = 31 where tenure_band = '2-4'"
    )
    connection.execute(
        "update marts.fct_termination_experience set observed = 3 where tenure_band = '10-19'"
    )
    rows = connection.execute(
        "select tenure_band, sum(observed) / sum(exposed) as rate "
        "from marts.fct_termination_experience group by 1 order by rate"
    ).fetchall()
    bands = [
        band
        for band in read_figures(connection, "baseline").experience
        if band.dimension == "tenure"
    ]

    title = titles.termination("tenure", bands).replace("\xa0%", "%")

    assert title == (
        f"By tenure, {rows[-1][0]} leave most: {rows[-1][1]:.1%} a year; "
        f"{rows[0][0]} least: {rows[0][1]:.1%}"
    )


def test_a_band_without_anybody_stays_on_the_axis_and_in_the_table(tmp_path: Path):
    connection = report_marts()
    connection.execute("delete from marts.fct_termination_experience where tenure_band = '2-4'")
    connection.execute("insert into staging.stg_age_bands values ('65+', 65)")
    connection.execute("insert into staging.stg_job_levels values (3, 'Director')")

    text = write_report(connection, scenario_id="baseline", path=tmp_path / "r.html").read_text(
        encoding="utf-8"
    )

    bands = [(one.dimension, one.band) for one in read_figures(connection, "baseline").experience]
    assert bands == [
        ("age", "25-34"),
        ("age", "65+"),
        ("level", "Staff"),
        ("level", "Manager"),
        ("level", "Director"),
        ("tenure", "<2"),
        ("tenure", "2-4"),
        ("tenure", "10-19"),
    ]
    for band in ("2-4", "65+", "Director"):
        assert f"{band}: nobody was in this band" in text
        assert re.search(rf"<text[^>]*>{re.escape(band)}</text>", text)
    assert not re.search(r">(nan|inf)\b", text)


@pytest.mark.parametrize(
    ("last", "title"),
    [
        ((0.5, 0.5), "Share of Staff falls from 60.0 % to 50.0 %"),
        ((0.6, 0.4), "Staff is the largest level, 60.0 % of employees"),
        ((0.0, 1.0), "Share of Staff falls from 60.0 % to 0.0 %"),
    ],
)
def test_level_title_is_of_the_level_that_moves_most(last: tuple[float, float], title: str):
    rows = [
        LevelHeadcount(year, level, name, 1, share)
        for year, shares in ((2025, (0.6, 0.4)), (2026, last))
        for level, (name, share) in enumerate(zip(("Staff", "Manager"), shares, strict=True))
        if share
    ]

    assert titles.level_mix(rows).replace("\xa0", " ") == title


@pytest.fixture
def departments() -> duckdb.DuckDBPyConnection:
    connection, scenario = report_marts(), Scenario()
    for year, name, active, left in [
        (2025, "Sales <b>", 30, 3),
        (2025, "Legal", 9, 1),
        (2026, "Sales <b>", 20, 4),
        (2026, None, 60, 5),
    ]:
        add_department(connection, scenario, year, name, active=active, left=left)
    return connection


def test_departments_have_their_headcounts_leavers_and_payroll(
    departments: duckdb.DuckDBPyConnection, tmp_path: Path
):
    text = write_report(departments, scenario_id="baseline", path=tmp_path / "r.html").read_text(
        encoding="utf-8"
    )

    section = text[text.index("<h2>Departments</h2>") : text.index("<h2>Census</h2>")]
    words = " ".join(re.sub(r"<[^>]*>", " ", section).split())
    assert "Not stated is the largest department, 75.0" in words
    assert "Payroll grew most in Not stated: by USD 6.00" in words
    assert "Not stated 0 60 5 6.0 Sales &lt;b&gt; 30 20 7 2.0 Legal 9 0 1 0.0" in words
    labels = re.findall(r'aria-label="([^"]*)"', section.replace("\xa0", " "))
    assert "Not stated: 0 employees at the end of 2025, 60 at the end of 2026" in labels
    assert (
        "Sales &lt;b&gt;: annual pay of USD 3.0 million at the end of 2025, "
        "USD 2.0 million at the end of 2026"
    ) in [label.replace("&amp;", "&") for label in labels]
    # 7 of the mean of 33 and 30, and of 24 and 20; of all departments 13 of 125.5
    assert "Sales &lt;b&gt;: 13.1 % a year, all departments 10.4 %" in [
        label.replace("&amp;", "&") for label in labels
    ]
    assert "Turnover is highest in Sales &lt;b&gt;: 13.1 %" in words
    assert "Growth of pay is highest in Not stated: +2.0 %" in words
    assert f"Turnover Department 2025 2026 Not stated {NONE} 8.0 % Sales &lt;b&gt; 9.5 %" in words
    assert "at 31 December 2026 Department Staff Manager Not stated 60 0 Sales" in words


@given(
    pay=st.dictionaries(
        st.sampled_from(["Sales", "Legal", "Finance"]),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
    )
)
def test_title_of_department_payroll_is_of_the_largest_change(pay: dict[str, tuple[int, int]]):
    departments = {
        name: {
            year: Department(year, name, 1, 0, 1_000_000.0 * amount)
            for year, amount in zip((2025, 2026), amounts, strict=True)
        }
        for name, amounts in pay.items()
    }

    title = titles.department_payroll(departments, 2025, 2026).replace("\xa0", " ")

    most = max(after - before for before, after in pay.values())
    named = {name for name, (before, after) in pay.items() if after - before == most}
    if most == 0:
        assert title == "Payroll grew in no department"
        return
    start = "Payroll grew most" if most > 0 else "Payroll shrank in every department, least"
    assert any(title.startswith(f"{start} in {name}: by USD {abs(most)}.") for name in named)


def test_title_of_department_payroll_in_one_year_is_of_the_highest():
    departments = {
        name: {2025: Department(2025, name, 1, 0, pay)}
        for name, pay in (("Sales", 1e6), ("Legal", 2e6))
    }

    title = titles.department_payroll(departments, 2025, 2025).replace("\xa0", " ")

    assert title == "Payroll is highest in Legal: USD 2.00 million"


@pytest.mark.parametrize(
    ("change", "last", "title"),
    [
        (
            1,
            2026,
            "Of the 12 largest departments, payroll grew most in Unit 11: by USD 11.00 million",
        ),
        (
            -1,
            2026,
            "Payroll shrank in each of the 12 largest departments, least in Unit 00: by USD 1",
        ),
        (0, 2026, "Payroll grew in none of the 12 largest departments"),
        (
            1,
            2025,
            "Of the 12 largest departments, payroll is highest in Unit 11: USD 41.00 million",
        ),
    ],
)
def test_title_of_department_payroll_names_a_department_that_is_drawn(
    change: int, last: int, title: str
):
    # the fewer employees, the more pay: the 13th and those after it, which are not drawn, have most
    departments = {
        f"Unit {number:02}": {
            year: Department(year, f"Unit {number:02}", 90 - number, 0, 1e6 * pay)
            for year, pay in ((2025, 30 + number), (2026, 30 + number + change * (number or 1)))
        }
        for number in range(20)
    }

    drawn = titles.department_payroll(departments, 2025, last).replace("\xa0", " ")

    assert drawn.startswith(title)


@pytest.mark.parametrize(
    ("flow", "title"),
    [
        ("hires", "Hires add most to payroll, USD 40.00 million; leavers take USD 5.00 million"),
        ("raises", "Raises add most to payroll, USD 40.00 million; leavers take USD 5.00 million"),
    ],
)
def test_title_of_payroll_flows_is_of_the_sums_over_all_years(flow: str, title: str):
    connection = report_marts()
    connection.execute(
        "update marts.fct_compensation_growth set payroll_from_hires = 1e6, "
        "payroll_from_promotions = 0, payroll_from_raises = 1e6, payroll_from_leavers = 2500000"
    )
    connection.execute(f"update marts.fct_compensation_growth set payroll_from_{flow} = 2e7")

    years = read_figures(connection, "baseline").years

    assert titles.payroll_flows(years).replace("\xa0", " ") == title


def test_a_warehouse_from_before_the_marts_by_department_has_a_report_without_their_tables(
    departments: duckdb.DuckDBPyConnection, tmp_path: Path
):
    departments.execute("drop table marts.fct_department_level_mix")

    text = write_report(departments, scenario_id="baseline", path=tmp_path / "r.html").read_text(
        encoding="utf-8"
    )

    section = text[text.index("<h2>Departments</h2>") : text.index("<h2>Census</h2>")]
    assert section.count("<figure") == 2
    assert "<details>" not in section
