"""Every row of a census is judged once, for the right reason, and all of it or nothing shows."""

import csv
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.census import (
    REASONS,
    CensusError,
    CensusMapping,
    CensusVerdict,
    generate_census,
    publish_baseline,
    read_census,
    read_verdict,
    validate_census,
)

FIELDS: tuple[str, ...] = (
    "employee_id",
    "hire_date",
    "annual_compensation",
    "birth_date",
    "level",
    "termination_date",
    "department",
)
STANDARD = CensusMapping.model_validate({"columns": {field: field for field in FIELDS}})
OPENING_DATE = date(2024, 12, 31)
TOP_LEVEL = 5
GOOD = {"employee_id": "E1", "hire_date": "2010-03-01", "annual_compensation": "56000.00"}

RESULTS = ("census_rejects", "census_accepted", "census_data_validation")


def write_census(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    scenario_id: str = "baseline",
    mapping: CensusMapping = STANDARD,
) -> None:
    read_census(connection, path=path, scenario_id=scenario_id, mappings={"standard": mapping})


def validate(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str = "baseline",
    *,
    opening_date: date = OPENING_DATE,
    reject_share_limit: float = 0.05,
) -> CensusVerdict:
    return validate_census(
        connection,
        scenario_id=scenario_id,
        census_name="census.csv",
        opening_date=opening_date,
        top_level=TOP_LEVEL,
        reject_share_limit=reject_share_limit,
    )


def results(connection: duckdb.DuckDBPyConnection, scenario_id: str = "baseline") -> list[list]:
    return [
        connection.execute(
            f"select * from raw.{table} where scenario_id = ? order by all", [scenario_id]
        ).fetchall()
        for table in (*RESULTS, "baseline_workforce_validated")
    ]


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def census(tmp_path: Path) -> Path:
    return tmp_path / "census.csv"


# The same judgement once more, row by row and without the code under test.


def day(text: str) -> date | None:
    found = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})", text)
    if not found:
        return None
    year, month, number = map(int, found.groups())
    try:
        return date(year or 1, month, number)
    except ValueError:
        return None


def money(text: str) -> Decimal | None:
    sign = -1 if text.startswith("-") else 1
    body = text[1:] if text[:1] in {"+", "-"} else text
    body = body.removeprefix("$").removeprefix(" ") if body.startswith("$") else body
    whole, point, cents = body.partition(".")
    if point and not (cents.isascii() and cents.isdigit()):
        return None
    first, *thousands = whole.split(",")
    if thousands and (len(first) > 3 or any(len(group) != 3 for group in thousands)):
        return None
    digits = "".join([first, *thousands])
    if not first or not (digits.isascii() and digits.isdigit()) or len(digits) > 14:
        return None
    if point and not thousands and len(whole) <= 3 and len(cents) == 3:
        return None
    exact = sign * Decimal(digits + point + cents)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return rounded if abs(rounded) < 10**14 else None


def level_of(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,9})(\.0+)?", text)
    return int(found[1]) if found and 1 <= int(found[1]) <= TOP_LEVEL else None


