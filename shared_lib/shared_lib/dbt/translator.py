"""How a dbt node appears in Dagster."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings


class PlatformDbtTranslator(DagsterDbtTranslator):
    """Names assets as their models, groups them by layer and links them to their SQL.

    A source stands for the Python asset that writes it, which ``meta.dagster.asset_key`` in the
    sources file names; several tables of one asset share its key.
    """

    def __init__(self, location: str) -> None:
        """For the code location called ``location``, which prefixes the group names."""
        self._location = location
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_code_references=True, enable_duplicate_source_asset_keys=True
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The node's name, or for a source the asset that its ``meta`` names."""
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """``<location>_<layer>``, the layer being the node's folder below ``models``."""
        layer = "seeds" if dbt_resource_props["resource_type"] == "seed" else None
        return f"{self._location}_{layer or dbt_resource_props['fqn'][1]}"
