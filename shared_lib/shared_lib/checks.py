"""Asset checks that any location can use, from its ``orchestration.yaml`` or from code.

Checks that take a ``relation`` query the location's warehouse and need its resource; the others
evaluate what Dagster has recorded for the asset.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import dagster as dg

from shared_lib.metadata import qualified
from shared_lib.warehouse import Warehouse

# For a history without any spread: this share of the median counts as one deviation.
_LEAST_SPREAD = 0.005

# How many materialisations are searched for those with an entry, and how many at a time.
_MOST_MATERIALIZATIONS = 1_000
_PAGE = 100

_ROW_COUNT = "dagster/row_count"
_SCHEMA = "dagster/column_schema"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that all checks have.

    Attributes:
        name: the check's name, unique within its asset.
        asset: the asset that it checks.
        severity: the severity of a failure.
        blocking: whether a failure blocks the assets downstream.
        description: shown in the UI.
        pool: the concurrency pool of its step.
    """

    name: str
    asset: dg.AssetKey
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    blocking: bool = False
    description: str | None = None
    pool: str | None = None


def row_count_check(
    options: Options, *, relation: str, minimum: int | None = None, maximum: int | None = None
) -> dg.AssetChecksDefinition:
    """Check that the relation, ``schema.table``, has ``minimum`` to ``maximum`` rows."""
    query = "select count(*) from {table}"

    def judge(rows: int) -> dg.AssetCheckResult:
        is_within = (minimum is None or rows >= minimum) and (maximum is None or rows <= maximum)
        allowed = " and ".join(
            text
            for text, bound in ((f"at least {minimum}", minimum), (f"at most {maximum}", maximum))
            if bound is not None
        )
        return _result(
            options,
            f"{relation} has {rows:,} rows, expected {allowed}",
            {"rows": rows},
            passed=is_within,
        )

    return _of_warehouse(options, relation, query, judge)


def unique_check(
    options: Options, *, relation: str, columns: Sequence[str]
) -> dg.AssetChecksDefinition:
    """Check that no two rows of the relation have the same values in ``columns``."""
    names = ", ".join(_identifier(column) for column in columns)
    query = (
        "select count(*) from (select 1 from {table} "  # noqa: S608 - quoted
        f"group by {names} having count(*) > 1)"
    )
    described = f"combinations of {', '.join(columns)} occur more than once in {relation}"
    return _none_check(options, relation, query, described=described, entry="repeated")


def expression_check(
    options: Options, *, relation: str, expression: str
) -> dg.AssetChecksDefinition:
    """Check that an SQL condition is true for every row; unknown counts as false."""
    query = (
        "select count(*) from {table} "  # noqa: S608 - the expression is SQL by design
        f"where ({expression}) is not true"
    )
    described = f"rows of {relation} do not satisfy: {expression}"
    return _none_check(options, relation, query, described=described, entry="broken")


def _none_check(
    options: Options, relation: str, query: str, *, described: str, entry: str
) -> dg.AssetChecksDefinition:
    """Check that the query counts nothing; ``described`` is what it counts."""

    def judge(number: int) -> dg.AssetCheckResult:
        return _result(options, f"{number:,} {described}", {entry: number}, passed=number == 0)

    return _of_warehouse(options, relation, query, judge)


def _of_warehouse(
    options: Options, relation: str, query: str, judge: Callable[[int], dg.AssetCheckResult]
) -> dg.AssetChecksDefinition:
    """Judge the number that a query returns; the first ``{table}`` in it becomes the relation."""
    schema, _, table = relation.partition(".")

    @_check(options)
    def ask(warehouse: Warehouse) -> dg.AssetCheckResult:
        with warehouse.reading() as connection:
            whole = query.replace("{table}", qualified(connection, (schema, table)), 1)
            [(number,)] = connection.execute(whole).fetchall()
        return judge(number)

    return ask


