"""Steps of a location that record what they cost."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from shared_lib.discovery.definitions.attributes import with_changed_step
from shared_lib.observability.step_cost import measured


def with_measured_steps(assets: Sequence[Any]) -> Sequence[Any]:
    """Return the assets, each with a step that records its time and CPU time.

    The steps of a graph are not measured: Dagster has no public way to change them.
    """
    return [_measured(asset) if _has_step(asset) else asset for asset in assets]


def _has_step(asset: Any) -> bool:
    return (
        isinstance(asset, dg.AssetsDefinition)
        and asset.is_materializable
        and isinstance(asset.node_def, dg.OpDefinition)
    )


def _measured(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    function: Any = asset.op.compute_fn
    # a named tuple; its class is not public
    changed = function._replace(decorated_fn=measured(function.decorated_fn))
    return with_changed_step(asset, compute_fn=changed)
