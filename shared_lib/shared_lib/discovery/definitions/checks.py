"""Build asset checks from the configuration."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import dagster as dg
import duckdb

from shared_lib import checks
from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration import checks as configured


def build_checks(
    entries: Mapping[str, configured.Check], *, pool: str | None
) -> dict[str, dg.AssetChecksDefinition]:
    """Return the checks by entry name; their assets must be known."""
    return {name: _build(name, entry, pool) for name, entry in entries.items()}


def freshness_checks(
    entries: Mapping[str, configured.Check],
) -> dict[str, configured.FreshnessCheck]:
    """Return the entries that a freshness sensor evaluates."""
    return {
        name: entry
        for name, entry in entries.items()
        if isinstance(entry, configured.FreshnessCheck)
    }


def invalid_sql(entries: Mapping[str, configured.Check]) -> Iterator[Problem]:
    """Yield the expressions that are not one SQL condition."""
    for name, entry in entries.items():
        if not isinstance(entry, configured.SqlExpression):
            continue
        try:
            # as an argument, so that no parenthesis within can close the one around it
            statements = duckdb.extract_statements(f"select cast({entry.expression} as boolean)")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
        else:
            reason = "it has more than one statement" if len(statements) > 1 else ""
        if reason:
            text = f"{entry.expression!r} is not an SQL condition: {reason}"
            yield Problem(("checks", name, "expression"), text)


def _build(  # noqa: PLR0911 - a return for each kind
    name: str, entry: configured.Check, pool: str | None
) -> dg.AssetChecksDefinition:
    options = checks.Options(
        name=name,
        asset=dg.AssetKey.from_user_string(entry.asset),
        severity=dg.AssetCheckSeverity[entry.severity.upper()],
        blocking=entry.blocking,
        description=entry.description,
        pool=pool if isinstance(entry, configured.RelationCheck) else None,
    )
    match entry:
        case configured.NonEmpty():
            return checks.row_count_check(options, relation=entry.relation, minimum=1)
        case configured.RowCount():
            return checks.row_count_check(
                options, relation=entry.relation, minimum=entry.minimum, maximum=entry.maximum
            )
        case configured.Unique():
            return checks.unique_check(options, relation=entry.relation, columns=entry.columns)
        case configured.SqlExpression():
            return checks.expression_check(
                options, relation=entry.relation, expression=entry.expression
            )
        case configured.RowCountAnomaly():
            return checks.row_count_anomaly_check(
                options,
                minimum_runs=entry.minimum_runs,
                history=entry.history,
                deviations=entry.deviations,
            )
        case configured.SchemaChange():
            return checks.schema_change_check(options)
        case configured.FreshnessCheck():
            return checks.freshness_check(
                options, maximum_age=timedelta(minutes=entry.max_age_minutes)
            )
