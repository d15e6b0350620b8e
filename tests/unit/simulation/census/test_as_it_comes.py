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


def test_the_first_sheet_with_a_census_is_read(imported: Import, tmp_path: Path):
    from xlsxwriter import Workbook

    path = tmp_path / "book.xlsx"
    with Workbook(str(path)) as book:
        book.add_worksheet("Empty")
        book.add_worksheet("Read me").write_row(0, 0, ["Who was hired when", "and the pay"])
        people = book.add_worksheet("People")
        people.write_row(0, 0, ["Staff list"])
        people.write_row(1, 0, ["ID", "Hire Date", "Salary"])
        people.write_row(2, 0, ["X1", "2011-06-17", 60000])
    census = imported(path)
    assert sorted(census.people) == ["X1"]
    assert census.says("sheet 'People' of 3 is read; for another one of Empty, Read me state")


def test_a_workbook_without_a_census_is_refused_with_its_sheets(imported: Import, tmp_path: Path):
    from xlsxwriter import Workbook

    path = tmp_path / "book.xlsx"
    with Workbook(str(path)) as book:
        book.add_worksheet("Cover").write_row(0, 0, ["Staff of 2024"])
        book.add_worksheet("Key").write_row(0, 0, ["Code", "Meaning"])
    with pytest.raises(
        CensusError, match="sheet 'Cover' of 2 is read; for another one of Key state"
    ):
        imported(path)


def test_what_is_not_plausible_is_reported(imported: Import, export: Callable[..., Path]):
    rows = [f"E{number},2015-06-17,{20_000 + number}" for number in range(100)]
    rows += [f"F{number},2015-06-17,60000" for number in range(30)]
    [bands, newest, ages, levels] = imported(export(staff(*rows))).warnings
    assert bands.startswith("77% of the people are paid outside all pay bands: 100 below 56,000")
    assert newest.startswith("the newest hire, E0 on 2015-06-17, is 3,485 days before 2024-12-31")
    assert ages.startswith("130 people (100%) have no birth date")
    assert levels.startswith("130 people (100%) have no level")


@pytest.mark.parametrize(
    "notes",
    [
        ["Source: payroll system, as of 31.12.2024"],
        ['"Source: payroll system, as of 31.12.2024",,'],
        ["* includes contractors"],
        ["* includes contractors,,"],
        ["1) part time at full pay,,", "2) without trainees"],
        ["", "Note,,", "Prepared by Finance,,"],
        ["Stand: 31.12.2024;;", "Quelle: SAP HCM"],
        ["(59 rows affected)"],
        ["Page 1 of 1,,", "-----"],
        ["† employees on leave are counted,,"],
        ["Confidential,,"],
    ],
)
def test_footnotes_below_the_table_are_no_people(
    imported: Import, export: Callable[..., Path], notes: list[str]
):
    people = [f"E{number},2011-06-17,60000" for number in range(3)]
    census = imported(export(staff(*people, *notes)))
    assert sorted(census.people) == ["E0", "E1", "E2"]
    lines = [note for note in notes if note]
    assert census.verdict.set_aside == {"footnote": len(lines)}
    first = lines[0].strip('",;')[:20]
    assert census.says(f"set aside, a footnote below the table: row 4, {first}")


def test_footnotes_below_a_row_of_totals_and_in_another_column_are_no_people(
    imported: Import, export: Callable[..., Path]
):
    people = [f"Unit,E{number},2011-06-17,60000" for number in range(3)]
    last = ["Total,,,180000", "* includes contractors,,,", ",Source: HR,,"]
    census = imported(export(staff(*people, *last, header="department,id,hired,salary")))
    assert sorted(census.people) == ["E0", "E1", "E2"]
    assert census.verdict.set_aside == {"totals_row": 1, "footnote": 2}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["E9,,"], "missing_hire_date"),
        (["E9,2011-0"], "malformed_line"),
        (["* includes contractors,2011-06-17,60000"], None),
        (["Maria del Carmen,2011-06-17,"], "missing_annual_compensation"),
    ],
)
def test_rows_of_people_at_the_end_are_no_footnotes(
    imported: Import, export: Callable[..., Path], rows: list[str], reason: str | None
):
    people = [f"E{number:02},2011-06-17,60000" for number in range(30)]
    verdict = imported(export(staff(*people, *rows))).verdict
    assert "footnote" not in verdict.set_aside
    assert verdict.rows_rejected == (reason is not None)


