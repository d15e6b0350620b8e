"""Every row of a census is judged once, for the right reason, and all of it or nothing shows."""

import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.unit.simulation.census.standard_census import (
    GOOD,
    OPENING_DATE,
    RESULTS,
    STANDARD,
    read,
    results,
    validate,
    write_census,
)

from simulation.census import (
    REASONS,
    CensusError,
    generate_census,
    publish_baseline,
    read_verdict,
)

EXAMPLES = [
    ("missing_employee_id", {"employee_id": "\t"}, "employee_id", None),
    ("reserved_employee_id", {"employee_id": "NH-2025-1000000"}, "employee_id", "NH-2025-1000000"),
    ("rounded_employee_id", {"employee_id": "1.23457E+14"}, "employee_id", "1.23457E+14"),
    ("missing_hire_date", {"hire_date": ""}, "hire_date", None),
    ("missing_hire_date", {"hire_date": "1900-01-01"}, "hire_date", "1900-01-01"),
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
    others = {"malformed_line", "duplicate_employee_id", "another_birth_date", "invalid_fte"}
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
    published = "select * exclude (job_family, fte) from raw.baseline_workforce_validated"
    assert connection.execute(published).fetchall() == [
        ("baseline", "joined", None, date(2024, 12, 31), None, "Tax", Decimal("56000.00"), None),
        ("baseline", "stays", None, date(2010, 3, 1), 2, None, Decimal("56000.00"), None),
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


def test_csv_and_parquet_of_the_same_people_are_read_as_the_same_rows(
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
