"""The tables that the dbt project describes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestration_platform.metadata.description import Check, Column, Kind, Table, TableName
from shared_lib.dbt.lineage import ColumnLineage

Node = Mapping[str, Any]

_TABLES = frozenset({"model", "seed", "snapshot"})
_PUBLIC = "public"
_IN_MEMORY = "memory"
_KINDS = {"view": Kind.VIEW, "seed": Kind.SEED}


def dbt_tables(
    manifest: Mapping[str, Any],
    lineage: ColumnLineage,
    *,
    location: str,
    selected: Iterable[str],
    key_prefix: Sequence[str] = (),
) -> Iterator[Table]:
    """Yield the tables of a location, and those of the sources in its warehouse.

    Args:
        manifest: the project as parsed for the location.
        lineage: the columns that each column comes from.
        location: the package name of the location, which is that of its warehouse.
        selected: unique ids of what the location builds.
        key_prefix: what the asset keys of its models begin with.
    """
    names = relation_names(manifest, location)
    groups = manifest.get("groups", {}).values()
    owners = {group["name"]: _group_owner(group["owner"]) for group in groups}
    chosen = frozenset(selected)
    tests = _tests_by_node(manifest)
    for unique_id in sorted(chosen & names.keys()):
        node = manifest["nodes"][unique_id]
        yield Table(
            name=names[unique_id],
            kind=_KINDS.get(node["config"]["materialized"], Kind.TABLE),
            description=_one_line(node["description"]),
            columns=tuple(_columns(node, lineage.get(unique_id, {}), names)),
            owners=owners.get(node.get("group"), ()),
            tags=tuple(node["tags"]),
            upstream=tuple(
                sorted({names[up] for up in node["depends_on"]["nodes"] if up in names})
                if node["resource_type"] != "seed"
                else ()
            ),
            checks=tuple(_checks(tests.get(unique_id, ()))),
            location=location,
            group=node.get("group") or "",
            asset="/".join([*key_prefix, node["name"]]),
            is_published=node.get("access") == _PUBLIC,
            has_contract=(node.get("contract") or {}).get("enforced", False),
        )
    # a source is read by its location only: other locations do not see its warehouse
    read = {up for one in chosen & names.keys() for up in _upstream(manifest["nodes"][one])}
    for unique_id, source in sorted(manifest["sources"].items()):
        if unique_id in read:
            yield Table(
                name=names[unique_id],
                description=_one_line(source["description"]),
                columns=tuple(_columns(source, {}, names)),
                tags=tuple(source["tags"]),
                checks=tuple(_checks(tests.get(unique_id, ()))),
                location=location,
                asset=asset_of_source(source),
            )


def relation_names(manifest: Mapping[str, Any], location: str) -> dict[str, TableName]:
    """Return the table of each model, seed, snapshot and source, by unique id.

    dbt builds in memory what a run then writes into the lake; the warehouse has the location's
    name all the same.
    """
    found = {}
    for unique_id, node in {**manifest["nodes"], **manifest["sources"]}.items():
        is_table = node["resource_type"] in _TABLES | {"source"}
        if is_table and node.get("config", {}).get("materialized") != "ephemeral":
            table = node.get("identifier") or node.get("alias") or node["name"]
            database = location if node["database"] == _IN_MEMORY else node["database"]
            found[unique_id] = TableName(database, node["schema"], table)
    return found


def asset_of_source(source: Node) -> str:
    """Return the key of the asset that writes a source, with slashes; empty without one."""
    meta = source.get("meta") or source.get("config", {}).get("meta") or {}
    return "/".join(meta.get("dagster", {}).get("asset_key", ()))


def nullable(column: Mapping[str, Any]) -> bool:
    """Return whether a column may be empty by its constraints."""
    kinds = {constraint["type"] for constraint in column.get("constraints") or ()}
    return not kinds & {"not_null", "primary_key"}


def _upstream(node: Node) -> list[str]:
    return node.get("depends_on", {}).get("nodes", [])


def _columns(
    node: Node, origins: Mapping[str, list[tuple[str, str]]], names: Mapping[str, TableName]
) -> Iterator[Column]:
    types = node.get("config", {}).get("column_types") or {}
    described = node["columns"]
    # a model may have columns that nobody described
    for name in dict.fromkeys([*described, *origins]):
        column = described.get(name, {})
        yield Column(
            name=name,
            type=(column.get("data_type") or types.get(name) or "").lower(),
            description=_one_line(column.get("description", "")),
            is_nullable=nullable(column),
            tags=tuple(column.get("tags") or ()),
            origins=tuple(
                (names[up], origin) for up, origin in origins.get(name, ()) if up in names
            ),
        )


def _tests_by_node(manifest: Mapping[str, Any]) -> dict[str, list[Node]]:
    by_name = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in _TABLES
    }
    found: dict[str, list[Node]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test":
            # a test of several models is about the one that it names, as in Dagster
            named = (node.get("meta") or {}).get("dagster", {}).get("ref", {}).get("name")
            about = node.get("attached_node") or by_name.get(named)
            upstream = _upstream(node)
            if about is None and len(upstream) == 1:
                (about,) = upstream
            if about is not None:
                found.setdefault(about, []).append(node)
    return found


def _checks(tests: Iterable[Node]) -> Iterator[Check]:
    for test in sorted(tests, key=lambda test: test["name"]):
        yield Check(test["name"], _one_line(test["description"]), test.get("column_name") or "")


def _group_owner(owner: Mapping[str, Any]) -> tuple[str, ...]:
    email, name = owner.get("email"), owner.get("name")
    return (email,) if email else (f"team:{name}",) if name else ()


def _one_line(text: str) -> str:
    return " ".join(text.split())
