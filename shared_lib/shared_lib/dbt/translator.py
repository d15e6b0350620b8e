"""How dbt nodes appear in Dagster."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings


class PlatformDbtTranslator(DagsterDbtTranslator):
    """Names assets as their models, groups them by layer and links them to their SQL.

    A source represents the Python asset that writes it, named by ``meta.dagster.asset_key`` in
    the sources file; several tables of one asset share its key.
    """

    def __init__(
        self,
        location: str,
        *,
        key_prefix: Sequence[str] = (),
        partitions_def: dg.PartitionsDefinition | None = None,
        partition_column: str | None = None,
    ) -> None:
        """Create the translator of the code location ``location``, which prefixes group names.

        Args:
            location: the code location.
            key_prefix: what the keys of its models begin with.
            partitions_def: the partitions of the models whose rows have a partition.
            partition_column: the documented column that identifies these models.
        """
        self._location = location
        self._key_prefix = key_prefix
        self._partitions_def = partitions_def
        self._partition_column = partition_column
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_code_references=True,
                enable_duplicate_source_asset_keys=True,
                enable_source_tests_as_checks=True,
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return prefix and name of the node, or for a source the asset that its ``meta`` names."""
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey([*self._key_prefix, dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return ``<location>_<layer>``; the layer is the folder of the node's file."""
        layer = "seeds" if dbt_resource_props["resource_type"] == "seed" else None
        return f"{self._location}_{layer or dbt_resource_props['fqn'][-2]}"

    def get_partitions_def(
        self, dbt_resource_props: Mapping[str, Any]
    ) -> dg.PartitionsDefinition | None:
        """Return the location's partitions for a model with the partition column, else None."""
        columns = dbt_resource_props.get("columns", {})
        is_model = dbt_resource_props["resource_type"] == "model"
        return self._partitions_def if is_model and self._partition_column in columns else None
