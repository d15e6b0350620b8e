"""The file of known events is refused with line, field, value and what is allowed."""

from pathlib import Path

import pytest
from tests.support.replay import settings_with

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.known_events import read_known_events
from simulation.config.parameters import fingerprint

HEADER = "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,reason"


def problems(path: Path, *lines: str, header: str = HEADER, first_day: str = "01-01") -> list[str]:
    path.write_text("\n".join([header, *lines]), "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read(path, first_day)
    return str(refused.value).replace(f"{path}:", "").splitlines()


def read(path: Path, first_day: str = "01-01") -> list:
    simulation = {"start_year": 2025, "end_year": 2027, "first_day": first_day}
    workforce = {"known_events": str(path)}
    # of each kind of year, in this order
    pay = {"promotion_date": "02-01", "raise_date": "03-15"}
    return read_known_events(
        settings_with(simulation=simulation, workforce=workforce, compensation=pay)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "known.csv"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "leaves,E1,2025-05-01,,,,,,",
            "event: unknown event, got 'leaves', allowed is one of: join, rehire, leave, "
            "transfer, absence, opening; did you mean 'leave'?",
        ),
        (
            "leave,E1,2028-01-01,,,,,,",
            "date: outside the years, got '2028-01-01', allowed is a day from 2025-01-01 to "
            "2027-12-31",
        ),
        ("leave,E1,31.12.2025,,,,,,", "date: not a day, got '31.12.2025'"),
        ("leave,E1,2025-02-30,,,,,,", "date: not a day of the calendar, got '2025-02-30'"),
        ("leave,,2025-05-01,,,,,,", "employee_id: missing, required for leave"),
        (
            "leave,E1,2025-05-01,Sales,,,,,",
            "department: not a field of leave, got 'Sales', allowed is nothing",
        ),
        ("transfer,E1,2025-05-01,,,,,,", "department: missing, required for transfer"),
        ("join,J1,2025-05-01,Sales,9,1,,,", "level: unknown level, got '9', allowed is one of: 1,"),
        ("join,J1,2025-05-01,Sales,1,-5,,,", "pay: not pay, got '-5', allowed is an amount above"),
        ("join,J1,2025-05-01,Sales,1,1.005,,,", "pay: not pay, got '1.005'"),
        ("join,J1,2025-05-01,Sales,1,NaN,,,", "pay: not pay, got 'NaN'"),
        ("join,NH-2025-000001,2025-05-01,Sales,1,1,,,", "employee_id: the form of hires"),
        ("opening,R1,2025-05-01,Sales,1,,1.2,30,", "fill_rate: not a share, got '1.2'"),
        ("opening,R1,2025-05-01,Sales,1,,0.5,-1,", "days_to_fill: not a number of days, got '-1'"),
        ("opening,R1,2025-05-01,Sales,1,,,30,", "fill_rate: missing, required for opening"),
    ],
)
def test_a_wrong_value_is_named(path: Path, line: str, says: str) -> None:
    [found] = problems(path, line)
    assert found.startswith(f"2: {says}")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            ["leave,E1,2025-05-01,,,,,,", "leave,E1,2026-05-01,,,,,,"],
            "3: employee_id: duplicate of line 2, got 'E1', allowed is one leave of an employee",
        ),
        (
            ["transfer,E1,2025-05-01,A,,,,,", "transfer,E1,2025-06-01,B,,,,,"],
            "3: employee_id: duplicate of line 2, got 'E1', allowed is one transfer of an employee "
            "a year",
        ),
        (
            ["join,J1,2025-05-01,A,1,1,,,", "opening,J1,2025-05-01,A,1,,1,3,"],
            "3: employee_id: duplicate of line 2",
        ),
        (
            [
                "join,J1,2025-05-01,A,1,1,,,",
                "leave,J1,2026-05-01,,,,,,",
                "join,J1,2027-05-01,A,1,1,,,",
            ],
            "4: employee_id: duplicate of line 2, got 'J1', allowed is one join of an employee: "
            "who comes back after a known leave has a rehire",
        ),
        (
            ["join,J1,2026-05-01,A,1,1,,,", "leave,J1,2026-04-01,,,,,,"],
            "3: date: leave in the year of the hire in line 2 or before it, got '2026-04-01', "
            "allowed is a later year",
        ),
        (
            ["transfer,E1,2026-05-01,A,,,,,", "leave,E1,2026-04-01,,,,,,"],
            "2: date: after the leave in line 3, got '2026-05-01', allowed is '2026-04-01' or "
            "before",
        ),
        (
            ["opening,R1,2025-05-01,A,1,,1,3,", "leave,R1,2027-04-01,,,,,,"],
            "3: employee_id: 'R1' is the position of line 2, which may stay open",
        ),
    ],
)
def test_rows_that_contradict_each_other_are_named(path: Path, lines: list[str], says: str) -> None:
    [found] = problems(path, *lines)
    assert found.startswith(says)


