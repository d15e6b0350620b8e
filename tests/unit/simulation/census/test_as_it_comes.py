"""Exports as they come, without a mapping: every person is read, or it is clear why not."""

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
    ("header", "delimiter"),
    [
        ("Employee Number;Date of Joining;Base Salary", ";"),
        ("EMP_ID\tHIRE_DT\tANNUAL_RT_SALARY", "\t"),
        ("Personalnummer;Eintrittsdatum;Jahresgehalt", ";"),
        ("Matricule|Date d'embauche|Salaire annuel brut", "|"),
        ("Número de empleado,Fecha de ingreso,Sueldo anual", ","),
        ("employeeId,hireDate,annualSalary", ","),
        ("Associate ID,Original Hire Date,Annualized Salary (USD)", ","),
        ("key,first day here,amount", ","),
    ],
)
def test_columns_are_found_by_names_or_values(
    imported: Import, export: Callable[..., Path], header: str, delimiter: str
):
    rows = [f"E{number}|2010-01-0{number}|6{number}000.50" for number in range(1, 6)]
    path = export(table(header, *(row.replace("|", delimiter) for row in rows)))
    assert imported(path).people["E3"] == [date(2010, 1, 3), Decimal("63000.50"), None, None]


@pytest.mark.parametrize(
    "name", ["terminated", "Separated on", "Ausgeschieden am", "Employed until", "Fecha de egreso"]
)
def test_a_column_of_last_days_is_found(imported: Import, export: Callable[..., Path], name: str):
    rows = ("E1,2011-06-17,60000,", "E2,2011-06-17,60000,2023-05-31")
    census = imported(export(staff(*rows, header=f"id,hired,salary,{name}")))
    assert list(census.people) == ["E1"]


def test_a_column_of_dates_that_may_be_last_days_is_reported(
    imported: Import, export: Callable[..., Path]
):
    rows = ("E1,2011-06-17,60000,", "E2,2011-06-17,60000,2023-05-31")
    census = imported(export(staff(*rows, header="id,hired,salary,gegangen")))
    assert list(census.people) == ["E1", "E2"]
    assert census.says("gegangen is a column of dates that is not used: map it to termination_date")


@pytest.mark.parametrize(
    "last",
    [
        "Total,,180000",
        "Grand Total: 3,2024-12-31,180000",
        "Summe,,180000",
        "SUBTOTAL,,180000",
        "Sales Total,,180000",
        "Gesamtsumme,,180000",
        ",,180000",
        ",2024-12-31,180000",
        "Total général,,180000",
        "Average,,60000",
        "Total",
        "Razem,,180000",
        "Итого,2024-12-31,180000",
        "合計,,180000",
        "Összesen,,180000",
        "I alt,,180000",
        "Σ,,180000",
        "Guk nabad,,180000",
    ],
)
def test_rows_of_totals_are_no_people(imported: Import, export: Callable[..., Path], last: str):
    people = [f"E{number},2011-06-17,60000" for number in range(3)]
    census = imported(export(staff(*people, last)))
    assert sorted(census.people) == ["E0", "E1", "E2"]
    assert census.verdict.set_aside == {"totals_row": 1}
    assert census.says("1 row set aside, a row of totals: row 4")


def test_empty_rows_and_repeated_headers_are_no_people(
    imported: Import, export: Callable[..., Path]
):
    census = imported(
        export(staff("E1,2011-06-17,60000", ",,", "id,hired,salary", "E2,2011-06-17,60000", ",,"))
    )
    assert sorted(census.people) == ["E1", "E2"]
    assert census.verdict.set_aside == {"repeated_header": 1, "empty_row": 2}


@pytest.mark.parametrize("depth", range(6))
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_is_found_below_other_rows(
    imported: Import, export: Callable[..., Path], depth: int, delimiter: str
):
    titles = ["Staff, by hire date", "", "As of 31.12.2024; all units", "Person||Pay", "x", "y"]
    rows = ["id|hired|salary", "E1|2011-06-17|60000", "E2|2011-06-18|61000"]
    path = export("\n".join([*titles[:depth], *(row.replace("|", delimiter) for row in rows)]))
    assert sorted(imported(path).people) == ["E1", "E2"]


@pytest.mark.parametrize(
    ("encoding", "unit"),
    [("cp1252", "Büro €"), ("utf-16", "漢"), ("utf-16-le", "Büro"), ("utf-8-sig", "漢")],
)
def test_the_encoding_is_found(
    imported: Import, export: Callable[..., Path], encoding: str, unit: str
):
    text = staff(f"E1,2011-06-17,60000,{unit}", header="id,hired,salary,department")
    assert "E1" in imported(export(text, encoding=encoding)).people


