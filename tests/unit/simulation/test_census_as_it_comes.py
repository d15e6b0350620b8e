"""Exports as they come, without a mapping: every person is read, or it is clear why not."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from simulation.census import (
    CensusError,
    CensusMapping,
    CensusVerdict,
    publish_baseline,
    read_census,
    validate_census,
)
from simulation.census.findings import read_findings

CASES = Path(__file__).parents[3].parent / "shared" / "cases" / "census"
OPENING_DATE = date(2024, 12, 31)

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not at {CASES}")


class Imported:
    """A census that was read and validated, with its people and sentences."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, verdict: CensusVerdict) -> None:
        self.verdict = verdict
        self.people = {
            employee_id: values
            for employee_id, *values in connection.execute(
                "select employee_id, hire_date, annual_compensation, birth_date, termination_date "
                "from raw.census_accepted"
            ).fetchall()
        }
        self.sentences = [finding.sentence for finding in read_findings(connection, "city")]
        self.warnings = [
            finding.sentence for finding in read_findings(connection, "city") if finding.is_warning
        ]

    def says(self, text: str) -> bool:
        return any(text in sentence for sentence in self.sentences)


Import = Callable[..., Imported]


@pytest.fixture
def imported() -> Import:
    def run(path: Path, *, sums_positions: bool = True, **settings: Any) -> Imported:
        mappings, name = {}, None
        if settings:
            mappings, name = {"stated": CensusMapping.model_validate(settings)}, "stated"
        with duckdb.connect() as connection:
            read_census(
                connection, path=path, scenario_id="city", mappings=mappings, mapping_name=name
            )
            verdict = validate_census(
                connection,
                scenario_id="city",
                census_name=path.name,
                opening_date=OPENING_DATE,
                top_level=5,
                reject_share_limit=0.05,
                sums_positions=sums_positions,
            )
            publish_baseline(connection, "city")
            return Imported(connection, verdict)

    return run


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, *, encoding: str = "utf-8", name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows, ""])


FIRST = [date(2011, 6, 17), Decimal("160227.00"), date(1974, 11, 4), None]


@needs_cases
@pytest.mark.parametrize(
    ("name", "people", "sentence"),
    [
        ("european_money.csv", 59, "annual_compensation: a comma stands before the decimals"),
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


# Other files of the same kinds.


def staff(*rows: str, header: str = "id,hired,salary") -> str:
    return table(header, *rows)


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


def test_hire_pay_is_compared_with_that_of_recent_joiners(
    imported: Import, export: Callable[..., Path]
):
    rows = [f"E{number},2024-06-17,57000,1980-01-01,1" for number in range(20)]
    [warning] = imported(export(staff(*rows, header="id,hired,salary,born,level"))).warnings
    assert "would be paid 68,000 on average by the bands, they are paid 57,000" in warning
