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
from typing import Any

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
# What could be found in the values is stated: other tests are of what is found.
STANDARD = CensusMapping.model_validate(
    {
        "columns": {field: field for field in FIELDS},
        "date_format": "%Y-%m-%d",
        "decimal_separator": ".",
        "pay_basis": "annual",
    }
)
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
    sums_positions: bool = True,
) -> CensusVerdict:
    return validate_census(
        connection,
        scenario_id=scenario_id,
        census_name="census.csv",
        opening_date=opening_date,
        top_level=TOP_LEVEL,
        reject_share_limit=reject_share_limit,
        sums_positions=sums_positions,
    )


def results(connection: duckdb.DuckDBPyConnection, scenario_id: str = "baseline") -> list[list]:
    return [
        connection.execute(
            f"select * from raw.{table} where scenario_id = ? order by all", [scenario_id]
        ).fetchall()
        for table in (*RESULTS, "baseline_workforce_validated", "census_set_aside")
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
    body = re.sub(r"[\s\xa0]", " ", text).strip()
    signs = 0
    if body.startswith("(") and body.endswith(")"):
        signs, body = 1, body[1:-1]
        negative = True
    else:
        negative = False
    has_currency = False
    for _ in range(2):
        if body[:1] in {"+", "-"}:
            signs += 1
            negative |= body[0] == "-"
            body = body[1:].removeprefix(" ")
            if not body.startswith("$"):
                break
        if body.startswith("$") and not has_currency:
            body, has_currency = body.removeprefix("$").removeprefix(" "), True
    dash = re.search(r"(.*\d ?)\$? ?([.,]-+|-)( ?\$)?", body)
    if dash and dash[0] == body:
        body = dash[1].removesuffix(" ")
        if dash[2] == "-":
            signs, negative = signs + 1, True
    body = re.sub(r" ?\$$", "", body)
    return None if signs > 1 else _exact(body, negative=negative)


def _exact(body: str, *, negative: bool) -> Decimal | None:
    if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+([.,][0-9]{1,2})?", body):
        body = body.replace(" ", "")
    whole, point, cents = body.partition(".")
    if point and not re.fullmatch("[0-9]+", cents):
        return None
    if not re.fullmatch(r"[0-9]{1,15}|[0-9]{1,3}(,[0-9]{2})*,[0-9]{3}", whole):
        return None
    exact = Decimal(whole.replace(",", "") + point + cents) * (-1 if negative else 1)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return rounded if abs(rounded) < 10**14 else None


def level_of(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,9})(\.0+)?", text)
    return int(found[1]) if found and 1 <= int(found[1]) <= TOP_LEVEL else None


