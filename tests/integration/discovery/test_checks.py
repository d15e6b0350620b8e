"""What the section ``checks`` finds in a real warehouse and a real event log."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from shared_lib.discovery import Location
from shared_lib.metadata import relation_metadata

Load = Callable[..., Location]


@pytest.fixture
def shop(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Writes the relation shop.orders; each use opens and closes the file."""
    path = tmp_path / "examples.duckdb"

    def fill(rows: str) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema if not exists shop")
            connection.execute(
                f"create or replace table shop.orders as from (values {rows}) as t(id, price)"
            )

    return fill


def evaluate(
    location: Location, instance: dg.DagsterInstance, name: str, *, asset: str = "orders"
) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    job = dg.define_asset_job("checks_only", selection=dg.AssetSelection.checks(key))
    definitions = dg.Definitions.merge(location.definitions, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def("checks_only").execute_in_process(
        instance=instance, raise_on_error=False
    )
    [evaluation] = result.get_asset_check_evaluations()
    return evaluation


@pytest.mark.parametrize("name", ["enough", "one_each", "priced"])
def test_a_schema_may_have_the_name_of_its_location(
    written: Load, instance: dg.DagsterInstance, tmp_path: Path, name: str
) -> None:
    location = written(
        "checks:\n"
        "  enough: {type: non_empty, asset: plain, relation: examples.orders}\n"
        "  one_each: {type: unique, asset: plain, relation: examples.orders, columns: [id]}\n"
        "  priced: {type: sql, asset: plain, relation: examples.orders,\n"
        "    expression: \"tag != '{table}'\"}\n"
    )
    with duckdb.connect(str(tmp_path / "examples.duckdb")) as connection:
        connection.execute("create schema examples.examples")
        connection.execute("use examples.examples")
        connection.execute("create table orders as select 1 as id, 'a' as tag")
        metadata = relation_metadata(connection, "examples", "orders")

    assert metadata["dagster/row_count"] == 1
    assert evaluate(location, instance, name, asset="plain").passed


@pytest.mark.sees(
    "checks.row_count.type",
    "checks.row_count.relation",
    "checks.non_empty.type",
    "checks.non_empty.relation",
    "checks.unique.type",
    "checks.unique.relation",
    "checks.sql.type",
    "checks.sql.relation",
    "checks.row_count.minimum",
    "checks.unique.columns",
    "checks.sql.expression",
)
@pytest.mark.parametrize(
    ("name", "good", "bad", "text"),
    [
        ("enough", "(1, 1), (2, 1)", "(1, 1)", "has 1 rows, expected at least 2 and at most 4"),
        ("enough", "(1, 1), (2, 1)", "(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)", "has 5 rows"),
        ("there", "(1, 1)", "(1, 1) limit 0", "has 0 rows, expected at least 1"),
        (
            "one_each",
            "(1, 1), (2, 1)",
            "(1, 1), (1, 2)",
            "1 combinations of id occur more than once in shop.orders",
        ),
        (
            "priced",
            "(1, 1)",
            "(1, 0), (2, null)",
            "2 rows of shop.orders do not satisfy: price > 0",
        ),
    ],
)
def test_a_check_of_the_warehouse_passes_and_fails(
    demonstration: Load,
    instance: dg.DagsterInstance,
    shop: Callable[[str], None],
    name: str,
    good: str,
    bad: str,
    text: str,
) -> None:
    location = demonstration()
    shop(good)
    passed = evaluate(location, instance, name)
    shop(bad)
    failed = evaluate(location, instance, name)

    assert passed.passed
    assert not failed.passed
    assert text in (failed.description or "")
    expected = dg.AssetCheckSeverity.WARN if name == "priced" else dg.AssetCheckSeverity.ERROR
    assert failed.severity is expected


def report(instance: dg.DagsterInstance, asset: str = "orders", **metadata: object) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, metadata=metadata))


@pytest.mark.sees("checks.row_count_anomaly.type", "checks.row_count_anomaly.minimum_runs")
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
    assert "not evaluated: 1 of 3" in (early.description or "")
    assert usual.passed
    assert not unusual.passed
    # median of 100 104 98 102 101 is 101, the deviations are 1 3 3 1 0
    assert "49.0 deviations from the median 101 of 5" in (unusual.description or "")