def test_a_person_without_dates_whose_name_is_the_id_is_no_footnote(
    imported: Import, export: Callable[..., Path]
):
    people = [
        f"Ana Maria Lopez {letter},2011-06-17,60000" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ]
    verdict = imported(export(staff(*people, "Ana Maria Lopez Garcia,,"))).verdict
    assert not verdict.set_aside
    assert verdict.rows_rejected == 1


def test_text_in_one_cell_above_people_is_rejected(imported: Import, export: Callable[..., Path]):
    people = [f"E{number},2011-06-17,60000" for number in range(30)]
    verdict = imported(export(staff("* includes contractors,,", *people))).verdict
    assert verdict.rows_rejected == 1


@pytest.mark.parametrize(
    ("header", "both"),
    [
        ("id,hired,salary,salary", "'salary' (column 3) and 'salary' (column 4)"),
        ("id,hired,Salary,SALARY", "'Salary' (column 3) and 'SALARY' (column 4)"),
        ("id,hired,annual salary,Annual_Salary", "'annual salary' (column 3) and 'Annual_Salary'"),
        ("id,hired,salary,hired", "'hired' (column 2) and 'hired' (column 4)"),
        ("ID,hired,salary,id", "'ID' (column 1) and 'id' (column 4)"),
    ],
)
def test_a_name_that_the_header_repeats_is_refused_with_both_columns(
    imported: Import, export: Callable[..., Path], header: str, both: str
):
    path = export(table(header, "1,2011-06-17,60000,61000", "2,2012-06-17,62000,63000"))
    with pytest.raises(CensusError) as refused:
        imported(path)
    assert both in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_repeated_name_of_a_column_that_is_not_needed_is_no_matter(
    imported: Import, export: Callable[..., Path]
):
    path = export(table("id,hired,salary,note,note", "E1,2011-06-17,60000,a,b"))
    assert imported(path).people["E1"][1] == Decimal(60000)


def test_a_mapping_distinguishes_names_that_differ_in_case(
    imported: Import, export: Callable[..., Path]
):
    path = export(table("id,hired,salary,SALARY", "E1,2011-06-17,60000,61000"))
    columns = {"employee_id": "id", "hire_date": "hired", "annual_compensation": "SALARY"}
    census = imported(path, columns=columns)
    assert census.people["E1"][1] == Decimal(61000)
    assert census.says(
        "'SALARY' (column 4) is annual_compensation, 'salary' (column 3) is not used"
    )


@pytest.mark.parametrize("second", ["salary.1", "Salary_2", "salary 2", "salary (2)"])
def test_a_column_that_a_program_renamed_is_named_and_not_used(
    imported: Import, export: Callable[..., Path], second: str
):
    path = export(table(f"id,hired,salary,{second}", "E1,2011-06-17,60000,61000"))
    census = imported(path)
    assert census.people["E1"][1] == Decimal(60000)
    assert census.says(f"not used: {second} is another salary")