def row_count_anomaly_check(
    options: Options, *, minimum_runs: int, history: int, deviations: float
) -> dg.AssetChecksDefinition:
    """Check the last row count against earlier ones, in median absolute deviations.

    Args:
        options: see :class:`Options`.
        minimum_runs: how many materialisations must precede the last for it to be evaluated.
        history: how many earlier materialisations are considered.
        deviations: how many deviations are allowed. One is at least 0.5 % of the median, so that
            a history without spread still allows some variation.
    """

    @_check(options)
    def compare(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        counts = [
            int(count.value)
            for count in _recorded(context.instance, options.asset, _ROW_COUNT, history + 1)
        ]
        last, before = counts[:1], counts[1:]
        if not last or len(before) < minimum_runs:
            return _result(
                options,
                f"not evaluated: {len(before)} of {minimum_runs} earlier row counts are recorded",
                {"row_counts": len(counts)},
                passed=True,
            )
        middle, spread = usual_spread(before)
        away = abs(last[0] - middle) / spread
        return _result(
            options,
            f"{last[0]:,} rows are {away:.1f} deviations from the median {middle:,.0f} of "
            f"{len(before)} materialisations, allowed: {deviations:g}",
            {"rows": last[0], "median": middle, "deviation": spread},
            passed=away <= deviations,
        )

    return compare


def usual_spread(counts: Sequence[int]) -> tuple[float, float]:
    """Return the median of row counts, and their median absolute deviation.

    The deviation is at least one row and 0.5 % of the median.
    """
    middle = median(counts)
    deviation = median(abs(count - middle) for count in counts)
    return middle, max(deviation, _LEAST_SPREAD * middle, 1)


def schema_change_check(options: Options) -> dg.AssetChecksDefinition:
    """Check that columns and types are the same as in the previous materialisation."""

    @_check(options)
    def compare(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        schemas = [
            {column.name: column.type for column in entry.value.columns}
            for entry in _recorded(context.instance, options.asset, _SCHEMA, 2)
        ]
        if len(schemas) < 2:  # noqa: PLR2004 - it takes two to compare
            return _result(options, "there is no earlier schema to compare with", {}, passed=True)
        now, before = schemas
        changes = [
            *(f"{name} was added" for name in now if name not in before),
            *(f"{name} was removed" for name in before if name not in now),
            *(
                f"{name} changed from {before[name]} to {kind}"
                for name, kind in now.items()
                if name in before and before[name] != kind
            ),
        ]
        return _result(options, "; ".join(changes) or "unchanged", {}, passed=not changes)

    return compare


def freshness_check(options: Options, *, maximum_age: timedelta) -> dg.AssetChecksDefinition:
    """Check that the asset was materialised within the last ``maximum_age``."""

    @_check(options)
    def judge(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        age = age_of(context.instance, options.asset)
        described = "was never materialised" if age is None else f"was materialised {age} ago"
        return _result(
            options,
            f"{options.asset.to_user_string()} {described}, maximum age: {maximum_age}",
            {"age_seconds": age.total_seconds()} if age else {},
            passed=age is not None and age <= maximum_age,
        )

    return judge


def age_of(instance: dg.DagsterInstance, asset: dg.AssetKey) -> timedelta | None:
    """Return the time since the last materialisation, in whole seconds; None without one."""
    event = instance.get_latest_materialization_event(asset)
    return timedelta(seconds=int(time.time() - event.timestamp)) if event else None


def _recorded(
    instance: dg.DagsterInstance, asset: dg.AssetKey, entry: str, limit: int
) -> list[Any]:
    """Return a metadata entry of the latest materialisations that have it, the latest first.

    Materialisations without the entry do not count, but the total searched is limited.
    """
    found: list[Any] = []
    cursor, seen = None, 0
    while len(found) < limit and seen < _MOST_MATERIALIZATIONS:
        page = instance.fetch_materializations(asset, limit=_PAGE, cursor=cursor)
        events = [record.asset_materialization for record in page.records]
        found += [event.metadata[entry] for event in events if event and entry in event.metadata]
        cursor, seen = page.cursor, seen + len(events)
        if not page.has_more:
            break
    return found[:limit]


def _check(options: Options) -> Callable[[Callable[..., Any]], dg.AssetChecksDefinition]:
    return dg.asset_check(
        asset=options.asset,
        name=options.name,
        blocking=options.blocking,
        description=options.description,
        pool=options.pool,
    )


def _result(
    options: Options, description: str, metadata: dict[str, Any], *, passed: bool
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, severity=options.severity, description=description, metadata=metadata
    )


def _identifier(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
