"""The description as requests to OpenMetadata's API.

Each request creates an entity or replaces it, so that what is published twice is the same.
OpenMetadata itself gives an entity its id, and other requests refer to it by that id. Until the
answer comes, a reference has a provisional id, which is made from the entity's name.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orchestration_platform.metadata.description import Column, Description, Kind, Table, TableName
from orchestration_platform.metadata.openmetadata.checks import check_requests, definitions
from orchestration_platform.metadata.openmetadata.column_types import column_type
from orchestration_platform.metadata.openmetadata.names import entity_name, qualified

CLASSIFICATION = "Dagster"

_IDS = uuid.UUID("6f1c7f0e-3f7c-5d0b-9a54-6b8d5d1f2c3a")
_LINEAGE = "/v1/lineage"


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: PUT or POST.
        path: below ``/api``.
        body: as OpenMetadata's own models accept it.
        creates: the provisional id of the entity that the answer gives an id; empty if none.
    """

    method: str
    path: str
    body: dict[str, Any]
    creates: str = ""


def provisional_id(kind: str, name: str) -> str:
    """Return the id of an entity until OpenMetadata's own is known."""
    return str(uuid.uuid5(_IDS, f"{kind}:{name}"))


def owner_path(owner: str) -> str:
    """Return the path at which OpenMetadata has an owner: users are named by their address."""
    kind, name = _owner(owner)
    return f"/v1/{kind}s/name/{quote(name, safe='')}"


def owner_id(owner: str) -> str:
    """Return the provisional id of an owner."""
    return provisional_id(*_owner(owner))


def openmetadata_requests(
    description: Description, *, service: str, without_owners: Sequence[str] = ()
) -> list[Request]:
    """Return the requests, each after those that create what it refers to.

    Args:
        description: what to publish.
        service: OpenMetadata's name of the database service that has all warehouses.
        without_owners: the owners that OpenMetadata does not know.
    """
    return [
        *_tags(description),
        *_containers(description, service),
        *(_table(table, description, service, without_owners) for table in description.tables),
        *(
            request
            for table in description.tables
            for request in _lineage(table, description, service)
        ),
        *(Request("PUT", path, body) for path, body in definitions()),
        *(
            Request(method, path, body)
            for table in description.tables
            for method, path, body in check_requests(table, _fqn(table.name, service))
        ),
    ]


def _tags(description: Description) -> Iterator[Request]:
    if not description.tags:
        return
    body = {"name": CLASSIFICATION, "description": "Tags of assets and of dbt models."}
    yield Request("PUT", "/v1/classifications", body)
    for tag in description.tags:
        yield Request(
            "PUT",
            "/v1/tags",
            {
                "classification": CLASSIFICATION,
                "name": entity_name(tag),
                "description": f"The tag {tag}.",
            },
        )


def _containers(description: Description, service: str) -> Iterator[Request]:
    body = {
        "name": entity_name(service),
        "serviceType": "CustomDatabase",
        "description": f"DuckDB warehouses of the code locations, in {description.environment}.",
    }
    yield Request("PUT", "/v1/services/databaseServices", body)
    for database in description.databases:
        body = {"name": entity_name(database), "service": qualified(service)}
        yield Request("PUT", "/v1/databases", body)
    for database, schema in description.schemas:
        body = {"name": entity_name(schema), "database": qualified(service, database)}
        yield Request("PUT", "/v1/databaseSchemas", body)


def _table(
    table: Table, description: Description, service: str, without_owners: Sequence[str]
) -> Request:
    name = table.name
    body: dict[str, Any] = {
        "name": entity_name(name.table),
        "databaseSchema": qualified(service, name.database, name.schema),
        "tableType": "View" if table.kind is Kind.VIEW else "Regular",
        "description": table.description,
        "columns": [
            _column(column, position) for position, column in enumerate(table.columns, start=1)
        ],
        "tags": [_tag(tag) for tag in table.tags],
        "owners": [
            {"id": owner_id(owner), "type": _owner(owner)[0]}
            for owner in table.owners
            if owner not in without_owners
        ],
    }
    if table.asset:
        body["sourceUrl"] = f"{description.ui_url}/assets/{table.asset}"
    if table.updated_at is not None:
        at = round(table.updated_at * 1000)
        body["lifeCycle"] = {"updated": {"timestamp": at, "accessedByAProcess": "Dagster"}}
    return Request("PUT", "/v1/tables", body, creates=provisional_id("table", _fqn(name, service)))


def _column(column: Column, position: int) -> dict[str, Any]:
    return {
        "name": entity_name(column.name),
        **column_type(column.type),
        "description": column.description,
        "constraint": "NULL" if column.is_nullable else "NOT_NULL",
        "ordinalPosition": position,
        "tags": [_tag(tag) for tag in column.tags],
    }


def _tag(tag: str) -> dict[str, str]:
    return {
        "tagFQN": qualified(CLASSIFICATION, tag),
        "source": "Classification",
        "labelType": "Automated",
        "state": "Confirmed",
    }


def _lineage(table: Table, description: Description, service: str) -> Iterator[Request]:
    """Yield the lineage from tables and columns that exist: OpenMetadata refuses any other."""
    for upstream in filter(description.by_name.__contains__, table.upstream):
        known = {column.name for column in description.by_name[upstream].columns}
        origins = {
            column.name: [name for one, name in column.origins if one == upstream and name in known]
            for column in table.columns
        }
        columns = [
            {
                "fromColumns": [qualified(service, *_parts(upstream), name) for name in names],
                "toColumn": qualified(service, *_parts(table.name), column),
            }
            for column, names in origins.items()
            if names
        ]
        yield Request(
            "PUT",
            _LINEAGE,
            {
                "edge": {
                    "fromEntity": _reference(upstream, service),
                    "toEntity": _reference(table.name, service),
                    "lineageDetails": {"source": "PipelineLineage", "columnsLineage": columns},
                }
            },
        )


def _reference(name: TableName, service: str) -> dict[str, str]:
    return {"id": provisional_id("table", _fqn(name, service)), "type": "table"}


def _fqn(name: TableName, service: str) -> str:
    return qualified(service, *_parts(name))


def _parts(name: TableName) -> tuple[str, str, str]:
    return name.database, name.schema, name.table


def _owner(owner: str) -> tuple[str, str]:
    if owner.startswith("team:"):
        return "team", owner.removeprefix("team:")
    return "user", owner.partition("@")[0]
