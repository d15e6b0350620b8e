"""What an asset shows of its table, read from a real one."""

import dagster as dg
import duckdb
import pytest

from shared_lib.metadata import column_lineage, preview, row_count, table_metadata


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.people (id integer not null, pay decimal(16, 2), hired date)"
    )
    connection.execute("insert into marts.people values (1, 10.5, null), (2, null, null)")
    connection.execute("create view marts.paid as select id from marts.people where pay > 0")
    connection.execute('create table marts."odd ""name""" as select 1 as "a column"')
    return connection


def test_a_table_shows_rows_and_typed_columns_in_order(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    people = ("marts", "people")
    metadata = table_metadata(
        connection, [people], descriptions={people: {"pay": "Annual pay, dollars."}}
    )[people]
    assert metadata["dagster/table_name"] == "marts.people"
    assert metadata["dagster/row_count"] == 2
    described = [
        (column.name, column.type, column.constraints.nullable, column.description)
        for column in metadata["dagster/column_schema"].columns
    ]
    assert described == [
        ("id", "integer", False, None),
        ("pay", "decimal(16,2)", True, "Annual pay, dollars."),
        ("hired", "date", True, None),
    ]


def test_views_count_and_what_does_not_exist_is_left_out(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = table_metadata(connection, [("marts", "paid"), ("marts", "gone"), ("main", "people")])
    assert {name: entries["dagster/row_count"] for name, entries in found.items()} == {
        ("marts", "paid"): 1
    }


def test_a_name_is_taken_as_a_name_whatever_it_holds(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert row_count(connection, ("marts", 'odd "name"')) == 1


def test_lineage_names_asset_and_column() -> None:
    census = dg.AssetKey("census")
    lineage = column_lineage({"pay": [(census, "bonus"), (census, "salary")], "constant": []})
    assert lineage["dagster/column_lineage"].deps_by_column == {
        "pay": [dg.TableColumnDep(census, "bonus"), dg.TableColumnDep(census, "salary")],
        "constant": [],
    }


def test_rows_are_counted_that_have_the_value_in_tables_that_have_the_column(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("create table marts.plans as select unnest(['a', 'b', 'b']) as scenario_id")
    relations = [("marts", "plans"), ("marts", "people")]
    for scenario, count in (("b", 2), ("c", 0)):
        found = table_metadata(connection, relations, counted={"scenario_id": scenario})
        assert [found[name]["dagster/row_count"] for name in relations] == [count, 2]


def test_a_preview_has_the_first_rows_of_what_is_asked_for() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table main.years as select 'base' as scenario_id, 2025 + range as year, "
            "cast(range / 2 as decimal(9, 1)) as growth, date '2025-01-01' as first_day "
            "from range(12) union all select 'other', 1999, null, null"
        )
        years = ("main", "years")
        counted = {"scenario_id": "base", "day": "x"}
        found = table_metadata(connection, [years], counted=counted, previewed=[years])[years]
        assert found["dagster/row_count"] == 12
        rows = [record.data for record in found["preview"].records]
        assert len(rows) == 10
        first = {"scenario_id": "base", "year": 2025, "growth": 0.0, "first_day": "2025-01-01"}
        assert rows[0] == first
        assert [row["year"] for row in rows] == list(range(2025, 2035))
        everything = preview(connection, years)
        assert (len(everything["preview"].records), everything["dagster/row_count"]) == (10, 13)
        nothing = preview(connection, years, where={"scenario_id": "freeze"})
        assert (nothing["preview"].records, nothing["dagster/row_count"]) == ([], 0)
