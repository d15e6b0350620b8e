"""Checks and freshness as DataHub's assertions and operations."""

import hashlib
from collections.abc import Iterator
from typing import Any

from orchestration_platform.metadata.datahub.urns import column_urn
from orchestration_platform.metadata.description import Check, Freshness, Table

_FRESHNESS = "freshness"


def proposal(entity: str, urn: str, aspect: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the proposal to replace an aspect of an entity, as DataHub's files have it."""
    return {
        "entityType": entity,
        "entityUrn": urn,
        "changeType": "UPSERT",
        "aspectName": aspect,
        "aspect": {"json": content},
    }


def check_proposals(table: Table, urn: str) -> Iterator[dict[str, Any]]:
    """Yield the proposals about the checks and the freshness of the table with the name ``urn``."""
    for check in table.checks:
        yield from _check(check, urn)
    if table.updated_at is None:
        return
    at = _milliseconds(table.updated_at)
    yield proposal(
        "dataset",
        urn,
        "operation",
        {
            "timestampMillis": at,
            "partitionSpec": {"type": "FULL_TABLE", "partition": "FULL_TABLE_SNAPSHOT"},
            "operationType": "UPDATE",
            "lastUpdatedTimestamp": at,
        },
    )
    if table.freshness is not None:
        yield from _freshness(table.freshness, urn, at)


def _check(check: Check, urn: str) -> Iterator[dict[str, Any]]:
    assertion = _assertion_urn(urn, check.name)
    custom = {"type": "Dagster asset check", "entity": urn}
    if check.column:
        custom["field"] = column_urn(urn, check.column)
    yield proposal(
        "assertion",
        assertion,
        "assertionInfo",
        {
            "customProperties": {"name": check.name},
            "type": "CUSTOM",
            "customAssertion": custom,
            "source": {"type": "EXTERNAL"},
            "description": check.description or check.name,
        },
    )
    if check.result is not None:
        yield _outcome(
            assertion,
            urn,
            run_id=check.result.run_id,
            at=_milliseconds(check.result.at),
            passed=check.result.passed,
            note=check.result.description,
        )


def _freshness(freshness: Freshness, urn: str, updated_at: int) -> Iterator[dict[str, Any]]:
    assertion = _assertion_urn(urn, _FRESHNESS)
    if freshness.cron:
        cron = {"cron": freshness.cron, "timezone": freshness.timezone}
        schedule: dict[str, Any] = {"type": "CRON", "cron": cron}
    else:
        interval = {"unit": "SECOND", "multiple": freshness.fail_seconds}
        schedule = {"type": "FIXED_INTERVAL", "fixedInterval": interval}
    yield proposal(
        "assertion",
        assertion,
        "assertionInfo",
        {
            "customProperties": {"name": _FRESHNESS},
            "type": "FRESHNESS",
            "freshnessAssertion": {
                "type": "DATASET_CHANGE", "entity": urn, "schedule": schedule,
            },
            "source": {"type": "EXTERNAL"},
            "description": "The table is new enough.",
        },
    )  # fmt: skip
    if freshness.is_fresh is not None:
        # Dagster does not say when it found out, so the run is named by what it judged
        yield _outcome(
            assertion,
            urn,
            run_id=f"{_FRESHNESS}-{updated_at}-{freshness.is_fresh}".lower(),
            at=updated_at,
            passed=freshness.is_fresh,
        )


def _outcome(
    assertion: str, urn: str, *, run_id: str, at: int, passed: bool, note: str = ""
) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "SUCCESS" if passed else "FAILURE"}
    if note:
        result["nativeResults"] = {"description": note}
    return proposal(
        "assertion",
        assertion,
        "assertionRunEvent",
        {
            "timestampMillis": at,
            "partitionSpec": {"type": "FULL_TABLE", "partition": "FULL_TABLE_SNAPSHOT"},
            "runId": run_id,
            "assertionUrn": assertion,
            "asserteeUrn": urn,
            "status": "COMPLETE",
            "result": result,
        },
    )


def _assertion_urn(dataset: str, check: str) -> str:
    digest = hashlib.sha256(f"{dataset}/{check}".encode()).hexdigest()[:32]
    return f"urn:li:assertion:{digest}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
