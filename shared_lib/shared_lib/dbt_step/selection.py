"""The part of the dbt project that a step builds, as dbt options."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

# Where dagster_dbt stores the node of an asset or a check, and the selection of a step.
_UNIQUE_ID = "dagster_dbt/unique_id"
_SELECT, _EXCLUDE = "dagster_dbt/select", "dagster_dbt/exclude"


def step_selection(context: dg.AssetExecutionContext, manifest: Mapping[str, Any]) -> list[str]:
    """Return ``dbt build`` options for everything the step may build, or the chosen part."""
    definition = context.assets_def
    assets, checks = context.selected_asset_keys, context.selected_asset_check_keys
    every_asset = set(definition.node_keys_by_output_name.values())
    every_check = definition.node_check_specs_by_output_name.values()
    if assets == every_asset and checks == {check.key for check in every_check}:
        tags = context.op_execution_context.op.tags
        whole = [("--select", tags.get(_SELECT)), ("--exclude", tags.get(_EXCLUDE))]
        return [part for option, value in whole if value for part in (option, value)]
    chosen = [definition.metadata_by_key[asset][_UNIQUE_ID] for asset in assets]
    chosen += [check.metadata[_UNIQUE_ID] for check in every_check if check.key in checks]
    names = sorted(".".join(manifest["nodes"][unique_id]["fqn"]) for unique_id in chosen)
    # `empty`: only the tests that are named, not all tests of a model
    return ["--select", *names, "--indirect-selection", "empty"]
