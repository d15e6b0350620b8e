"""Contracts of published models, as the Open Data Contract Standard (ODCS) has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration_platform.metadata.description import Check, Column, Freshness, Table

Contract = dict[str, Any]

API_VERSION = "v3.1.0"
FIRST_VERSION = "1.0.0"
ACTIVE, RETIRED = "active", "retired"

# by the first word of DuckDB's type
_LOGICAL = {
    "boolean": "boolean", "bool": "boolean", "date": "date", "time": "time",
    "timestamp": "timestamp", "timestamptz": "timestamp",
    "decimal": "number", "numeric": "number", "double": "number", "float": "number",
    "real": "number", "tinyint": "integer", "smallint": "integer", "integer": "integer",
    "int": "integer", "bigint": "integer", "hugeint": "integer", "ubigint": "integer",
    "struct": "object", "map": "object", "json": "object",
}  # fmt: skip
# the longest first
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def contract_of(table: Table, *, version: str = FIRST_VERSION) -> Contract:
    """Return the contract of a published table."""
    name = table.name
    contract: Contract = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": str(name),
        "name": name.table,
        "version": version,
        "status": ACTIVE,
        "domain": table.location,
        "description": {"purpose": table.description},
        "servers": [
            {
                "server": "warehouse",
                "type": "duckdb",
                "database": f"{name.database}.duckdb",
                "schema": name.schema,
            }
        ],
        "schema": [
            {
                "name": name.table,
                "physicalName": f"{name.schema}.{name.table}",
                "physicalType": table.kind.value,
                "logicalType": "object",
                "description": table.description,
                "quality": [_quality(check) for check in table.checks if not check.column],
                "properties": [_property(column, table.checks) for column in table.columns],
            }
        ],
        "team": {
            "name": table.group,
            "members": [
                {"username": owner.removeprefix("team:"), "role": "owner"} for owner in table.owners
            ],
        },
    }
    if table.freshness is not None:
        contract["slaProperties"] = [_freshness(table.freshness, element=name.table)]
    return contract


def columns_of(contract: Contract) -> dict[str, Mapping[str, Any]]:
    """Return the properties of the contract's model by name."""
    return {column["name"]: column for column in contract["schema"][0]["properties"]}


def checks_of(contract: Contract) -> dict[str, str]:
    """Return the column of each check by the check's name; empty for the whole model."""
    return dict(_checks(contract))


def freshness_of(contract: Contract) -> Mapping[str, Any] | None:
    """Return the promise of freshness, if the contract has one."""
    return next(iter(contract.get("slaProperties", ())), None)


def seconds_of(promise: Mapping[str, Any]) -> float:
    """Return a promise of freshness in seconds."""
    return promise["value"] * _UNITS[promise["unit"]]


def _property(column: Column, checks: Any) -> dict[str, Any]:
    found = {
        "name": column.name,
        "logicalType": logical_type(column.type),
        "physicalType": column.type,
        "required": not column.is_nullable,
        "description": column.description,
    }
    if column.tags:
        found["tags"] = list(column.tags)
    if about := [_quality(check) for check in checks if check.column == column.name]:
        found["quality"] = about
    return found


def logical_type(native: str) -> str:
    """Return ODCS's type for one of DuckDB's."""
    if native.endswith("[]"):
        return "array"
    return _LOGICAL.get(native.partition("(")[0].partition(" ")[0], "string")


def _quality(check: Check) -> dict[str, Any]:
    return {"name": check.name, "type": "text", "description": check.description or check.name}


def _freshness(freshness: Freshness, *, element: str) -> dict[str, Any]:
    if freshness.cron:
        return {
            "property": "freshness",
            "value": f"{freshness.cron} {freshness.timezone}",
            "element": element,
            "scheduler": "cron",
            "schedule": freshness.cron,
        }
    seconds = freshness.fail_seconds or 0
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return {
        "property": "freshness",
        "value": seconds // _UNITS[unit],
        "unit": unit,
        "element": element,
        "driver": "operational",
    }


def _checks(contract: Contract) -> Iterator[tuple[str, str]]:
    model = contract["schema"][0]
    for rule in model.get("quality", ()):
        yield rule["name"], ""
    for column in model["properties"]:
        for rule in column.get("quality", ()):
            yield rule["name"], column["name"]
