"""A column of working time is read as a share of full time; without one nothing changes."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.unit.simulation.census.exports import table
from tests.unit.simulation.census.standard_census import validate

from simulation.census import publish_baseline, read_census
from simulation.census.tables import create_tables
from simulation.state.identity import census_digest

Published = Callable[..., tuple[dict[str, Decimal | None], list[tuple[str, str]], str]]
HEADER = "Employee ID,Hire Date,Annual Salary,Status,FTE"


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """Returns the working time of the people of a file, what is rejected, and the digest."""

    def publish(*rows: str, header: str = HEADER) -> tuple[dict, list[tuple[str, str]], str]:
        path = tmp_path / "census.csv"
        path.write_text(table(header, *rows), "utf-8")
        with duckdb.connect() as connection:
            create_tables(connection)
            read_census(connection, path=path, scenario_id="baseline", mappings={})
            validate(connection)
            publish_baseline(connection, "baseline")
            people = connection.execute(
                "select employee_id, fte from raw.baseline_workforce_validated"
            ).fetchall()
            rejects = connection.execute(
                "select reason, value from raw.census_rejects order by row_number"
            ).fetchall()
            return dict(people), rejects, census_digest(connection, "baseline")

    return publish


def test_shares_and_percentages_are_read_and_an_empty_one_is_full_time(
    published: Published,
) -> None:
    shares, _, _ = published(
        "E1,2010-01-01,60000.00,active,0.5",
        "E2,2011-01-01,61000.00,active,1.0",
        "E3,2012-01-01,62000.00,active,",
    )
    assert shares == {"E1": Decimal("0.5"), "E2": 1, "E3": None}
    percentages, _, _ = published(
        "E1,2010-01-01,60000.00,active,87.5%", "E2,2011-01-01,61000.00,active,100%"
    )
    assert percentages == {"E1": Decimal("0.875"), "E2": 1}


def test_what_is_not_above_0_and_at_most_1_is_rejected_of_those_who_are_employed(
    published: Published,
) -> None:
    people, rejects, _ = published(
        "E1,2010-01-01,60000.00,active,0.5",
        "E2,2011-01-01,61000.00,active,0",
        "E3,2012-01-01,62000.00,active,1.25",
        "E4,2012-01-01,62000.00,active,half",
        "E5,2012-01-01,62000.00,terminated,0",
    )
    assert list(people) == ["E1"]
    assert rejects == [("invalid_fte", value) for value in ("0", "1.25", "half")]


def test_the_positions_of_a_person_add_up_to_one_at_most(published: Published) -> None:
    people, _, _ = published(
        "E1,2010-01-01,30000.00,active,0.25",
        "E1,2012-01-01,31000.00,active,0.5",
        "E2,2010-01-01,60000.00,active,0.8",
        "E2,2010-01-01,20000.00,active,0.4",
    )
    assert people == {"E1": Decimal("0.75"), "E2": 1}


def test_the_digest_changes_with_part_time_and_not_with_a_column_of_full_time(
    published: Published,
) -> None:
    rows = ["E1,2010-01-01,60000.00,active", "E2,2011-01-01,61000.00,active"]
    _, _, without = published(*rows, header=HEADER.rpartition(",")[0])
    assert published(*(f"{row},1" for row in rows))[2] == without
    assert published(f"{rows[0]},0.5", f"{rows[1]},1")[2] != without
