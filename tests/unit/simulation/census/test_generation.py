"""A generated census is the same for the same arguments, and looks like a workforce."""

import csv
import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from shared_lib.dbt.project import PROJECT_DIRECTORY
from simulation.census import CensusError, generate_census
from simulation.census.generation import AGES_AT_HIRE, DEPARTMENTS, LEVELS

AS_OF = date(2024, 12, 31)
SIZE = 20_000

PINNED = """\
employee_id,hire_date,annual_compensation,birth_date,level,department
E0000001,2021-01-28,75780.00,1990-09-18,1,Customer Service
E0000002,2023-06-14,64730.00,1986-08-20,1,Engineering
E0000003,2004-10-18,104690.00,1974-07-07,2,Manufacturing
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("census") / "census.parquet"
    generate_census(path, size=SIZE, seed=7, as_of=AS_OF)
    with duckdb.connect() as connection:
        connection.execute(
            "create table people as select *, date_sub('year', birth_date, hire_date) as hired_at, "
            "? - hire_date as days from read_parquet(?)",
            [AS_OF, str(path)],
        )
        yield connection


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT_DIRECTORY / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_same_arguments_make_the_same_file_and_another_seed_another(
    tmp_path: Path, suffix: str
):
    digests = []
    for number, chosen in enumerate([1, 1, 2]):
        path = tmp_path / f"{number}.{suffix}"
        generate_census(path, size=3_000, seed=chosen, as_of=AS_OF)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]
    assert len(list(tmp_path.iterdir())) == 3


def test_the_first_people_are_those_that_they_have_always_been(tmp_path: Path):
    path = tmp_path / "census.csv"
    generate_census(path, size=3, seed=1, as_of=AS_OF)
    assert path.read_text() == PINNED


def test_everyone_is_whole_and_was_hired_by_the_day_of_the_census(
    people: duckdb.DuckDBPyConnection,
):
    ((rows, ids, complete),) = people.execute(
        "select count(*), count(distinct employee_id), count(*) filter ("
        "hire_date is not null and annual_compensation > 0 and birth_date is not null "
        "and level is not null and department is not null) from people"
    ).fetchall()
    assert (rows, ids, complete) == (SIZE, SIZE, SIZE)
    ((latest, youngest, oldest),) = people.execute(
        "select max(hire_date), min(hired_at), max(date_sub('year', birth_date, ?)) from people",
        [AS_OF],
    ).fetchall()
    assert latest <= AS_OF
    assert youngest == 22
    assert oldest <= 67


def test_tenure_is_short_for_most_and_long_for_few(people: duckdb.DuckDBPyConnection):
    shares = people.execute(
        "select avg((days < 2 * 365)::integer), avg((days >= 20 * 365)::integer) from people"
    ).fetchone()
    assert shares is not None
    assert 0.2 < shares[0] < 0.4
    assert 0.01 < shares[1] < 0.08


def test_ages_at_hire_pay_bands_and_shares_are_those_of_the_seeds(
    people: duckdb.DuckDBPyConnection,
):
    assert [(age, percent / 100) for age, _, percent in AGES_AT_HIRE] == [
        (int(row["age"]), float(row["share"])) for row in seed("new_hire_ages")
    ]
    assert [band[:2] for band in LEVELS] == [
        (int(row["min_compensation"]), int(row["max_compensation"])) for row in seed("job_levels")
    ]
    for age, years, percent in AGES_AT_HIRE:
        (share,) = people.execute(
            "select avg((hired_at >= ? and hired_at < ?)::integer) from people", [age, age + years]
        ).fetchone() or (None,)
        assert share == pytest.approx(percent / 100, abs=0.015)


def test_the_levels_are_a_pyramid_and_go_with_tenure_and_pay(people: duckdb.DuckDBPyConnection):
    levels = people.execute(
        "select level, count(*), min(annual_compensation), max(annual_compensation), "
        "stddev(annual_compensation), avg(days) from people group by level order by level"
    ).fetchall()
    for (level, count, lowest, highest, spread, _), (low, high, percent) in zip(
        levels, LEVELS, strict=True
    ):
        assert count == percent * SIZE / 100, level
        assert low <= lowest < highest <= high
        assert spread > (high - low) / 8
    tenures = [row[5] for row in levels]
    assert tenures == sorted(tenures)
    assert tenures[4] > 3 * tenures[0]


def test_departments_have_their_sizes(people: duckdb.DuckDBPyConnection):
    counts = people.execute("select department, count(*) from people group by all").fetchall()
    assert sum(DEPARTMENTS.values()) == 100
    assert len(counts) == len(DEPARTMENTS) == 12
    for name, count in counts:
        assert count / SIZE == pytest.approx(DEPARTMENTS[name] / 100, abs=0.015)


@pytest.mark.parametrize(
    ("name", "size", "complaint"),
    [
        ("census.xlsx", 10, "named .csv or .parquet"),
        ("nowhere/census.csv", 10, "no such folder"),
        ("census.csv", 0, "at least 1 employee, not 0"),
    ],
)
def test_impossible_values_for_a_census_are_refused(
    tmp_path: Path, name: str, size: int, complaint: str
):
    with pytest.raises(CensusError, match=complaint):
        generate_census(tmp_path / name, size=size, seed=1, as_of=AS_OF)
    assert list(tmp_path.iterdir()) == []


def test_a_census_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "census.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        generate_census(tmp_path / "census.csv", size=10, seed=1, as_of=AS_OF)
    assert [path.name for path in tmp_path.iterdir()] == ["census.csv"]


def test_the_command_line_writes_the_census_and_explains_itself(tmp_path: Path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulation.census", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    written = run("--size", "3", "--seed", "1", "--as-of", "2024-12-31", "out.csv")
    assert (written.returncode, written.stderr) == (0, "")
    assert (tmp_path / "out.csv").read_text() == PINNED
    refused = run("--size", "0", "--as-of", "2024-12-31", "out.csv")
    assert refused.returncode == 2
    assert "a census needs at least 1 employee, not 0" in refused.stderr
    assert "--as-of YYYY-MM-DD" in run("--help").stdout