def before(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one < other


def judged(row: dict[str, str], *, seen: set[str]) -> str | None:
    """The first reason to reject the row; None accepts it."""
    text = {field: row.get(field, "").strip(" \t\r\n\xa0") for field in FIELDS}
    hired = day(text["hire_date"])
    doubts = [
        *doubts_on_identity(text["employee_id"], seen),
        *doubts_on_hire(text["hire_date"], hired),
        *doubts_on_pay(text["annual_compensation"]),
        *doubts_on_birth(text["birth_date"], hired),
        ("invalid_level", bool(text["level"]) and level_of(text["level"]) is None),
        *doubts_on_termination(text["termination_date"], hired),
    ]
    seen.add(text["employee_id"])
    return next((reason for reason, holds in doubts if holds), None)


def doubts_on_identity(employee_id: str, seen: set[str]) -> list[tuple[str, bool]]:
    reserved = re.fullmatch(r"NH-[0-9]{4}-[0-9]{6,}", employee_id)
    return [
        ("missing_employee_id", not employee_id),
        ("duplicate_employee_id", employee_id in seen),
        ("reserved_employee_id", reserved is not None),
    ]


def doubts_on_hire(text: str, hired: date | None) -> list[tuple[str, bool]]:
    return [
        ("missing_hire_date", not text),
        ("unparseable_hire_date", hired is None),
        ("hire_date_before_1900", before(hired, date(1900, 1, 1))),
        ("future_hire_date", before(OPENING_DATE, hired)),
    ]


def doubts_on_pay(text: str) -> list[tuple[str, bool]]:
    pay = money(text)
    return [
        ("missing_annual_compensation", not text),
        ("unparseable_annual_compensation", pay is None),
        ("negative_annual_compensation", pay is not None and pay < 0),
        ("zero_annual_compensation", pay == 0),
    ]


def doubts_on_birth(text: str, hired: date | None) -> list[tuple[str, bool]]:
    born = day(text)
    return [
        ("unparseable_birth_date", bool(text) and born is None),
        ("birth_date_before_1900", before(born, date(1900, 1, 1))),
        ("future_birth_date", before(OPENING_DATE, born)),
        ("birth_date_after_hire", born == hired or before(hired, born)),
    ]


def doubts_on_termination(text: str, hired: date | None) -> list[tuple[str, bool]]:
    left = day(text)
    return [
        ("unparseable_termination_date", bool(text) and left is None),
        ("future_termination_date", before(OPENING_DATE, left)),
        ("termination_before_hire", before(left, hired)),
    ]


def often(usual: st.SearchStrategy[str], *others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(usual, usual, usual, usual, usual, *others)


DAYS = st.dates(date(1895, 1, 1), date(2030, 1, 1)).map(date.isoformat)
ODD_DAYS = st.one_of(
    st.text("0123456789-/ .", max_size=11),
    st.sampled_from(["", "infinity", "epoch", "2014-02-30", "14-01-02", "2014-1-2", "\xa0"]),
    DAYS.map(lambda text: f" {text}\t"),
    DAYS.map(lambda text: f"{text} 00:00:00"),
)
PAYS = st.decimals(1, 10**6, places=2).map(str)
ODD_PAYS = st.one_of(
    st.text("0123456789.,$-+ ", max_size=18),
    st.sampled_from(
        ["", "0", "0.00", "-0.004", "0.005", "-1", "-$5", "$-5", "$ 56,000.00", "1.234,56", "56,00"]
    ),
    st.sampled_from(["99999999999999.99", "99999999999999.995", "100000000000000", "1e5", "nan"]),
    st.sampled_from(["56.000", "56.0000", "1056.000", "1,056.000", "٥٦", "56 000", "(5,000)"]),
)
ROWS = st.fixed_dictionaries(
    {
        "employee_id": often(
            st.integers(1, 40).map("E{}".format),
            st.sampled_from(["", " ", "E1 ", "e1", "NH-2025-000001", "NH-2025-00001", "NH-1"]),
        ),
        "hire_date": often(st.dates(date(1985, 1, 1), OPENING_DATE).map(str), DAYS, ODD_DAYS),
        "annual_compensation": often(PAYS, ODD_PAYS),
        "birth_date": often(
            st.dates(date(1950, 1, 1), date(1984, 1, 1)).map(str), st.just(""), DAYS, ODD_DAYS
        ),
        "level": often(
            st.integers(1, TOP_LEVEL).map(str),
            st.sampled_from(["", "0", "6", "3.0", "3.5", "-1", "two", "1e0", "99999999999"]),
        ),
        "termination_date": often(st.just(""), DAYS, ODD_DAYS),
        "department": st.sampled_from(["", "Tax", " Law "]),
    }
)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=60))
def test_every_row_is_accounted_for_once_as_an_independent_judge_does(rows: list[dict[str, str]]):
    seen: set[str] = set()
    expected = {number: judged(row, seen=seen) for number, row in enumerate(rows, start=1)}
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "census.csv"
        write_census(path, rows)
        read(connection, path)
        verdict = validate(connection)
        rejected = connection.execute(
            "select row_number, reason from raw.census_rejects"
        ).fetchall()
        accepted = connection.execute(
            "select row_number, employee_id, hire_date, annual_compensation, level, department, "
            "birth_date, termination_date from raw.census_accepted"
        ).fetchall()
    assert dict(rejected) == {number: why for number, why in expected.items() if why}
    assert sorted([row[0] for row in [*rejected, *accepted]]) == list(expected)
    for number, *values in accepted:
        row = {field: text.strip(" \t\r\n\xa0") for field, text in rows[number - 1].items()}
        assert values == [
            row["employee_id"],
            day(row["hire_date"]),
            money(row["annual_compensation"]),
            level_of(row["level"]),
            row["department"] or None,
            day(row["birth_date"]),
            day(row["termination_date"]),
        ]
    employed = [row for row in accepted if row[7] is None]
    assert verdict == CensusVerdict(
        census_name="census.csv",
        rows_read=len(rows),
        rows_accepted=len(employed),
        rows_rejected=len(rejected),
        rows_left_before_start=len(accepted) - len(employed),
        rows_without_birth_date=sum(row[6] is None for row in employed),
        rows_without_level=sum(row[4] is None for row in employed),
        reject_share_limit=0.05,
        reasons=dict(Counter(why for why in expected.values() if why)),
    )
    assert verdict.reject_share == len(rejected) / len(rows)
    assert verdict.within_limit == (verdict.reject_share <= 0.05)