@pytest.mark.sees("checks.schema_change.type")
def test_a_changed_schema_is_reported_column_by_column(
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
    assert (
        changed.description
        == "amount was added; price was removed; id changed from integer to bigint"
    )


@pytest.mark.sees("checks.freshness.type")
def test_an_asset_is_fresh_only_when_it_was_made_in_time(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    never = evaluate(location, instance, "recent")
    report(instance)
    now = evaluate(location, instance, "recent")

    assert not never.passed
    assert "was never materialised" in (never.description or "")
    assert now.passed


def test_a_blocking_check_stops_what_depends_on_the_asset(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    trade = demonstration().definitions.resolve_job_def("trade")

    result = trade.execute_in_process(
        run_config={"ops": {"orders": {"config": {"orders": 0}}}},
        instance=instance,
        partition_key="2026-01-03",
        raise_on_error=False,
    )

    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert not result.success
    assert made == {"orders"}


@dataclass(frozen=True)
class Failing:
    """A check that fails: its entry, and the rows or the past of the asset that make it fail."""

    entry: str
    rows: str | None = None
    past: tuple[dict[str, object], ...] = ()


def schema(name: str) -> dict[str, object]:
    return {"dagster/column_schema": dg.TableSchema([dg.TableColumn(name, "integer")])}


FAILING = {
    "non_empty": Failing("relation: shop.orders", rows="(1, 1) limit 0"),
    "row_count": Failing("relation: shop.orders, minimum: 3", rows="(1, 1)"),
    "unique": Failing("relation: shop.orders, columns: [id]", rows="(1, 1), (1, 2)"),
    "sql": Failing("relation: shop.orders, expression: id > 1", rows="(1, 1)"),
    "row_count_anomaly": Failing(
        "minimum_runs: 3", past=tuple({"dagster/row_count": rows} for rows in (9, 9, 9, 900))
    ),
    "schema_change": Failing("", past=(schema("id"), schema("key"))),
    "freshness": Failing("max_age_minutes: 60"),
}


@pytest.mark.sees(
    "checks.{kind}.asset", "checks.{kind}.severity", "checks.{kind}.blocking",
    "checks.{kind}.description",
)  # fmt: skip
@pytest.mark.parametrize("kind", FAILING)
def test_severity_and_blocking_of_a_failure_are_those_of_the_file(
    written: Load, instance: dg.DagsterInstance, shop: Callable[[str], None], kind: str
) -> None:
    failing = FAILING[kind]
    if failing.rows:
        shop(failing.rows)
    for metadata in failing.past:
        report(instance, "plain", **metadata)

    def run(more: str) -> dg.ExecuteInProcessResult:
        entry = ", ".join(filter(None, [f"type: {kind}, asset: plain", failing.entry, more]))
        location = written(f"checks:\n  one: {{{entry}}}\n")
        key = dg.AssetCheckKey(dg.AssetKey("plain"), "one")
        selection = dg.AssetSelection.checks(key) | dg.AssetSelection.assets("after")
        job = dg.define_asset_job("job", selection=selection)
        definitions = dg.Definitions.merge(location.definitions, dg.Definitions(jobs=[job]))
        shown = definitions.resolve_asset_graph().get(key).description
        assert shown == ("Why." if "Why." in more else None)
        return definitions.resolve_job_def("job").execute_in_process(
            instance=instance, raise_on_error=False
        )

    stopped, went_on = run("blocking: true, description: Why."), run("severity: warn")

    [failed] = stopped.get_asset_check_evaluations()
    [warned] = went_on.get_asset_check_evaluations()
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert stopped.asset_materializations_for_node("after") == []
    assert len(went_on.asset_materializations_for_node("after")) == 1


@pytest.mark.sees("checks.freshness.max_age_minutes")
def test_an_asset_gets_stale_when_the_minutes_of_the_file_are_over(
    written: Load, instance: dg.DagsterInstance
) -> None:
    location = written("checks: {recent: {type: freshness, asset: plain, max_age_minutes: 30}}\n")
    report(instance, "plain")
    made = instance.get_latest_materialization_event(dg.AssetKey("plain"))
    assert made is not None

    def passes(minutes: int) -> bool:
        """Whether it is fresh so long after it was materialised."""
        instance.store_event(made._replace(timestamp=time.time() - 60 * minutes))
        return evaluate(location, instance, "recent", asset="plain").passed

    assert (passes(29), passes(31)) == (True, False)


@pytest.mark.sees("checks.row_count_anomaly.history", "checks.row_count_anomaly.deviations")
@pytest.mark.parametrize(
    ("more", "passes"),
    [
        ("history: 4, deviations: 2", "no"),
        # of 1000, 990, 1010 and 1000 the median deviation is 5: 1100 is 20 of them away
        ("history: 4, deviations: 25", "yes"),
        # with what was there before, 1100 is as usual as 1000
        ("history: 9, deviations: 2", "yes"),
    ],
)
def test_an_anomaly_is_judged_by_so_much_of_the_past_and_so_many_deviations(
    written: Load, instance: dg.DagsterInstance, more: str, passes: str
) -> None:
    location = written(
        f"checks: {{usual: {{type: row_count_anomaly, asset: plain, minimum_runs: 3, {more}}}}}\n"
    )
    for rows in (1100, 1100, 1100, 1100, 1100, 1000, 1010, 990, 1000, 1100):
        report(instance, "plain", **{"dagster/row_count": rows})

    assert evaluate(location, instance, "usual", asset="plain").passed is (passes == "yes")


@pytest.mark.sees("checks.row_count.maximum", "checks.row_count.minimum")
@pytest.mark.parametrize(
    ("bounds", "passes"),
    [("minimum: 2", "yes"), ("minimum: 3", "no"), ("maximum: 2", "yes"), ("maximum: 1", "no")],
)
def test_a_single_bound_is_enough(
    written: Load,
    instance: dg.DagsterInstance,
    shop: Callable[[str], None],
    bounds: str,
    passes: str,
) -> None:
    shop("(1, 1), (2, 1)")
    entry = f"type: row_count, asset: plain, relation: shop.orders, {bounds}"

    location = written(f"checks: {{bound: {{{entry}}}}}\n")

    assert evaluate(location, instance, "bound", asset="plain").passed is (passes == "yes")


def test_a_materialisation_without_a_schema_hides_no_change(
    written: Load, instance: dg.DagsterInstance
) -> None:
    location = written("checks: {columns: {type: schema_change, asset: plain}}\n")
    report(instance, "plain", **schema("id"))
    report(instance, "plain", **schema("key"))
    report(instance, "plain")

    assert not evaluate(location, instance, "columns", asset="plain").passed
