"""Dates, amounts and pay as exports write them."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.simulation.census.exports import Import, staff, table

from simulation.census import (
    CensusError,
)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17/06/2011", date(2011, 6, 17)),
        ("17.06.2011", date(2011, 6, 17)),
        ("17.6.11", date(2011, 6, 17)),
        ("6/17/2011 12:00:00 AM", date(2011, 6, 17)),
        ("2011/06/17", date(2011, 6, 17)),
        ("20110617", date(2011, 6, 17)),
        ("40711", date(2011, 6, 17)),
        ("40711.5", date(2011, 6, 17)),
        ("2011-06-17T08:00:00+02:00", date(2011, 6, 17)),
        ("2011-06-17 00:00:00.000 UTC", date(2011, 6, 17)),
        ("2011-06-17Z", date(2011, 6, 17)),
        ("17-JUN-2011", date(2011, 6, 17)),
        ("17-Jun-11", date(2011, 6, 17)),
        ("June 17, 2011", date(2011, 6, 17)),
        ("Friday, June 17th, 2011", date(2011, 6, 17)),
        ("17. Juni 2011", date(2011, 6, 17)),
        ("17 décembre 2011", date(2011, 12, 17)),
        ("17 de junio de 2011", date(2011, 6, 17)),
    ],
)
def test_dates_are_read_as_they_are_written(
    imported: Import, export: Callable[..., Path], text: str, day: date
):
    path = export(staff(f'E1,"{text}",60000', f'E2,"{text}",61000'))
    assert imported(path).people["E1"][0] == day


def test_dates_that_can_be_read_in_two_ways_are_named_with_both(
    imported: Import, export: Callable[..., Path]
):
    path = export(staff("E1,2011-06-17,60000", "E2,03/04/2011,60000", "E3,05/06/2012,61000"))
    with pytest.raises(CensusError) as refused:
        imported(path)
    assert "hired (hire_date) has dates that can be read in two ways" in str(refused.value)
    assert "row 2: 03/04/2011 is 2011-04-03 or 2011-03-04" in str(refused.value)
    assert "row 3: 05/06/2012 is 2012-06-05 or 2012-05-06" in str(refused.value)
    columns = {"employee_id": "id", "hire_date": "hired", "annual_compensation": "salary"}
    census = imported(path, columns=columns, date_order="month_first")
    assert census.people["E2"][0] == date(2011, 3, 4)


def test_two_orders_in_a_column_leave_the_others_ambiguous(
    imported: Import, export: Callable[..., Path]
):
    clear = ["E1,17/06/2011,60000", "E2,06/17/2011,60000", "E3,05/05/2011,60000"]
    assert imported(export(staff(*clear))).people["E2"][0] == date(2011, 6, 17)
    with pytest.raises(CensusError, match="row 4: 01/02/2011 is 2011-02-01 or 2011-01-02"):
        imported(export(staff(*clear, "E4,01/02/2011,60000")))


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["1.160.227,00 €", "56.000,50 €"], "1160227.00"),
        (["160'227.00", "56\u2019000.50"], "160227.00"),
        (["CHF 160'227.00", "CHF 56'000.50"], "160227.00"),
        (["160 227,00", "56\u202f000,50"], "160227.00"),
        (["160\xa0227", "56\xa0000"], "160227.00"),
        (["EUR 160.227,-", "EUR 56.000,-"], "160227.00"),
        (["160.227", "56.000"], "160227.00"),
        (["$160,227.00 ", "USD 56,000"], "160227.00"),
        (["1,60,227.00", "56,000.00"], "160227.00"),
        (["160227,5", "56000"], "160227.50"),
        (["160227 kr", "56000 kr"], "160227.00"),
        (["£160,227 per annum", "£56,000 per annum"], "160227.00"),
    ],
)
def test_amounts_are_read_as_they_are_written(
    imported: Import, export: Callable[..., Path], amounts: list[str], expected: str
):
    first, second = amounts
    path = export(staff(f'E1,2011-06-17,"{first}"', f'E2,2011-06-17,"{second}"'))
    assert imported(path).people["E1"][1] == Decimal(expected)


def test_every_cent_is_read(imported: Import, export: Callable[..., Path]):
    rows = [f"E{cents},2011-06-17,71373.{cents:02}" for cents in range(100)]
    people = imported(export(staff(*rows))).people
    assert {name: pay for name, (_, pay, _, _) in people.items()} == {
        f"E{cents}": Decimal(7137300 + cents) / 100 for cents in range(100)
    }


def test_amounts_that_can_be_read_in_two_ways_are_named_with_both(
    imported: Import, export: Callable[..., Path]
):
    path = export(
        staff('E1,2011-06-17,"60,000.00"', 'E2,2011-06-17,"61.000,00"', "E3,2011-06-17,62.000")
    )
    with pytest.raises(CensusError, match=r"row 3: 62\.000 is 62\.0+ or 62000"):
        imported(path)
    path = export(staff("E1,2011-06-17,160227", "E2,2011-06-17,61.000"))
    with pytest.raises(CensusError, match=r"row 2: 61\.000 is 61\.0+ or 61000"):
        imported(path)


@pytest.mark.parametrize(
    ("header", "rows", "basis", "factor"),
    [
        ("id,hired,Hourly Rate", ["25.50", "30.10"], "hourly", 2080),
        ("id,hired,Stundenlohn", ["25.50", "30.10"], "hourly", 2080),
        ("id,hired,Monthly Salary", ["5500", "6200"], "monthly", 12),
        ("id,hired,salary", ["5500", "6200"], "monthly", 12),
        ("id,hired,salary", ["$25.50/hr", "$30.10 per hour"], "hourly", 2080),
        ("id,hired,salary,pay basis", ["25.50,Hourly", "61000,Annual"], "hourly", 2080),
        ("id,hired,salary,Pay Frequency", ["5500,Monthly", "61000,Yearly"], "monthly", 12),
        ("id,hired,salary", ["25.50", "30.10", "61000", "62000", "63000"], "hourly", 2080),
    ],
)
def test_pay_that_is_not_annual_is_never_taken_as_such(
    imported: Import,
    export: Callable[..., Path],
    header: str,
    rows: list[str],
    basis: str,
    factor: int,
):
    path = export(
        table(header, *(f"E{number},2011-06-17,{row}" for number, row in enumerate(rows)))
    )
    with pytest.raises(CensusError, match=f"{basis}: {factor}"):
        imported(path)


def test_a_column_of_bases_annualises_each_row_by_its_factor(
    imported: Import, export: Callable[..., Path]
):
    path = export(
        table(
            "id,hired,salary,basis,FTE",
            "E1,2011-06-17,25.505,Hourly,50%",
            "E2,2011-06-17,61000,Annual,100%",
        )
    )
    census = imported(
        path,
        columns={
            "employee_id": "id",
            "hire_date": "hired",
            "annual_compensation": "salary",
            "pay_basis": "basis",
            "fte": "fte",
        },
        pay_factors={"hourly": 2080},
        pay_at_full_time=True,
        decimal_separator=".",
    )
    assert census.people["E1"][1] == Decimal("26525.20")
    assert census.people["E2"][1] == Decimal("61000.00")


def test_hire_pay_is_compared_with_that_of_recent_joiners(
    imported: Import, export: Callable[..., Path]
):
    rows = [f"E{number},2024-06-17,57000,1980-01-01,1" for number in range(20)]
    [warning] = imported(export(staff(*rows, header="id,hired,salary,born,level"))).warnings
    assert "would be paid 68,000 on average by the bands, they are paid 57,000" in warning


@pytest.mark.parametrize(
    ("texts", "amounts"),
    [
        (["85.3k", "85k"], ["85300.00", "85000.00"]),
        (["$85.3K", "60,125"], ["85300.00", "60125.00"]),
        (["85,3k €", "1.060.125,00 €"], ["85300.00", "1060125.00"]),
        (["85.25 k / year", "0.12m"], ["85250.00", "120000.00"]),
        (["85 TEUR", "60 Tsd. EUR"], ["85000.00", "60000.00"]),
        (["€85k", "EUR 1.2m"], ["85000.00", "1200000.00"]),
        (["85 thousand", "1.2 million"], ["85000.00", "1200000.00"]),
    ],
)
def test_amounts_in_thousands_and_millions_are_read_counted_and_named(
    imported: Import, export: Callable[..., Path], texts: list[str], amounts: list[str]
):
    rows = [f'E{number},2011-06-17,"{text}"' for number, text in enumerate(texts)]
    census = imported(export(staff(*rows, "E9,2011-06-17,61000")))
    read = [census.people[f"E{number}"][1] for number in range(len(texts))]
    assert read == [Decimal(amount) for amount in amounts]
    short = [text for text in texts if any(letter in text.lower() for letter in "kmt")]
    assert census.says(f"salary: {len(short)} row")
    assert census.says(f"in thousands or millions: row 1, {texts[0]} is {amounts[0]}")


@pytest.mark.parametrize("text", ["85x", "85kk", "k85", "85k-90k", "85k5"])
def test_an_unknown_unit_of_an_amount_is_named(
    imported: Import, export: Callable[..., Path], text: str
):
    people = [f"E{number},2011-06-17,60000" for number in range(30)]
    census = imported(export(staff(*people, f"E99,2011-06-17,{text}")))
    assert census.verdict.rows_rejected == 1
    assert census.says(
        f"1 row rejected, unparseable_annual_compensation: row 31, annual_compensation {text}"
    )


def _serial(day: date, origin: date) -> int:
    return (day - origin).days


_ORIGINS = {1900: date(1899, 12, 30), 1904: date(1904, 1, 1)}
_HIRES = [date(2024 - 2 * number, 6, 17) for number in range(20)]


@pytest.mark.parametrize("system", [1900, 1904])
def test_the_system_of_serial_dates_is_found_by_the_newest_hire_and_named(
    imported: Import, export: Callable[..., Path], system: int
):
    origin = _ORIGINS[system]
    born = _serial(date(1960, 5, 4), origin)
    rows = [f"E{number},{_serial(day, origin)},60000,{born}" for number, day in enumerate(_HIRES)]
    census = imported(export(staff(*rows, header="id,hired,salary,born")))
    assert census.people["E0"] == [date(2024, 6, 17), Decimal(60000), date(1960, 5, 4), None]
    assert census.says(f"serial numbers of days are counted from {system}: the newest hire date is")
    assert census.says("`date_system: ")


def test_the_system_of_serial_dates_can_be_stated(imported: Import, export: Callable[..., Path]):
    rows = [f"E{number},{_serial(day, _ORIGINS[1900])},60000" for number, day in enumerate(_HIRES)]
    path = export(staff(*rows))
    columns = {"employee_id": "id", "hire_date": "hired", "annual_compensation": "salary"}
    assert imported(path, columns=columns, date_system=1900).people["E1"][0] == _HIRES[1]
    later = imported(path, columns=columns, date_system=1904)
    assert later.people["E2"][0] == date(2024, 6, 18)
    assert later.verdict.set_aside == {"hired_after_start": 2}


@pytest.mark.parametrize("as_dates", [True, False])
@pytest.mark.parametrize("from_1904", [True, False])
def test_the_flag_of_a_workbook_says_where_its_days_are_counted_from(
    imported: Import, tmp_path: Path, *, from_1904: bool, as_dates: bool
):
    from xlsxwriter import Workbook

    path = tmp_path / "people.xlsx"
    origin = _ORIGINS[1904 if from_1904 else 1900]
    hires = [date(2016 - number, 6, 17) for number in range(5)]  # nobody for years
    with Workbook(str(path), {"date_1904": from_1904}) as book:
        sheet, dated = book.add_worksheet("People"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["id", "hired", "salary"])
        for row, day in enumerate(hires, start=1):
            sheet.write_row(row, 0, [f"E{row}", _serial(day, origin), 60000])
            if as_dates:
                sheet.write_number(row, 1, _serial(day, origin), dated)
    census = imported(path)
    assert census.people["E1"][0] == hires[0]
    if not as_dates:
        system = 1904 if from_1904 else 1900
        assert census.says(
            f"serial numbers of days are counted from {system}, as the workbook says"
        )