EXAMPLES = [
    ("missing_employee_id", {"employee_id": "\t"}, "employee_id", None),
    ("reserved_employee_id", {"employee_id": "NH-2025-1000000"}, "employee_id", "NH-2025-1000000"),
    ("missing_hire_date", {"hire_date": ""}, "hire_date", None),
    ("unparseable_hire_date", {"hire_date": "2010-02-30"}, "hire_date", "2010-02-30"),
    ("hire_date_before_1900", {"hire_date": "1899-12-31"}, "hire_date", "1899-12-31"),
    ("future_hire_date", {"hire_date": "2025-01-01"}, "hire_date", "2025-01-01"),
    ("missing_annual_compensation", {"annual_compensation": ""}, "annual_compensation", None),
    (
        "unparseable_annual_compensation",
        {"annual_compensation": "1.234,56"},
        "annual_compensation",
        "1.234,56",
    ),
    (
        "negative_annual_compensation",
        {"annual_compensation": "-56000"},
        "annual_compensation",
        "-56000",
    ),
    ("zero_annual_compensation", {"annual_compensation": "$0.00"}, "annual_compensation", "$0.00"),
    ("unparseable_birth_date", {"birth_date": "1980"}, "birth_date", "1980"),
    ("birth_date_before_1900", {"birth_date": "1880-01-01"}, "birth_date", "1880-01-01"),
    ("future_birth_date", {"birth_date": "2080-01-01"}, "birth_date", "2080-01-01"),
    ("birth_date_after_hire", {"birth_date": "2010-03-01"}, "birth_date", "2010-03-01"),
    ("invalid_level", {"level": "6"}, "level", "6"),
    ("invalid_level", {"level": "0"}, "level", "0"),
    ("invalid_level", {"level": "2.5"}, "level", "2.5"),
    (
        "unparseable_termination_date",
        {"termination_date": "soon"},
        "termination_date",
        "soon",
    ),
    (
        "future_termination_date",
        {"termination_date": "2025-01-01"},
        "termination_date",
        "2025-01-01",
    ),
    (
        "termination_before_hire",
        {"termination_date": "2010-02-28"},
        "termination_date",
        "2010-02-28",
    ),
]


@pytest.mark.parametrize(("reason", "changes", "field", "value"), EXAMPLES)
def test_each_reason_names_field_and_value(
    connection: duckdb.DuckDBPyConnection,
    census: Path,
    reason: str,
    changes: dict[str, str],
    field: str,
    value: str | None,
):
    write_census(census, [GOOD | {"employee_id": "E0"}, GOOD | changes])
    read(connection, census)
    validate(connection)
    rejects = connection.execute("select * from raw.census_rejects").fetchall()
    employee_id = (GOOD | changes)["employee_id"].strip() or None
    assert rejects == [("baseline", 2, employee_id, reason, field, value)]


