"""What a step read and wrote, gathered from its context while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from shared_lib.observability.asset_datasets import DatasetName, Relations, WrittenDataset


@dataclass(frozen=True)
class StepDatasets:
    """What a step read and wrote."""

    inputs: Sequence[DatasetName] = ()
    outputs: Sequence[WrittenDataset] = ()


def relations_of(context: dg.AssetExecutionContext, *, namespace: str) -> Relations:
    """The tables around a step: its warehouse is the one that it has as a resource."""
    from shared_lib.dbt.project import MANIFEST_PATH, load_manifest
    from shared_lib.warehouse import Warehouse

    resources = context.resources._asdict().values()
    warehouse = next((one.path for one in resources if isinstance(one, Warehouse)), None)
    return Relations(
        context=context,
        warehouse=warehouse,
        # a location without dbt models is also loaded where the project was never parsed
        manifest=load_manifest() if MANIFEST_PATH.is_file() else None,
        namespace=namespace,
    )
