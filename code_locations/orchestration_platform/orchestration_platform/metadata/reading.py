"""One description of the workspace, from the dbt project and from Dagster."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestration_platform.metadata.description import (
    Check,
    Column,
    Description,
    Table,
    TableName,
)
from orchestration_platform.metadata.workspace import Asset

_SCHEMA_AND_TABLE = 2


def describe(
    tables: Iterable[Table], assets: Mapping[str, Asset], *, environment: str, ui_url: str
) -> Description:
    """Return the tables with what Dagster knows about them, and those that only Dagster knows.

    Args:
        tables: the tables that the dbt project describes.
        assets: the assets of the workspace by key; empty if Dagster was not asked.
        environment: the platform's environment.
        ui_url: where people open Dagster.
    """
    found = {table.name: table for table in tables}
    found |= dict(_of_assets_alone(found, assets))
    by_asset: dict[str, list[TableName]] = {}
    for table in found.values():
        by_asset.setdefault(table.asset, []).append(table.name)
    known = (
        _with_asset(table, assets[table.asset], assets, by_asset)
        if table.asset in assets
        else table
        for table in found.values()
    )
    return Description(
        sorted(known, key=lambda table: table.name), environment=environment, ui_url=ui_url
    )


def read_description(*, ask_dagster: bool = True) -> Description:
    """Return the description of this workspace.

    Args:
        ask_dagster: whether to add what only Dagster knows, from its webserver.

    Raises:
        ManifestMissingError: the dbt project has not been parsed.
        DagsterClientError: Dagster cannot be queried.
    """
    from orchestration_platform.metadata.workspace import read_assets
    from shared_lib.configuration.environment import current_settings
    from shared_lib.dagster_client.connection import Connection
    from shared_lib.dagster_client.webserver import current_webserver

    settings = current_settings()
    assets = read_assets(Connection(current_webserver())) if ask_dagster else {}
    return describe(read_tables(), assets, environment=settings.environment, ui_url=settings.ui_url)


def read_tables() -> Iterator[Table]:
    """Yield the tables of all locations with dbt models.

    Raises:
        ManifestMissingError: the dbt project has not been parsed.
    """
    from orchestration_platform.metadata.dbt_tables import dbt_tables
    from orchestration_platform.metadata.declared_freshness import declared_freshness
    from shared_lib.dbt.lineage import read_column_lineage
    from shared_lib.dbt.project import TARGET_DIRECTORY, load_manifest
    from shared_lib.discovery.dbt.sections import declared_models, selected_nodes

    for location, models in sorted(declared_models().items()):
        manifest = load_manifest(location)
        limits = declared_freshness(location)
        for table in dbt_tables(
            manifest,
            read_column_lineage(TARGET_DIRECTORY / location),
            location=location,
            selected=selected_nodes(location, manifest),
            key_prefix=models.prefix,
        ):
            yield replace(table, freshness=limits(table.asset))


def _of_assets_alone(
    known: Mapping[TableName, Table], assets: Mapping[str, Asset]
) -> Iterator[tuple[TableName, Table]]:
    """Yield the tables that assets wrote and that no dbt project describes."""
    for asset in assets.values():
        name = _table_name(asset)
        if name is not None and name not in known:
            yield name, Table(name, location=asset.location, asset=asset.key)


def _table_name(asset: Asset) -> TableName | None:
    parts = asset.table.split(".") if asset.table else []
    if len(parts) == _SCHEMA_AND_TABLE:
        # each location writes the warehouse of its name
        parts = [asset.location, *parts]
    return TableName(*parts) if len(parts) == _SCHEMA_AND_TABLE + 1 else None


def _with_asset(
    table: Table,
    asset: Asset,
    assets: Mapping[str, Asset],
    by_asset: Mapping[str, Sequence[TableName]],
) -> Table:
    # an asset of several tables says what it wrote about one of them
    is_about_it = _table_name(asset) in (table.name, None) or len(by_asset[asset.key]) == 1
    upstream = table.upstream or sorted(set(_tables_before(asset, assets, by_asset, seen=set())))
    return replace(
        table,
        description=table.description or asset.description,
        columns=_columns(table, asset, by_asset) if is_about_it else table.columns,
        owners=asset.owners or table.owners,
        tags=tuple(dict.fromkeys([*table.tags, *asset.tags])),
        upstream=tuple(name for name in upstream if name != table.name),
        checks=_checks(table.checks, asset.checks),
        freshness=asset.freshness,
        updated_at=asset.updated_at,
        rows=asset.rows if is_about_it else None,
        location=asset.location,
    )


def _columns(
    table: Table, asset: Asset, by_asset: Mapping[str, Sequence[TableName]]
) -> tuple[Column, ...]:
    described = {column.name: column for column in table.columns}
    written = {column.name: column for column in asset.columns}
    found = []
    for name in dict.fromkeys([*described, *written]):
        column, seen = described.get(name, Column(name)), written.get(name)
        origins = column.origins or [
            (origin, upstream_column)
            for key, upstream_column in asset.origins.get(name, ())
            for origin in by_asset.get(key, ())
        ]
        found.append(
            replace(
                column,
                type=column.type or (seen.type if seen else ""),
                description=column.description or (seen.description if seen else ""),
                is_nullable=column.is_nullable and (seen is None or seen.is_nullable),
                origins=tuple(origins),
            )
        )
    return tuple(found)


def _checks(described: Sequence[Check], checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks of both: dbt knows the column, Dagster the result."""
    found = {check.name: check for check in described}
    for check in checks:
        known = found.get(check.name, check)
        found[check.name] = replace(
            known, description=known.description or check.description, result=check.result
        )
    return tuple(found[name] for name in sorted(found))


def _tables_before(
    asset: Asset,
    assets: Mapping[str, Asset],
    by_asset: Mapping[str, Sequence[TableName]],
    *,
    seen: set[str],
) -> Iterator[TableName]:
    """Yield the nearest tables upstream, through assets that are not tables."""
    for key in asset.upstream:
        if key in seen:
            continue
        seen.add(key)
        if key in by_asset:
            yield from by_asset[key]
        elif key in assets:
            yield from _tables_before(assets[key], assets, by_asset, seen=seen)