@pytest.mark.parametrize(
    "amounts",
    [
        ("$60,000", "€61,000"),
        ("60000 USD", "61000 EUR"),
        ("60.000,00 €", "61.000,00 CHF"),
        ("£60k", "$ 61k"),
        ("60000 EUR", "$61000"),
        ("60000 kr", "$61000"),
    ],
)
def test_amounts_in_two_currencies_are_refused_with_their_rows(
    imported: Import, export: Callable[..., Path], amounts: tuple[str, str]
):
    rows = [f'E{number},2011-06-17,"{amounts[number % 3 == 2]}"' for number in range(6)]
    with pytest.raises(CensusError, match="several currencies") as refused:
        imported(export(staff(*rows)))
    assert f"row 1: {amounts[0].lower()} (4 rows)" in str(refused.value).lower()
    assert f"row 3: {amounts[1].lower()} (2 rows)" in str(refused.value).lower()


@pytest.mark.parametrize(
    "amounts",
    [
        ("$60,000", "61,000 USD", "US$62,000", "63000"),
        ("60 000,00 €", "EUR 61 000,00", "62 000,00 Euro", "63000"),
        ("$60,000 CAD", "C$61,000", "$62,000", "63000"),
        ("60 000 kr", "61 000 SEK", "62 000 sek", "63000"),
        ("Fr. 60'000", "61000 CHF", "62'000 sFr", "63000"),
        ("60 000 kr", "61 000 kr.", "kr 62 000", "63000"),
    ],
)
def test_one_currency_in_several_forms_is_read(
    imported: Import, export: Callable[..., Path], amounts: tuple[str, ...]
):
    census = imported(export(staff(*(f'E{n},2011-06-17,"{a}"' for n, a in enumerate(amounts)))))
    assert [values[1] for values in census.people.values()] == [60000, 61000, 62000, 63000]


def test_a_column_of_several_currencies_is_reported(imported: Import, export: Callable[..., Path]):
    header = "id,hired,salary,currency"
    rows = ("E1,2011-06-17,60000,EUR", "E2,2012-06-17,61000,USD")
    census = imported(export(staff(*rows, header=header)))
    assert census.says(
        "currency is a column of currencies: amounts in EUR and USD are not converted"
    )
    one = [row.replace("USD", "EUR") for row in rows]
    assert not imported(export(staff(*one, header=header))).says("not converted")


def test_rows_of_one_id_with_two_birth_dates_are_no_positions_of_one_person(
    imported: Import, export: Callable[..., Path]
):
    census = imported(
        export(
            staff(
                "E1,2011-06-17,60000,1970-01-01",
                "E1,2012-06-17,70000,1985-05-05",
                "E1,2013-06-17,10000,",
                "E2,2013-06-17,50000,1971-01-01",
                header="id,hired,salary,born",
            )
        )
    )
    assert census.people["E1"][:3] == [date(2012, 6, 17), Decimal(80000), date(1985, 5, 5)]
    assert census.verdict.set_aside == {"second_position": 1}
    assert census.says(
        "1 row rejected, another_birth_date: row 1, birth_date 1970-01-01 of E1, "
        "but 1985-05-05 in row 2"
    )


@pytest.mark.parametrize("written", ["1900-01-01", "1899-12-30", "01/01/1753", "0001-01-01"])
def test_days_that_programs_write_for_none_are_none(
    imported: Import, export: Callable[..., Path], written: str
):
    rows = [f"E{number},2011-06-17,60000,{written},{written}" for number in range(3)]
    census = imported(export(staff(*rows, header="id,hired,salary,born,last day")))
    assert census.people["E1"] == [date(2011, 6, 17), Decimal(60000), None, None]
    assert census.says("3 people (100%) have no birth date")


def test_a_row_for_each_change_of_pay_is_worth_a_warning(
    imported: Import, export: Callable[..., Path]
):
    rows = [
        f"E{one},2011-06-17,{pay},{since}-01-01"
        for one in range(20)
        for pay, since in ((60000, 2022), (62000, 2023))
    ]
    path = export(staff(*rows, header="id,hired,salary,effective"))
    census = imported(path)
    assert any("20 people (100%) have several rows, all active" in one for one in census.warnings)
    assert census.people["E1"][1] == Decimal(122000)
    assert imported(path, sums_positions=False).people["E1"][1] == Decimal(62000)
