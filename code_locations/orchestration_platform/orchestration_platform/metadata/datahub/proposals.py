"""The description as DataHub's metadata change proposals.

Every proposal replaces one aspect of one entity, and nothing in them is the time of sending: what
is published twice is the same. Users and groups belong to DataHub's own directory, so they are
referred to and not created.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from orchestration_platform.metadata.datahub.checks import check_proposals, proposal
from orchestration_platform.metadata.datahub.urns import (
    ENVIRONMENTS,
    PLATFORM,
    column_urn,
    dataset_urn,
    owner_urn,
    tag_urn,
)
from orchestration_platform.metadata.description import Column, Description, Kind, Table, TableName
from shared_lib.configuration.environment import Environment

Proposal = dict[str, Any]

_ACTOR = "urn:li:corpuser:datahub"
_KINDS = {Kind.TABLE: "Table", Kind.VIEW: "View", Kind.SEED: "Seed"}
# by the first word of DuckDB's type
_TYPES = {
    "boolean": "BooleanType", "bool": "BooleanType", "blob": "BytesType", "date": "DateType",
    "time": "TimeType", "timestamp": "TimeType", "timestamptz": "TimeType",
    "decimal": "NumberType", "numeric": "NumberType", "double": "NumberType",
    "float": "NumberType", "real": "NumberType", "tinyint": "NumberType",
    "smallint": "NumberType", "integer": "NumberType", "int": "NumberType",
    "bigint": "NumberType", "hugeint": "NumberType", "ubigint": "NumberType",
    "struct": "RecordType", "map": "MapType", "enum": "EnumType",
}  # fmt: skip


def datahub_proposals(description: Description) -> list[Proposal]:
    """Return the proposals, containers before what they contain."""
    return [*_tags(description), *_containers(description), *_datasets(description)]


def _tags(description: Description) -> Iterator[Proposal]:
    for tag in description.tags:
        yield proposal("tag", tag_urn(tag), "tagProperties", {"name": tag})


def _containers(description: Description) -> Iterator[Proposal]:
    environment = ENVIRONMENTS[Environment(description.environment)]
    for database in description.databases:
        urn = _container_urn(description, database)
        yield from _container(urn, database, database, "Database", environment)
    for database, schema in description.schemas:
        urn = _container_urn(description, database, schema)
        yield from _container(urn, schema, f"{database}.{schema}", "Schema", environment)
        yield proposal(
            "container", urn, "container", {"container": _container_urn(description, database)}
        )


def _container(
    urn: str, name: str, qualified: str, kind: str, environment: str
) -> Iterator[Proposal]:
    properties = {"customProperties": {}, "name": name, "qualifiedName": qualified}
    yield proposal("container", urn, "containerProperties", {**properties, "env": environment})
    yield proposal("container", urn, "dataPlatformInstance", {"platform": PLATFORM})
    yield proposal("container", urn, "subTypes", {"typeNames": [kind]})
    yield proposal("container", urn, "status", {"removed": False})


def _datasets(description: Description) -> Iterator[Proposal]:
    for table in description.tables:
        urn = dataset_urn(table.name, description.environment)
        container = _container_urn(description, table.name.database, table.name.schema)
        aspects: dict[str, Any] = {
            "status": {"removed": False},
            "container": {"container": container},
            "subTypes": {"typeNames": [_KINDS[table.kind]]},
            "datasetProperties": _properties(table, description),
            "ownership": {
                "owners": [
                    {"owner": owner_urn(one), "type": "TECHNICAL_OWNER"} for one in table.owners
                ],
                "lastModified": _stamp(),
            },
            "globalTags": {"tags": [{"tag": tag_urn(tag)} for tag in table.tags]},
            "upstreamLineage": _lineage(table, description),
        }
        if table.columns:
            aspects["schemaMetadata"] = _schema(table)
        for aspect, content in aspects.items():
            yield proposal("dataset", urn, aspect, content)
        yield from check_proposals(table, urn)


def _properties(table: Table, description: Description) -> dict[str, Any]:
    custom = {
        "code_location": table.location,
        "group": table.group,
        "rows": "" if table.rows is None else str(table.rows),
    }
    properties: dict[str, Any] = {
        "customProperties": {name: value for name, value in custom.items() if value},
        "name": table.name.table,
        "qualifiedName": str(table.name),
        "description": table.description,
        "tags": [],
    }
    if table.asset:
        properties["externalUrl"] = f"{description.ui_url}/assets/{table.asset}"
    return properties


def _schema(table: Table) -> dict[str, Any]:
    return {
        "schemaName": str(table.name),
        "platform": PLATFORM,
        "version": 0,
        "hash": "",
        "platformSchema": {"com.linkedin.schema.OtherSchema": {"rawSchema": ""}},
        "created": _stamp(),
        "lastModified": _stamp(),
        "fields": [_field(column) for column in table.columns],
    }


def _field(column: Column) -> dict[str, Any]:
    field = {
        "fieldPath": column.name,
        "nullable": column.is_nullable,
        "type": {"type": {f"com.linkedin.schema.{_type(column.type)}": {}}},
        "nativeDataType": column.type or "unknown",
        "recursive": False,
        "isPartOfKey": False,
    }
    if column.description:
        field["description"] = column.description
    if column.tags:
        field["globalTags"] = {"tags": [{"tag": tag_urn(tag)} for tag in column.tags]}
    return field


def _type(native: str) -> str:
    if native.endswith("[]"):
        return "ArrayType"
    return _TYPES.get(native.partition("(")[0].partition(" ")[0], "StringType")


def _lineage(table: Table, description: Description) -> dict[str, Any]:
    def urn_of(name: TableName, column: str) -> str:
        return column_urn(dataset_urn(name, description.environment), column)

    return {
        "upstreams": [
            {
                "auditStamp": _stamp(),
                "dataset": dataset_urn(name, description.environment),
                "type": "TRANSFORMED",
            }
            for name in table.upstream
        ],
        "fineGrainedLineages": [
            {
                "upstreamType": "FIELD_SET",
                "upstreams": [urn_of(*origin) for origin in column.origins],
                "downstreamType": "FIELD",
                "downstreams": [urn_of(table.name, column.name)],
                "confidenceScore": 1.0,
            }
            for column in table.columns
            if column.origins
        ],
    }


def _container_urn(description: Description, *path: str) -> str:
    text = "/".join((PLATFORM, description.environment, *path))
    return f"urn:li:container:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _stamp() -> dict[str, Any]:
    # DataHub notes itself when it was sent; a time of ours would make each publication a change
    return {"time": 0, "actor": _ACTOR}