def test_every_reason_has_an_example():
    others = {"malformed_line", "duplicate_employee_id"}
    assert {example[0] for example in EXAMPLES} | others == set(REASONS)
    assert len(set(REASONS)) == len(REASONS)


def test_a_malformed_line_and_a_duplicate_say_what_is_wrong(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    zero = GOOD | {"annual_compensation": "0"}
    write_census(census, [zero, GOOD, GOOD | {"employee_id": "E2"}, GOOD])
    census.write_text(census.read_text() + "E3,2010-01-01\n")
    read(connection, census)
    verdict = validate(connection)
    rejects = connection.execute("select * exclude (scenario_id) from raw.census_rejects")
    assert rejects.fetchall() == [
        (1, "E1", "zero_annual_compensation", "annual_compensation", "0"),
        (2, "E1", "duplicate_employee_id", "employee_id", "E1 is in row 1"),
        (4, "E1", "duplicate_employee_id", "employee_id", "E1 is in row 1"),
        (5, None, "malformed_line", "line", "missing columns: E3,2010-01-01"),
    ]
    assert list(verdict.reasons.items()) == [
        ("malformed_line", 1),
        ("duplicate_employee_id", 2),
        ("zero_annual_compensation", 1),
    ]


@pytest.mark.parametrize(
    ("date_format", "text", "expected"),
    [
        ("%d/%m/%Y", "03/04/2010", date(2010, 4, 3)),
        ("%m/%d/%Y", "3/4/2010", date(2010, 3, 4)),
        ("%d-%b-%Y", "03-APR-2010", date(2010, 4, 3)),
        ("%d%b%Y", "03APR2010", date(2010, 4, 3)),
        ("%Y-%m-%dT%H:%M:%S.%f", "2010-04-03T00:00:00.000", date(2010, 4, 3)),
        ("%Y%m%d", "20101112", date(2010, 11, 12)),
        ("%Y%m%d", "2010112", None),
        ("%d/%m/%Y", "2010-04-03", None),
    ],
)
def test_dates_are_read_in_the_mapping_s_format_and_no_other(
    connection: duckdb.DuckDBPyConnection,
    census: Path,
    date_format: str,
    text: str,
    expected: date | None,
):
    write_census(census, [GOOD | {"hire_date": text}])
    read(connection, census, mapping=STANDARD.model_copy(update={"date_format": date_format}))
    verdict = validate(connection)
    accepted = connection.execute("select hire_date from raw.census_accepted").fetchall()
    assert accepted == ([(expected,)] if expected else [])
    assert verdict.reasons == ({} if expected else {"unparseable_hire_date": 1})


def test_who_left_by_the_opening_date_is_counted_and_does_not_enter_the_baseline(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(
        census,
        [
            GOOD | {"employee_id": "stays", "level": "2"},
            GOOD | {"employee_id": "left", "termination_date": "2024-12-31"},
            GOOD | {"employee_id": "left at once", "termination_date": "2010-03-01"},
            GOOD | {"employee_id": "joined", "hire_date": "2024-12-31", "department": "Tax"},
            GOOD | {"employee_id": "rejected", "annual_compensation": "0"},
        ],
    )
    read(connection, census)
    verdict = validate(connection, reject_share_limit=0.2)
    assert (verdict.rows_accepted, verdict.rows_left_before_start, verdict.rows_rejected) == (
        2,
        2,
        1,
    )
    assert (verdict.rows_without_birth_date, verdict.rows_without_level) == (2, 1)
    assert verdict.within_limit
    assert publish_baseline(connection, "baseline") == 2
    assert connection.execute("from raw.baseline_workforce_validated").fetchall() == [
        ("baseline", "joined", None, date(2024, 12, 31), None, "Tax", Decimal("56000.00")),
        ("baseline", "stays", None, date(2010, 3, 1), 2, None, Decimal("56000.00")),
    ]


def test_a_share_of_rejects_above_the_limit_is_told(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD | {"employee_id": f"E{n}", "level": str(n)} for n in range(1, 21)])
    read(connection, census)
    verdict = validate(connection, reject_share_limit=0.74)
    assert verdict.reject_share == 0.75
    assert not verdict.within_limit
    assert validate(connection, reject_share_limit=0.75).within_limit


def test_nobody_left_is_an_error_and_the_baseline_of_before_stays(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD])
    read(connection, census)
    validate(connection)
    publish_baseline(connection, "baseline")
    before = results(connection)[3]
    validate(connection, opening_date=date(2010, 2, 28))
    with pytest.raises(CensusError, match="nobody of the census of the scenario 'baseline'"):
        publish_baseline(connection, "baseline")
    assert results(connection)[3] == before
    assert len(before) == 1


