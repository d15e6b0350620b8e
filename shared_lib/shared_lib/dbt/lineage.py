"""Column lineage of the models, found in the compiled SQL.

It needs no warehouse: the columns of a source come from its description, those of a model from
its own compiled query, in graph order. So it is computed once, when the project is parsed, and
only read at run time; sqlglot needs 10 s or more for the whole project.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)

LINEAGE_FILE_NAME = "column_lineage.json"

# what has a query, and the columns that dbt adds to one of them
_QUERIES = frozenset({"model", "snapshot"})
_OF_SNAPSHOTS = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")

# model unique_id -> column -> [(unique_id of the upstream node, its column), ...]
ColumnLineage = dict[str, dict[str, list[tuple[str, str]]]]


def compute_column_lineage(manifest: Mapping[str, Any]) -> ColumnLineage:
    """Compute the column lineage of the models and snapshots of a compiled manifest.

    A model whose lineage cannot be found, such as one in Python or one with a query that the
    parser does not understand, is left out with a warning that names it.
    """
    columns: dict[str, list[str]] = {
        unique_id: list(source["columns"]) for unique_id, source in manifest["sources"].items()
    }
    relations = {
        _relation_key(node): unique_id
        for unique_id, node in (manifest["sources"] | manifest["nodes"]).items()
        if node["resource_type"] in {"source", "seed", *_QUERIES}
    }
    lineage: ColumnLineage = {}
    for unique_id in _in_order(manifest):
        node = manifest["nodes"][unique_id]
        if node["resource_type"] == "seed":
            columns[unique_id] = _seed_columns(node)
        elif node["resource_type"] in _QUERIES:
            try:
                lineage[unique_id] = _model_lineage(
                    _query_of(node),
                    columns={key: columns.get(owner, []) for key, owner in relations.items()},
                    relations=relations,
                )
            except Exception as error:  # noqa: BLE001 - sqlglot fails in many ways; no model depends on it
                reason = str(error).partition("\n")[0] or type(error).__name__
                kind = node["resource_type"]
                _logger.warning("no column lineage of the %s %s: %s", kind, node["name"], reason)
            # what is documented, for the models that read it
            found = lineage[unique_id] if unique_id in lineage else node.get("columns", {})
            columns[unique_id] = list(found)
            if node["resource_type"] == "snapshot":
                columns[unique_id] += _OF_SNAPSHOTS
    return lineage


def _query_of(node: Mapping[str, Any]) -> str:
    """Return the compiled SQL of a model.

    Raises:
        ValueError: the model is not written in SQL.
    """
    language = node.get("language", "sql")
    if language != "sql":
        message = f"it is written in {language}"
        raise ValueError(message)
    return node["compiled_code"]


def _in_order(manifest: Mapping[str, Any]) -> Iterable[str]:
    nodes = manifest["nodes"]
    graph = {
        unique_id: [up for up in node.get("depends_on", {}).get("nodes", []) if up in nodes]
        for unique_id, node in nodes.items()
    }
    return TopologicalSorter(graph).static_order()


def _relation_key(node: Mapping[str, Any]) -> tuple[str, str]:
    return node["schema"], node.get("identifier") or node.get("alias") or node["name"]


def _seed_columns(seed: Mapping[str, Any]) -> list[str]:
    path = Path(seed["root_path"]) / seed["original_file_path"]
    with path.open(encoding="utf-8") as lines:
        return lines.readline().strip().split(",")


def _model_lineage(
    sql: str,
    *,
    columns: Mapping[tuple[str, str], list[str]],
    relations: Mapping[tuple[str, str], str],
) -> dict[str, list[tuple[str, str]]]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, Any] = {}
    for (schema_name, table), names in columns.items():
        if not names:  # not built yet, so nothing reads it
            continue
        schema.setdefault(schema_name, {})[table] = dict.fromkeys(names, "unknown")
    query = sqlglot.parse_one(sql, dialect="duckdb")
    for table in query.find_all(exp.Table):
        table.set("catalog", None)
    qualified = qualify(
        query, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False
    )
    scope = build_scope(qualified)
    if scope is None or not isinstance(scope.expression, exp.Query):
        message = f"not a query: {sql[:80]}"
        raise ValueError(message)
    found: dict[str, list[tuple[str, str]]] = {}
    for name in scope.expression.named_selects:
        origins = _origins(scope, name, relations, seen=set())
        found[name] = sorted(origins)
    return found


def _origins(
    scope: Any,
    column: str,
    relations: Mapping[tuple[str, str], str],
    *,
    seen: set[tuple[int, str]],
) -> set[tuple[str, str]]:
    """Return the warehouse columns that ``column`` of the query in ``scope`` comes from."""
    from sqlglot import exp

    if (id(scope), column) in seen:  # a recursive CTE reaches itself
        return set()
    seen.add((id(scope), column))
    if scope.set_operation_scopes:
        position = scope.expression.named_selects.index(column)
        found: set[tuple[str, str]] = set()
        for branch in scope.set_operation_scopes:
            found |= _origins(
                branch, branch.expression.named_selects[position], relations, seen=seen
            )
        return found
    select = next(item for item in scope.expression.selects if item.alias_or_name == column)
    found = set()
    for reference in select.find_all(exp.Column):
        source = scope.sources.get(reference.table)
        if isinstance(source, exp.Table):
            owner = relations.get((source.db, source.name))
            if owner is not None:
                found.add((owner, reference.name))
        elif source is not None and reference.name in source.expression.named_selects:
            found |= _origins(source, reference.name, relations, seen=seen)
    return found


def write_column_lineage(lineage: ColumnLineage, target_directory: Path) -> None:
    """Store ``lineage`` next to the manifest."""
    path = target_directory / LINEAGE_FILE_NAME
    path.write_text(json.dumps(lineage, indent=1), encoding="utf-8")


def read_column_lineage(target_directory: Path) -> ColumnLineage:
    """Return what :func:`write_column_lineage` stored.

    Raises:
        FileNotFoundError: the project has not been prepared.
    """
    text = (target_directory / LINEAGE_FILE_NAME).read_text(encoding="utf-8")
    return {
        unique_id: {
            column: [(owner, name) for owner, name in origins]
            for column, origins in columns.items()
        }
        for unique_id, columns in json.loads(text).items()
    }
