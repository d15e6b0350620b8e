"""The inputs and outputs of a step, collected from its context while it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from shared_lib.observability.lineage.asset_datasets import DatasetName, Relations, WrittenDataset


@dataclass(frozen=True)
class CheckOutcome:
    """The result of an asset check.

    Attributes:
        name: the name of the check.
        passed: whether the check passed.
        severity: the severity of a failure, ``warn`` or ``error``.
        description: the check's description of its result.
    """

    name: str
    passed: bool
    severity: str
    description: str | None


@dataclass(frozen=True)
class StepDatasets:
    """The inputs and outputs of a step, and the results of its checks on what they read.

    ``made`` has a pair ``asset`` and key for each asset, and ``partition`` and key for each
    partition, as far as they are known.
    """

    inputs: Sequence[DatasetName] = ()
    outputs: Sequence[WrittenDataset] = ()
    checked: Mapping[DatasetName, Sequence[CheckOutcome]] = field(default_factory=dict)
    made: Sequence[tuple[str, str]] = ()


def relations_of(context: dg.OpExecutionContext, *, namespace: str) -> Relations:
    """Return the tables around a step; its warehouse is the one that it has as a resource."""
    from shared_lib.warehouse import Warehouse

    resources = context.resources._asdict().values()
    warehouse = next((one for one in resources if isinstance(one, Warehouse)), None)
    return Relations(
        context=context,
        warehouse=warehouse.path if warehouse else None,
        manifest=_manifest_of(warehouse.location) if warehouse else None,
        namespace=namespace,
    )


def _manifest_of(location: str) -> Mapping[str, Any] | None:
    """Return the location's manifest of the dbt project, or None if it has no models."""
    from shared_lib.dbt.project import ManifestMissingError, load_manifest

    try:
        return load_manifest(location)
    except ManifestMissingError:
        return None
