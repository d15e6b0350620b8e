"""What the section ``checks`` finds in a real warehouse and a real event log."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from shared_lib.discovery import Location

Load = Callable[..., Location]


@pytest.fixture
def shop(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Writes the relation shop.orders; each use opens and closes the file."""
    path = tmp_path / "demonstration.duckdb"

    def fill(rows: str) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema if not exists shop")
            connection.execute(
                f"create or replace table shop.orders as from (values {rows}) as t(id, price)"
            )

    return fill


def evaluate(
    location: Location, instance: dg.DagsterInstance, name: str
) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(dg.AssetKey("orders"), name)
    job = dg.define_asset_job("checks_only", selection=dg.AssetSelection.checks(key))
    definitions = dg.Definitions.merge(location.definitions, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def("checks_only").execute_in_process(
        instance=instance, raise_on_error=False
    )
    [evaluation] = result.get_asset_check_evaluations()
    return evaluation


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        ("enough", "(1, 1), (2, 1)", "(1, 1)", "has 1 rows, allowed are at least 2 and at most 4"),
        ("there", "(1, 1)", "(1, 1) limit 0", "has 0 rows, allowed are at least 1"),
        ("one_each", "(1, 1), (2, 1)", "(1, 1), (1, 2)", "1 combinations of id in shop.orders"),
        ("priced", "(1, 1)", "(1, 0), (2, null)", "2 rows of shop.orders are not: price > 0"),
    ],
)
def test_a_check_of_the_warehouse_passes_and_fails(
    demonstration: Load,
    instance: dg.DagsterInstance,
    shop: Callable[[str], None],
    name: str,
    good: str,
    bad: str,
    said: str,
) -> None:
    location = demonstration()
    shop(good)
    passed = evaluate(location, instance, name)
    shop(bad)
    failed = evaluate(location, instance, name)

    assert passed.passed
    assert not failed.passed
    assert said in (failed.description or "")
    expected = dg.AssetCheckSeverity.WARN if name == "priced" else dg.AssetCheckSeverity.ERROR
    assert failed.severity is expected


def report(instance: dg.DagsterInstance, **metadata: object) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("orders", metadata=metadata))


def test_a_row_count_far_from_its_history_is_an_anomaly(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    for rows in (100, 104):
        report(instance, **{"dagster/row_count": rows})
    early = evaluate(location, instance, "usual")
    for rows in (98, 102, 101):
        report(instance, **{"dagster/row_count": rows})
    usual = evaluate(location, instance, "usual")
    report(instance, **{"dagster/row_count": 150})
    unusual = evaluate(location, instance, "usual")

    assert early.passed
    assert "not judged: 1 of 3" in (early.description or "")
    assert usual.passed
    assert not unusual.passed
    # median of 100 104 98 102 101 is 101, the deviations are 1 3 3 1 0
    assert "49.0 deviations from the median 101 of 5" in (unusual.description or "")


def test_a_changed_schema_is_told_column_by_column(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()

    def made(**columns: str) -> None:
        schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()])
        report(instance, **{"dagster/column_schema": schema})

    made(id="integer", price="decimal")
    made(id="integer", price="decimal")
    same = evaluate(location, instance, "same_columns")
    made(id="bigint", amount="decimal")
    changed = evaluate(location, instance, "same_columns")

    assert same.passed
    assert not changed.passed
    assert changed.description == "amount is new; price is gone; id was integer and is bigint"


def test_an_asset_is_fresh_only_when_it_was_made_in_time(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    never = evaluate(location, instance, "recent")
    report(instance)
    now = evaluate(location, instance, "recent")

    assert not never.passed
    assert "was never made" in (never.description or "")
    assert now.passed


def test_a_blocking_check_stops_what_depends_on_the_asset(
    demonstration: Load, instance: dg.DagsterInstance, shop: Callable[[str], None]
) -> None:
    shop("(1, 1) limit 0")
    trade = demonstration().definitions.resolve_job_def("trade")

    result = trade.execute_in_process(
        instance=instance, partition_key="2026-01-03", raise_on_error=False
    )

    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert not result.success
    assert made == {"orders"}
