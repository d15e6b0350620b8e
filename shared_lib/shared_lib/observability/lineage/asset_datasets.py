"""The datasets that assets represent, named as in the warehouse.

A Python asset names the table it wrote in the entry ``dagster/table_name`` of its materialisation.
An asset that wrote several tables is named as their owner in dbt's sources. An asset that is not
a table is named by its asset key, in the platform's namespace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from shared_lib.configuration.environment import current_settings
from shared_lib.observability.place import warehouse_namespace
from shared_lib.observability.settings import DEFAULT_NAMESPACE

_SCHEMA_AND_TABLE = 2


@dataclass(frozen=True, order=True)
class DatasetName:
    """The OpenLineage name of a dataset."""

    namespace: str
    name: str


@dataclass(frozen=True)
class WrittenDataset:
    """A dataset that a step wrote.

    Attributes:
        name: the name of the dataset.
        columns: the name, type and description of each column, if known.
        rows: the number of rows, if known.
        column_origins: for each column, the columns that it was computed from.
    """

    name: DatasetName
    columns: Sequence[tuple[str, str, str | None]] = ()
    rows: int | None = None
    column_origins: Mapping[str, Sequence[tuple[DatasetName, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Relations:
    """The tables of a step's assets and of the assets upstream.

    Attributes:
        context: the context of the step.
        warehouse: the DuckDB file with the step's own tables, if any.
        manifest: the manifest of the dbt project, if the location has one.
        namespace: the namespace of datasets that are not tables.
    """

    context: dg.OpExecutionContext
    warehouse: Path | None
    manifest: Mapping[str, Any] | None
    namespace: str = DEFAULT_NAMESPACE

    def written(self, materialization: dg.AssetMaterialization) -> list[WrittenDataset]:
        """Return the datasets that the materialisation of an asset wrote."""
        metadata = materialization.metadata
        named = self._stated(metadata)
        in_project = self._in_project(materialization.asset_key)
        if named is None:
            return [WrittenDataset(name) for name in in_project] or [
                WrittenDataset(self._by_key(materialization.asset_key))
            ]
        return [
            self._described(named, metadata),
            *(WrittenDataset(name) for name in in_project if name != named),
        ]

    def upstream(self, asset_key: dg.AssetKey) -> list[DatasetName]:
        """Return what an asset reads: the datasets of its upstream assets."""
        if not self.context.has_assets_def:
            return []  # the graph does not know what an op reads
        definition = self.context.assets_def
        # dependencies between assets of the same step are not inputs of the step
        before = definition.asset_deps.get(asset_key, set()) - set(definition.keys)
        return [name for key in sorted(before) for name in self.of_asset(key)]

    def of_asset(self, asset_key: dg.AssetKey) -> list[DatasetName]:
        """Return the datasets of an asset that another step or run has materialised."""
        if in_project := self._in_project(asset_key):
            return in_project
        event = self.context.instance.get_latest_materialization_event(asset_key)
        materialization = event.asset_materialization if event else None
        stated = self._stated(materialization.metadata) if materialization else None
        return [stated or self._by_key(asset_key)]

    def _described(
        self, name: DatasetName, metadata: Mapping[str, dg.MetadataValue[Any]]
    ) -> WrittenDataset:
        schema, lineage = (
            metadata.get("dagster/column_schema"),
            metadata.get("dagster/column_lineage"),
        )
        rows = metadata.get("dagster/row_count")
        return WrittenDataset(
            name,
            columns=[
                (column.name, column.type, column.description) for column in schema.value.columns
            ]
            if schema
            else (),
            rows=rows.value if rows else None,
            column_origins={
                column: [
                    (origin, dep.column_name)
                    for dep in deps
                    for origin in self.of_asset(dep.asset_key)
                ]
                for column, deps in lineage.value.deps_by_column.items()
            }
            if lineage
            else {},
        )

    def _stated(self, metadata: Mapping[str, dg.MetadataValue[Any]]) -> DatasetName | None:
        entry = metadata.get("dagster/table_name")
        if entry is None or self.warehouse is None:
            return None
        parts = str(entry.value).split(".")
        if len(parts) == _SCHEMA_AND_TABLE:
            parts = [self.warehouse.stem, *parts]
        return DatasetName(warehouse_namespace(self.warehouse), ".".join(parts))

    def _in_project(self, asset_key: dg.AssetKey) -> list[DatasetName]:
        if self.manifest is None:
            return []
        # each location writes the file with its name, which is dbt's database
        path_of = current_settings().warehouse_path
        return [
            DatasetName(
                warehouse_namespace(path_of(owner["database"])),
                ".".join((owner["database"], owner["schema"], _table(owner))),
            )
            for owner in _owners(self.manifest, asset_key)
        ]

    def _by_key(self, asset_key: dg.AssetKey) -> DatasetName:
        return DatasetName(self.namespace, "/".join(asset_key.path))


def _owners(manifest: Mapping[str, Any], asset_key: dg.AssetKey) -> Iterator[Mapping[str, Any]]:
    path = list(asset_key.path)
    for source in manifest["sources"].values():
        if source.get("meta", {}).get("dagster", {}).get("asset_key") == path:
            yield source
    for node in manifest["nodes"].values():
        if node["resource_type"] in {"model", "seed", "snapshot"} and [node["name"]] == path:
            yield node


def _table(owner: Mapping[str, Any]) -> str:
    return owner.get("identifier") or owner.get("alias") or owner["name"]