def before(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one < other


def text_of(row: dict[str, str]) -> dict[str, str]:
    return {field: row.get(field, "").strip(" \t\r\n\xa0") for field in FIELDS}


def judged(row: dict[str, str], *, others: list[dict[str, str]]) -> str | None:
    """The first reason against the row by itself; None if it is a person employed."""
    text = text_of(row)
    pays = [money(text_of(other)["annual_compensation"]) for other in others if id_of(other)]
    paid = [pay for pay in pays if pay is not None and pay > 0]
    pay, hired = money(text["annual_compensation"]), day(text["hire_date"])
    enough = sum(paid) if text["hire_date"] else max(paid, default=0)
    if not text["employee_id"] and len(paid) >= 3 and pay is not None and pay >= enough:
        return "totals_row"
    if not any(value.strip(" ") for value in row.values()):
        return "empty_row"
    doubts = [
        *doubts_on_identity(text["employee_id"]),
        *doubts_on_hire(text["hire_date"], hired),
        *doubts_on_pay(text["annual_compensation"]),
        *doubts_on_birth(text["birth_date"], hired),
        ("invalid_level", bool(text["level"]) and level_of(text["level"]) is None),
        *doubts_on_termination(text["termination_date"], hired),
        ("hired_after_start", before(OPENING_DATE, hired)),
        ("left_before_start", not before(OPENING_DATE, day(text["termination_date"]) or NEVER)),
    ]
    return next((reason for reason, holds in doubts if holds), None)


NEVER = date(9999, 1, 1)


def id_of(row: dict[str, str]) -> str:
    return text_of(row)["employee_id"]


def judged_together(rows: list[dict[str, str]]) -> dict[int, str | None]:
    """The reason against each row, by its number, with the other rows of its person."""
    alone = {number: judged(row, others=rows) for number, row in enumerate(rows, start=1)}
    together = dict(alone)
    people: dict[str, dict[int, dict[str, Any]]] = {}
    for number, reason in alone.items():
        row = text_of(rows[number - 1])
        if row["employee_id"] and reason in {None, "hired_after_start", "left_before_start"}:
            people.setdefault(row["employee_id"], {})[number] = {
                "hired": day(row["hire_date"]),
                "left": day(row["termination_date"]),
                "pay": money(row["annual_compensation"]),
                "born": day(row["birth_date"]),
                "level": level_of(row["level"]),
                "department": row["department"],
            }
    for stints in people.values():
        first: dict[int, dict[str, Any]] = {}
        for number, stint in stints.items():
            if stint in first.values():
                together[number] = "duplicate_employee_id"
            else:
                first[number] = stint
        active = [number for number in first if alone[number] is None]
        ended = [number for number in first if alone[number] == "left_before_start"]
        main = max(active, key=lambda one: (stints[one]["pay"], -one), default=None)
        last = max(ended, key=lambda one: (stints[one]["left"], -one), default=None)
        for number in active:
            together[number] = None if number == main else "second_position"
        for number in ended:
            is_last = not active and number == last
            together[number] = "left_before_start" if is_last else "other_stint"
    return together


def doubts_on_identity(employee_id: str) -> list[tuple[str, bool]]:
    reserved = re.fullmatch(r"NH-[0-9]{4}-[0-9]{6,}", employee_id)
    return [
        ("missing_employee_id", not employee_id),
        ("reserved_employee_id", reserved is not None),
    ]


def doubts_on_hire(text: str, hired: date | None) -> list[tuple[str, bool]]:
    return [
        ("missing_hire_date", not text),
        ("unparseable_hire_date", hired is None),
        ("hire_date_before_1900", before(hired, date(1900, 1, 1))),
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
def test_every_row_is_counted_once_as_an_independent_implementation_counts_it(
    rows: list[dict[str, str]],
):
    expected = judged_together(rows)
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "census.csv"
        write_census(path, rows)
        read(connection, path)
        verdict = validate(connection, sums_positions=False)
        rejected, set_aside = (
            connection.execute(f"select row_number, reason from raw.{table}").fetchall()
            for table in ("census_rejects", "census_set_aside")
        )
        accepted = connection.execute(
            "select row_number, employee_id, hire_date, annual_compensation, level, department, "
            "termination_date from raw.census_accepted"
        ).fetchall()
    against = dict(rejected) | dict(set_aside)
    assert against == {number: why for number, why in expected.items() if why}
    assert sorted(row[0] for row in [*rejected, *set_aside, *accepted]) == list(expected)
    for number, *values in accepted:
        row = text_of(rows[number - 1])
        assert values == [
            row["employee_id"],
            day(row["hire_date"]),
            money(row["annual_compensation"]),
            level_of(row["level"]),
            row["department"] or None,
            day(row["termination_date"]),
        ]
    counted = Counter(why for _, why in set_aside)
    left = counted.pop("left_before_start", 0)
    assert verdict == CensusVerdict(
        census_name="census.csv",
        rows_read=len(rows),
        rows_accepted=len(accepted),
        rows_rejected=len(rejected),
        rows_left_before_start=left,
        rows_without_birth_date=verdict.rows_without_birth_date,
        rows_without_level=sum(row[4] is None for row in accepted),
        reject_share_limit=0.05,
        rows_set_aside=counted.total(),
        rows_leaving_later=sum(row[6] is not None for row in accepted),
        reasons=dict(Counter(why for _, why in rejected)),
        set_aside=dict(counted),
    )
    assert verdict.reject_share == len(rejected) / len(rows)
    assert verdict.within_limit == (verdict.reject_share <= 0.05)


EXAMPLES = [
    ("missing_employee_id", {"employee_id": "\t"}, "employee_id", None),
    ("reserved_employee_id", {"employee_id": "NH-2025-1000000"}, "employee_id", "NH-2025-1000000"),
    ("missing_hire_date", {"hire_date": ""}, "hire_date", None),
    ("unparseable_hire_date", {"hire_date": "2010-02-30"}, "hire_date", "2010-02-30"),
    ("hire_date_before_1900", {"hire_date": "1899-12-31"}, "hire_date", "1899-12-31"),
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
    # with one other, a row without an identifier and with the same pay would be a total
    write_census(
        census, [GOOD | {"employee_id": "E0"}, GOOD | {"employee_id": "E00"}, GOOD | changes]
    )
    read(connection, census)
    validate(connection)
    rejects = connection.execute("select * from raw.census_rejects").fetchall()
    employee_id = (GOOD | changes)["employee_id"].strip() or None
    assert rejects == [("baseline", 3, employee_id, reason, field, value)]


def test_every_reason_has_an_example():
    others = {"malformed_line", "duplicate_employee_id", "unparseable_fte"}
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
        (4, "E1", "duplicate_employee_id", "employee_id", "E1 is in row 2"),
        (5, None, "malformed_line", "line", "missing columns: E3,2010-01-01"),
    ]
    assert list(verdict.reasons.items()) == [
        ("malformed_line", 1),
        ("duplicate_employee_id", 1),
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


def test_leavers_before_the_opening_date_are_counted_and_do_not_enter_the_baseline(
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


def test_a_share_of_rejects_above_the_limit_is_reported(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    write_census(census, [GOOD | {"employee_id": f"E{n}", "level": str(n)} for n in range(1, 21)])
    read(connection, census)
    verdict = validate(connection, reject_share_limit=0.74)
    assert verdict.reject_share == 0.75
    assert not verdict.within_limit
    assert validate(connection, reject_share_limit=0.75).within_limit


def test_an_empty_baseline_is_an_error_and_the_earlier_one_stays(
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


def test_a_census_that_was_not_read_or_validated_cannot_be_judged(
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
        assert [len(rows) for rows in now] == [1, 2, 1, 2, 0]
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
    assert validate(connection, opening_date=date(2000, 1, 1)).rows_set_aside == 1


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