def test_what_has_not_been_read_or_validated_cannot_be_judged(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD])
    read(connection, census)
    with pytest.raises(CensusError, match="no census has been read for the scenario 'other'"):
        validate(connection, "other")
    with pytest.raises(CensusError, match="'baseline' has not been validated"):
        read_verdict(connection, "baseline")


def test_doing_it_twice_changes_nothing_and_another_scenario_is_left_alone(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD, GOOD, GOOD | {"employee_id": "E2"}])
    of_scenario = {}
    for scenario_id in ("a", "b", "b"):
        read(connection, census, scenario_id)
        validate(connection, scenario_id)
        publish_baseline(connection, scenario_id)
        now = results(connection, scenario_id)
        assert of_scenario.setdefault(scenario_id, now) == now
        assert [len(rows) for rows in now] == [1, 2, 1, 2]
    assert results(connection, "a") == of_scenario["a"]
    write_census(census, [GOOD | {"employee_id": "E9"}])
    read(connection, census, "b")
    validate(connection, "b")
    publish_baseline(connection, "b")
    assert results(connection, "a") == of_scenario["a"]
    assert [row[1] for row in results(connection, "b")[3]] == ["E9"]


def test_csv_and_parquet_of_the_same_people_give_the_same_rows(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"census.{suffix}"
        generate_census(path, size=2_000, seed=3, as_of=OPENING_DATE)
        read(connection, path, suffix)
        assert validate(connection, suffix).rows_accepted == 2_000
        publish_baseline(connection, suffix)
    for table in ("census", *RESULTS, "baseline_workforce_validated"):
        of_csv, of_parquet = (
            connection.execute(
                f"select * exclude (scenario_id) from raw.{table} where scenario_id = ? "
                "order by all",
                [suffix],
            ).fetchall()
            for suffix in ("csv", "parquet")
        )
        assert of_csv == of_parquet
        assert len(of_csv) in ({0, 1} if table in RESULTS[::2] else {2_000})


def test_a_failure_in_the_middle_leaves_the_verdict_of_before(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD, GOOD])
    read(connection, census)
    validate(connection)
    before = results(connection)
    with pytest.raises(duckdb.ConversionException):
        # the last of the tables to be written does not take this
        validate(connection, opening_date=date(2000, 1, 1), reject_share_limit="a lot")
    assert results(connection) == before
    assert validate(connection, opening_date=date(2000, 1, 1)).rows_rejected == 2


VALIDATE_FOR_EVER = """
import sys
from datetime import date

import duckdb

from simulation.census import validate_census

with duckdb.connect(sys.argv[1]) as connection:
    while True:
        for year in (2024, 2010):
            validate_census(
                connection,
                scenario_id="baseline",
                census_name="census.csv",
                opening_date=date(year, 12, 31),
                top_level=5,
                reject_share_limit=0.05,
            )
            print(year, flush=True)
"""


def test_a_killed_process_leaves_a_whole_verdict(tmp_path: Path):
    path, file = tmp_path / "census.parquet", tmp_path / "simulation.duckdb"
    generate_census(path, size=30_000, seed=1, as_of=OPENING_DATE)
    whole: dict[int, list[list]] = {}
    with duckdb.connect(str(file)) as connection:
        read(connection, path)
        for year in (2024, 2010):
            validate(connection, opening_date=date(year, 12, 31))
            whole[year] = results(connection)
    assert whole[2024] != whole[2010]
    for pause in (0.02, 0.07):
        process = subprocess.Popen(
            [sys.executable, "-c", VALIDATE_FOR_EVER, str(file)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        with duckdb.connect(str(file)) as connection:
            assert results(connection) in whole.values()
