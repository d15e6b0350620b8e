"""What Dagster knows about assets: owners, tags, tables they wrote, checks and freshness.

One request for all assets; the webserver reads what it needs for many of them at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration_platform.metadata.description import Check, Freshness, Result
from shared_lib.dagster_client.connection import Connection

_ASSETS = """
query Catalog { assetNodes {
    assetKey { path } groupName description isMaterializable tags { key value }
    owners { ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
    dependencyKeys { path } repository { location { name } }
    internalFreshnessPolicy { __typename
        ... on TimeWindowFreshnessPolicy { failWindowSeconds }
        ... on CronFreshnessPolicy { deadlineCron timezone }
    }
    freshnessStatusInfo { freshnessStatus }
    assetMaterializations(limit: 1) { timestamp metadataEntries { label
        ... on TextMetadataEntry { text }
        ... on IntMetadataEntry { intRepr }
        ... on TableSchemaMetadataEntry { schema { columns {
            name type description constraints { nullable }
        } } }
        ... on TableColumnLineageMetadataEntry { lineage {
            columnName columnDeps { assetKey { path } columnName }
        } }
    } }
    assetChecksOrError { __typename ... on AssetChecks { checks { name description
        executionForLatestMaterialization { runId status timestamp
            evaluation { timestamp success description }
        }
    } } }
} }
"""

# a table that is late is not yet stale
_FRESH = {"HEALTHY": True, "WARNING": True, "DEGRADED": False}

# Dagster's own tags, and those of its integrations, say nothing about the data.
_INTERNAL_TAGS = ("dagster/", "platform/")


@dataclass(frozen=True)
class WrittenColumn:
    """A column of the table that an asset wrote."""

    name: str
    type: str
    description: str
    is_nullable: bool


@dataclass(frozen=True)
class Asset:
    """What Dagster knows about an asset.

    Attributes:
        key: its key, with slashes.
        location: the code location that makes it.
        description: its description; empty without one.
        owners: e-mail addresses, or ``team:name``.
        tags: ``name`` or ``name=value``.
        upstream: the keys of the assets it is made from.
        checks: its checks with their last results.
        freshness: how old it may be; None without a policy.
        updated_at: when it was last written; None if never.
        rows: the number of rows then; None if that is unknown.
        table: the schema and name of the table that it wrote last; empty if that is unknown.
        columns: the columns of that table.
        origins: asset and column that each column was computed from.
    """

    key: str
    location: str
    description: str
    owners: Sequence[str]
    tags: Sequence[str]
    upstream: Sequence[str]
    checks: Sequence[Check]
    freshness: Freshness | None
    updated_at: float | None
    rows: int | None
    table: str
    columns: Sequence[WrittenColumn]
    origins: Mapping[str, Sequence[tuple[str, str]]]


def read_assets(connection: Connection) -> dict[str, Asset]:
    """Return all assets of the workspace by key.

    Raises:
        DagsterClientError: Dagster cannot be queried.
    """
    nodes = connection.ask(_ASSETS)["assetNodes"]
    # if several locations have a key, the asset of the one that makes it
    ordered = sorted(nodes, key=lambda node: node["isMaterializable"])
    return {asset.key: asset for asset in map(_asset, ordered)}


def _asset(node: Mapping[str, Any]) -> Asset:
    (last,) = node["assetMaterializations"] or [None]
    entries = {entry["label"]: entry for entry in last["metadataEntries"]} if last else {}
    lineage = entries.get("dagster/column_lineage", {}).get("lineage") or ()
    rows = entries.get("dagster/row_count", {}).get("intRepr")
    return Asset(
        key=_key(node["assetKey"]),
        location=node["repository"]["location"]["name"],
        description=" ".join((node["description"] or "").split()),
        owners=tuple(owner.get("email") or f"team:{owner['team']}" for owner in node["owners"]),
        tags=tuple(_tags(node["tags"])),
        upstream=tuple(_key(key) for key in node["dependencyKeys"]),
        checks=tuple(_checks(node["assetChecksOrError"])),
        freshness=_freshness(node),
        updated_at=int(last["timestamp"]) / 1000 if last else None,
        rows=int(rows) if rows is not None else None,
        table=entries.get("dagster/table_name", {}).get("text") or "",
        columns=tuple(_columns(entries.get("dagster/column_schema", {}))),
        origins={
            column["columnName"]: tuple(
                (_key(origin["assetKey"]), origin["columnName"]) for origin in column["columnDeps"]
            )
            for column in lineage
        },
    )


def _key(key: Mapping[str, Any]) -> str:
    return "/".join(key["path"])


def _tags(tags: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for tag in tags:
        if not tag["key"].startswith(_INTERNAL_TAGS):
            yield f"{tag['key']}={tag['value']}" if tag["value"] else tag["key"]


def _checks(answer: Mapping[str, Any]) -> Iterator[Check]:
    for check in answer.get("checks", ()):
        description = " ".join((check["description"] or "").split())
        yield Check(
            check["name"], description, result=_result(check["executionForLatestMaterialization"])
        )


def _result(execution: Mapping[str, Any] | None) -> Result | None:
    evaluation = execution["evaluation"] if execution else None
    if execution is None or evaluation is None:
        return None  # it has not run, or is running
    return Result(
        passed=evaluation["success"],
        at=evaluation["timestamp"],
        run_id=execution["runId"],
        description=" ".join((evaluation["description"] or "").split()),
    )


def _freshness(node: Mapping[str, Any]) -> Freshness | None:
    policy = node["internalFreshnessPolicy"]
    if policy is None:
        return None
    status = (node["freshnessStatusInfo"] or {}).get("freshnessStatus", "")
    is_fresh = _FRESH.get(status)
    if policy["__typename"] == "CronFreshnessPolicy":
        return Freshness(
            cron=policy["deadlineCron"], timezone=policy["timezone"], is_fresh=is_fresh
        )
    return Freshness(fail_seconds=policy["failWindowSeconds"], is_fresh=is_fresh)


def _columns(entry: Mapping[str, Any]) -> Iterator[WrittenColumn]:
    for column in (entry.get("schema") or {}).get("columns", ()):
        yield WrittenColumn(
            name=column["name"],
            type=column["type"].lower(),
            description=column["description"] or "",
            is_nullable=column["constraints"]["nullable"],
        )
