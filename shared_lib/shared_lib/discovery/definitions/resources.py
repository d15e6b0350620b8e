"""Resources that are defined elsewhere in a project."""

from collections.abc import Iterable

import dagster as dg

from shared_lib.discovery.definitions.attributes import Asset


def stand_ins(assets: Iterable[Asset]) -> dict[str, dg.ResourceDefinition]:
    """Return an empty resource for each that the assets require.

    Dagster resolves no selection among assets whose resources are missing, although it needs none
    of them for that.
    """
    return {
        key: dg.ResourceDefinition.none_resource()
        for asset in assets
        if isinstance(asset, dg.AssetsDefinition)
        for key in asset.required_resource_keys - {"io_manager"}
    }