ABSENCES = "event,employee_id,date,last_day,paid_share,department,level,pay,fte"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["absence,E1,2025-05-01,2025-05-31,,,,,"], "2: paid_share: missing, required for absence"),
        (["absence,E1,2025-05-01,,0,,,,"], "2: last_day: missing, required for absence"),
        (
            ["absence,E1,2025-05-01,2025-04-30,0,,,,"],
            "2: last_day: before the first day, got '2025-04-30', allowed is 2025-05-01 or later",
        ),
        (
            ["absence,E1,2025-05-01,2025-02-30,0,,,,"],
            "2: last_day: not a day, got '2025-02-30', allowed is a day such as 2026-05-31",
        ),
        (
            ["absence,E1,2025-05-01,2025-05-31,1.5,,,,"],
            "2: paid_share: not a share, got '1.5', allowed is a number from 0 to 1",
        ),
        (
            ["leave,E1,2025-05-01,2025-05-31,,,,,"],
            "2: last_day: not a field of leave, got '2025-05-31', allowed is nothing",
        ),
        (
            ["join,J1,2025-05-01,,,A,1,1,0"],
            "2: fte: not a share of full time, got '0', allowed is a number above 0 up to 1",
        ),
        (
            ["absence,E1,2026-05-01,2026-05-31,0,,,,", "absence,E1,2025-05-01,2026-01-01,0,,,,"],
            "2: date: absence in a year of that in line 3, which lasts until '2026-01-01', got "
            "'2026-05-01', allowed is one absence of an employee in a year",
        ),
        (
            ["leave,E1,2026-05-01,,,,,,", "absence,E1,2025-05-01,2026-05-02,0,,,,"],
            "3: last_day: after the leave in line 2, got '2026-05-02', allowed is '2026-05-01' or "
            "before",
        ),
        (
            ["leave,E1,2026-05-01,,,,,,", "rehire,E1,2026-12-01,,,A,1,1,"],
            "3: date: rehire in the year of the leave in line 2, got '2026-12-01', allowed is a "
            "later year, because there is one row for each employee and year",
        ),
        (
            ["join,J1,2025-05-01,,,A,1,1,", "rehire,J1,2026-12-01,,,A,1,1,"],
            "3: employee_id: rehire of whom line 2 hires, got 'J1', allowed is an employee of the",
        ),
        (
            ["rehire,E1,2026-12-01,,,A,1,1,", "transfer,E1,2026-12-24,,,A,,,"],
            "3: date: transfer in the year of the hire in line 2 or before it, got '2026-12-24', "
            "allowed is a later year",
        ),
        (
            ["join,E1,2025-05-01,,,A,1,1,", "absence,E1,2025-06-01,2025-06-30,0,,,,"],
            "3: date: absence in the year of the hire in line 2 or before it, got '2025-06-01'",
        ),
    ],
)
def test_absences_and_rehires_are_refused_with_the_reason(
    path: Path, lines: list[str], says: str
) -> None:
    [found] = problems(path, *lines, header=ABSENCES)
    assert found.startswith(says)


def test_who_comes_back_may_leave_and_be_absent_again(path: Path) -> None:
    lines = [
        "absence,E1,2025-01-01,2025-02-01,0,,,,",
        "leave,E1,2025-05-01,,,,,,",
        "rehire,E1,2026-01-01,,,A,1,1,0.5",
        "absence,E1,2027-01-01,2027-02-01,0.5,,,,",
        "leave,E1,2027-05-01,,,,,,",
    ]
    path.write_text("\n".join([ABSENCES, *lines]), "utf-8")
    assert [event.event for event in read(path)] == [line.split(",")[0] for line in lines]


def test_every_mistake_is_named_at_once_and_empty_lines_count(path: Path) -> None:
    found = problems(path, "", "leave,E1,x,,,,,,", ",,,,,,,,", "join,J1,2025-05-01,,1,1,,,")
    assert [line.partition(":")[0] for line in found] == ["3", "5"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("event,employee_id,date,departement", "1: unknown column 'departement', allowed"),
        ("event,employee_id", "1: no column date, required is one"),
        ("event,employee_id,date,date", "1: column date is there more than once"),
    ],
)
def test_a_wrong_header_is_refused(path: Path, header: str, says: str) -> None:
    [found] = problems(path, header=header)
    assert found.startswith(says)
    assert ("did you mean 'department'?" in found) == ("departement" in header)


def test_fields_that_do_not_fit_the_header_are_refused(path: Path) -> None:
    [found] = problems(path, "leave,E1", header="event,employee_id,date")
    assert found == "2: 2 fields, but the header has 3"


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"known_events: .*known\.csv: no such file"):
        read(path)


def test_an_opening_takes_effect_when_it_is_filled_in_the_year_of_that_day(path: Path) -> None:
    path.write_text(
        "date,event,employee_id,department,level,fill_rate,days_to_fill\n"
        '2025-05-20,opening,R1,"A, B",1,0.5,60\n',
        "utf-8-sig",
    )
    [event] = read(path, first_day="07-01")
    assert (str(event.effective_date), event.simulation_year) == ("2025-07-19", 2026)
    assert event.department == "A, B"
    [event] = read(path)
    assert event.simulation_year == 2025


def test_the_content_of_the_file_counts_and_not_its_path() -> None:
    def identity(path: str | None, events_digest: str | None) -> str:
        return fingerprint(
            scenario_id="a",
            settings=settings_with(workforce={"known_events": path}),
            census_digest="1",
            rules_digest="2",
            events_digest=events_digest,
        )

    assert identity("a.csv", "1") == identity("b.csv", "1") != identity("a.csv", "2")
    assert identity(None, None) not in (identity("a.csv", "1"), identity("a.csv", "2"))
