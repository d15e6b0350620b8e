"""Checks and freshness as OpenMetadata's test cases."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from orchestration_platform.metadata.description import Check, Freshness, Table
from orchestration_platform.metadata.openmetadata.names import entity_name, qualified

_DEFINITIONS = {"TABLE": "dagsterTableCheck", "COLUMN": "dagsterColumnCheck"}
_UNLINKABLE = frozenset("<|")
_CASES = "/v1/dataQuality/testCases"


def definitions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and body of the definitions that all our test cases have."""
    for kind, name in _DEFINITIONS.items():
        yield (
            "/v1/dataQuality/testDefinitions",
            {
                "name": name,
                "description": "A check that Dagster runs.",
                "entityType": kind,
                "testPlatforms": ["Other"],
            },
        )


def check_requests(table: Table, fqn: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and body of the requests about the checks of the table named ``fqn``."""
    columns = {column.name for column in table.columns}
    for check in table.checks:
        # a link cannot name some columns; the check is about the table then
        is_named = check.column in columns and not _UNLINKABLE & {*check.column}
        yield from _check(check, fqn, entity_name(check.column) if is_named else "")
    if table.freshness is not None:
        yield from _freshness(table.freshness, fqn, table.updated_at)


def _check(check: Check, fqn: str, column: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "PUT", _CASES, _case(check.name, check.description, fqn, column)
    if check.result is not None:
        yield _result(
            qualified(*filter(None, [column, check.name])),
            fqn,
            at=check.result.at,
            passed=check.result.passed,
            note=check.result.description,
        )


def _freshness(
    freshness: Freshness, fqn: str, updated_at: float | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    limit = (
        f"New at {freshness.cron} {freshness.timezone}."
        if freshness.cron
        else f"At most {freshness.fail_seconds} seconds old."
    )
    yield "PUT", _CASES, _case("freshness", limit, fqn)
    if freshness.is_fresh is not None and updated_at is not None:
        yield _result("freshness", fqn, at=updated_at, passed=freshness.is_fresh)


def _case(name: str, description: str, fqn: str, column: str = "") -> dict[str, Any]:
    field = f"::columns::{column}" if column else ""
    return {
        "name": entity_name(name),
        "description": description or name,
        "testDefinition": _DEFINITIONS["COLUMN" if column else "TABLE"],
        "entityLink": f"<#E::table::{fqn}{field}>",
        "parameterValues": [],
    }


def _result(
    case: str, fqn: str, *, at: float, passed: bool, note: str = ""
) -> tuple[str, str, dict[str, Any]]:
    return (
        "POST",
        f"{_CASES}/testCaseResults/{quote(f'{fqn}.{case}', safe='')}",
        {
            "timestamp": round(at * 1000),
            "testCaseStatus": "Success" if passed else "Failed",
            "result": note,
            "testResultValue": [],
        },
    )