@pytest.mark.parametrize(
    ("statuses", "active"),
    [
        (["A", "T", "L"], ["E0", "E2"]),
        (["Aktiv", "Ausgeschieden", "Elternzeit"], ["E0", "E2"]),
        (["Yes", "No", "yes"], ["E0", "E2"]),
        (["Active", "Retired", "On Leave"], ["E0", "E2"]),
        (["ACTIVE", "inactive", "Leave of Absence"], ["E0", "E2"]),
    ],
)
def test_status_words_of_several_kinds(
    imported: Import, export: Callable[..., Path], statuses: list[str], active: list[str]
):
    rows = [f"E{number},2011-06-17,60000,{word}" for number, word in enumerate(statuses)]
    census = imported(export(table("id,hired,salary,Employment Status", *rows)))
    assert sorted(census.people) == active
    assert census.verdict.set_aside == {"not_active": 1}


def test_an_unknown_status_is_not_guessed(imported: Import, export: Callable[..., Path]):
    path = export(
        table("id,hired,salary,status", "E1,2011-06-17,60000,Active", "E2,2011-06-17,60000,Z9")
    )
    with pytest.raises(CensusError, match=r"'Z9' \(1 rows, first row 2\).*active_statuses: \[Act"):
        imported(path)
    columns = {
        "employee_id": "id",
        "hire_date": "hired",
        "annual_compensation": "salary",
        "status": "Status",
    }
    census = imported(path, columns=columns, active_statuses=["active", "z9"])
    assert sorted(census.people) == ["E1", "E2"]


def test_terminated_people_with_a_later_leave_date_are_employed(
    imported: Import, export: Callable[..., Path]
):
    census = imported(
        export(
            table(
                "id,hired,salary,status,Leave Date",
                "E1,2011-06-17,60000,Terminated,2025-01-31",
                "E2,2011-06-17,60000,Terminated,2024-12-31",
                "E3,2011-06-17,60000,Active,9999-12-31",
                "E4,2011-06-17,60000,Active,00.00.0000",
                "E5,2011-06-17,60000,Terminated,N/A",
            )
        )
    )
    assert {name: left for name, (_, _, _, left) in census.people.items()} == {
        "E1": date(2025, 1, 31),
        "E3": None,
        "E4": None,
    }
    assert census.verdict.rows_left_before_start == 1
    assert census.verdict.set_aside == {"not_active": 1}


def test_another_sheet_of_a_workbook_is_chosen_by_name(imported: Import, tmp_path: Path):
    from xlsxwriter import Workbook

    path = tmp_path / "book.xlsx"
    with Workbook(str(path)) as book:
        cover, people = book.add_worksheet("Cover"), book.add_worksheet("People")
        cover.write_row(0, 0, ["ID", "Hire Date", "Salary"])
        cover.write_row(1, 0, ["X1", "2011-06-17", 60000])
        people.write_row(0, 0, ["Staff list"])
        people.write_row(2, 0, ["ID", "Hire Date", "Salary"])
        dates = book.add_format({"num_format": "dd.mm.yyyy"})
        people.write_number(3, 0, 7)
        people.write_number(3, 1, 40711, dates)  # 17 June 2011
        people.write_number(3, 2, 60000.5)
    assert sorted(imported(path).people) == ["X1"]
    assert imported(path).says("sheet 'Cover' of 2 is read; for another one of People")
    columns = {"employee_id": "id", "hire_date": "hire date", "annual_compensation": "salary"}
    census = imported(path, columns=columns, sheet="People")
    assert census.people == {"7": [date(2011, 6, 17), Decimal("60000.50"), None, None]}
    with pytest.raises(CensusError, match="no sheet 'Staff'; there are Cover, People"):
        imported(path, columns=columns, sheet="Staff")


def test_what_is_not_plausible_is_reported(imported: Import, export: Callable[..., Path]):
    rows = [f"E{number},2015-06-17,{20_000 + number}" for number in range(100)]
    rows += [f"F{number},2015-06-17,60000" for number in range(30)]
    [bands, newest, ages, levels] = imported(export(staff(*rows))).warnings
    assert bands.startswith("77% of the people are paid outside all pay bands: 100 below 56,000")
    assert newest.startswith("the newest hire, E0 on 2015-06-17, is 3,485 days before 2024-12-31")
    assert ages.startswith("130 people (100%) have no birth date")
    assert levels.startswith("130 people (100%) have no level")
