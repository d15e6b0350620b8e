"""A real payroll export, as the city that published it has it, from file to baseline."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from simulation.census import publish_baseline, read_census, validate_census
from simulation.census.levels import top_level
from simulation.config import load_scenario

PAYROLL = Path(__file__).parents[4].parent / "shared" / "data" / "payroll"

pytestmark = pytest.mark.skipif(
    not PAYROLL.is_dir(), reason=f"the published payroll is not at {PAYROLL}"
)


@pytest.mark.parametrize(
    ("year", "rows", "zeros"), [(2012, 14_088, 0), (2013, 14_287, 0), (2014, 14_024, 25)]
)
def test_the_published_payroll_becomes_the_opening_workforce(year: int, rows: int, zeros: int):
    path = PAYROLL / f"fy{year}.csv"
    opening_date = date(year, 12, 31)
    with path.open(encoding="utf-8", newline="") as lines:
        published = list(csv.DictReader(lines))
    paid = {
        row["employee_id"]: (
            date.fromisoformat(row["hire_date"]),
            Decimal(row["annual_salary"]),
            row["agency"],
        )
        for row in published
        if Decimal(row["annual_salary"])
    }
    with duckdb.connect() as connection:
        file = read_census(
            connection,
            path=path,
            scenario_id="city",
            mappings=load_scenario("baseline").census.mappings,
        )
        verdict = validate_census(
            connection,
            scenario_id="city",
            census_name=path.name,
            opening_date=opening_date,
            top_level=top_level(),
            reject_share_limit=0.05,
        )
        employees = publish_baseline(connection, "city")
        baseline = connection.execute(
            "select employee_id, hire_date, annual_compensation, department, birth_date, level "
            "from raw.baseline_workforce_validated"
        ).fetchall()
        rejects = connection.execute(
            "select employee_id, reason, field, value from raw.census_rejects"
        ).fetchall()
    assert (file.mapping, file.rows) == ("proposed", rows)
    assert {"birth_date", "level", "termination_date"} < set(file.absent_columns)
    assert len(published) == verdict.rows_read == rows
    assert verdict.reasons == ({"zero_annual_compensation": zeros} if zeros else {})
    assert verdict.rows_without_birth_date == verdict.rows_without_level == len(paid)
    assert verdict.rows_accepted == employees == rows - zeros
    assert verdict.within_limit
    assert {row[0]: row[1:4] for row in baseline} == paid
    assert {row[4:] for row in baseline} == {(None, None)}
    assert [row[0] for row in baseline] == sorted(paid)
    assert sorted(rejects) == sorted(
        (
            row["employee_id"],
            "zero_annual_compensation",
            "annual_compensation",
            row["annual_salary"],
        )
        for row in published
        if row["employee_id"] not in paid
    )
