"""Exports of real systems: every person is read, or it is clear why not."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.simulation.census.exports import OPENING_DATE, Import

from simulation.census import (
    CensusError,
)

CASES = Path(__file__).parents[4].parent / "shared" / "cases" / "census"

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not at {CASES}")


FIRST = [date(2011, 6, 17), Decimal("160227.00"), date(1974, 11, 4), None]


@needs_cases
@pytest.mark.parametrize(
    ("name", "people", "sentence"),
    [
        ("european_money.csv", 59, "annual_compensation: a comma precedes the decimals"),
        ("us_dates.csv", 59, "hire_date: month/day/year"),
        ("socrata_iso_t.csv", 59, "hire_date: year-month-day with a time or zone"),
        ("two_digit_years.csv", 59, "birth_date: month/day/year (two-digit years)"),
        ("mixed_dates.csv", 59, "hire_date: month/day/year and year-month-day"),
        ("header_row3.csv", 57, "2 rows before the header skipped: Employee listing"),
        ("total_row_hires.csv", 59, "a row of totals: row 60, TOTAL 200 employees"),
        ("excel.xlsx", 200, "sheet 'Sheet1' is read"),
        ("twelve_people.csv", 12, "hire_date: year-month-day"),
    ],
)
def test_every_person_of_the_case_is_read(imported: Import, name: str, people: int, sentence: str):
    census = imported(CASES / name)
    assert len(census.people) == census.verdict.rows_accepted == people
    assert census.verdict.rows_rejected == 0
    assert census.people["P0000"] == FIRST
    assert max(born for _, _, born, _ in census.people.values()) < OPENING_DATE
    assert census.says(sentence)


@needs_cases
def test_hourly_pay_is_stopped_or_annualised_by_a_stated_factor(imported: Import):
    path = CASES / "hourly.csv"
    with pytest.raises(
        CensusError, match=r"does not look like annual pay.*hourly: 2080"
    ) as refused:
        imported(path)
    assert "55.64 x 2080 = 115,731 a year" in str(refused.value)
    columns = {name: name for name in ("employee_id", "hire_date", "annual_compensation")}
    census = imported(path, columns=columns, pay_basis="hourly", pay_factors={"hourly": 2080})
    assert census.people["P0000"][1] == Decimal("160222.40")
    assert census.says("hourly pay is multiplied by 2080 to be annual")


@needs_cases
def test_the_active_stint_of_each_rehired_person_wins(imported: Import):
    census = imported(CASES / "rehires.csv")
    assert len(census.people) == 51
    assert census.people["P0000"] == [date(2015, 2, 1), Decimal("160227.00"), None, None]
    assert census.verdict.set_aside == {"other_stint": 8}
    assert census.says("8 rows set aside, another stint of a person: row 1, P0000 2005-06-30")


@needs_cases
def test_second_positions_are_summed_or_left_out_by_a_setting(imported: Import):
    path = CASES / "multi_position.csv"
    summed, main = imported(path), imported(path, sums_positions=False, columns={
        "employee_id": "employee_id",
        "hire_date": "hire_date",
        "annual_compensation": "annual_compensation",
    })  # fmt: skip
    assert summed.people["P0000"][1] == Decimal("172227.00")
    assert main.people["P0000"][1] == Decimal("160227.00")
    assert summed.people["P0050"] == main.people["P0050"]
    for census in (summed, main):
        assert census.verdict.set_aside == {"second_position": 6}
        assert len(census.people) == 53
    assert summed.says("6 rows set aside, a second position of a person: row 2, P0000 12000")


@needs_cases
def test_a_later_file_yields_the_people_who_were_employed_on_the_opening_date(imported: Import):
    census = imported(CASES / "exported_in_march.csv")
    assert len(census.people) == 56
    assert census.people["P0001"][3] == date(2025, 1, 31)
    assert "P0000" not in census.people
    assert census.verdict.set_aside == {"hired_after_start": 3}
    assert census.verdict.rows_leaving_later == 3
    assert census.says("3 rows set aside, hired after the opening date: row 1, P0000 2025-02-10")
    assert census.says("the file was made after 2024-12-31: 3 of those employed")


@needs_cases
def test_people_who_are_not_active_are_counted(imported: Import):
    census = imported(CASES / "status_active_terms.csv")
    assert len(census.people) == 44
    assert census.verdict.set_aside == {"not_active": 15}
    assert census.says("status: employed are Active; not employed are Terminated")
