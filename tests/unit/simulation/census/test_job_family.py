"""A column of job families is found, read and published; without one nothing changes."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.unit.simulation.census.exports import table
from tests.unit.simulation.census.standard_census import validate

from simulation.census import publish_baseline, read_census
from simulation.census.columns.proposal import propose_columns
from simulation.census.tables import create_tables
from simulation.state.identity import census_digest

ROWS = (
    "E1,2010-01-01,60000.00,Ward,Nurse II, Nurses ",
    "E2,2011-01-01,61000.00,Ward,Clerk,",
    "E2,2011-01-01,61000.00,Ward,Clerk,",
    "E3,2012-01-01,62000.00,Ward,Nurse I,Nurses",
    "E3,2012-01-01,12000.00,Ward,Nurse I,Clerks",
)


@pytest.mark.parametrize(
    "name",
    [
        "Job Family", "JOB_FAMILY_NAME", "jobFamily", "Job Group", "Job Class", "Job Category",
        "Occupational Group", "Occupation", "Berufsgruppe", "Famille de métiers",
        "Grupo ocupacional", "Functiefamilie", "Job Family (2024)",
    ],
)  # fmt: skip
def test_the_column_is_found_by_its_name(name: str) -> None:
    header = ["Employee ID", "Hire Date", "Salary", "Department", "Job Title", name]
    found = propose_columns(header, [ROWS[0].split(",")], top_level=5)
    assert found.columns["job_family"] == 5
    assert found.columns["position"] == 4
    assert found.columns["department"] == 3


@pytest.mark.parametrize(
    "name",
    [
        "Family Name",
        "Family Status",
        "Job Code",
        "Family Leave Date",
        "Job Group Code",
        "Job Function",
    ],
)
def test_another_column_is_not_taken_for_it(name: str) -> None:
    header = ["Employee ID", "Hire Date", "Salary", name]
    examples = [["E1", "2010-01-01", "60000", "x"]]
    assert "job_family" not in propose_columns(header, examples, top_level=5).columns


@pytest.fixture
def published(tmp_path: Path) -> Callable[..., tuple[list, str]]:
    """Returns the people of a file with their families, and the digest of the census."""

    def publish(header: str, *rows: str) -> tuple[list, str]:
        path = tmp_path / "census.csv"
        path.write_text(table(header, *rows), "utf-8")
        with duckdb.connect() as connection:
            create_tables(connection)
            read_census(connection, path=path, scenario_id="baseline", mappings={})
            validate(connection)
            publish_baseline(connection, "baseline")
            people = connection.execute(
                "select employee_id, job_family from raw.baseline_workforce_validated order by all"
            ).fetchall()
            return people, census_digest(connection, "baseline")

    return publish


HEADER = "Employee ID,Hire Date,Annual Salary,Department,Job Title"


def test_it_is_published_without_blanks_and_of_the_main_position(
    published: Callable[..., tuple[list, str]],
) -> None:
    people, _ = published(f"{HEADER},Job Family", *ROWS)
    assert people == [("E1", "Nurses"), ("E2", None), ("E3", "Nurses")]


def test_the_digest_of_a_census_changes_with_a_family_and_not_with_an_empty_column(
    published: Callable[..., tuple[list, str]],
) -> None:
    empty = [row.rpartition(",")[0] for row in ROWS[:2]]
    _, without = published(HEADER, *empty)
    assert published(f"{HEADER},Job Family", *(f"{row}," for row in empty))[1] == without
    digests = {
        published(f"{HEADER},Job Family", f"{empty[0]},{family}", f"{empty[1]},")[1]
        for family in ("Nurses", "Clerks", "")
    }
    assert len(digests) == 3
    # as releases before families computed it
    assert without == "2-" + str(
        duckdb.sql(
            "select bit_xor(md5_number(person)) from values "
            "('E1|?|2010-01-01|?|Ward|60000.00'), ('E2|?|2011-01-01|?|Ward|61000.00') "
            "as people(person)"
        ).fetchall()[0][0]
    )
