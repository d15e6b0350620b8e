"""The part of the dbt project that a step builds, as dbt options."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg

# Where dagster_dbt stores the node of an asset or a check, and the selection of a step.
UNIQUE_ID = "dagster_dbt/unique_id"
# only the tests that are named, not all tests of a model
_NAMED_ONLY = ("--indirect-selection", "empty")
_SELECT, _EXCLUDE = "dagster_dbt/select", "dagster_dbt/exclude"
_SELECTOR = "dagster_dbt/selector"


def step_selection(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], *, by_name: bool = False
) -> list[str]:
    """Return ``dbt build`` options for everything the step may build, or the chosen part.

    With ``by_name``, each node is named: dbt Core 2 finds no seed by its group.
    """
    definition = context.assets_def
    assets, checks = context.selected_asset_keys, context.selected_asset_check_keys
    every_asset = set(definition.node_keys_by_output_name.values())
    every_check = definition.node_check_specs_by_output_name.values()
    tags = context.op_execution_context.op.tags
    exclude = ["--exclude", tags[_EXCLUDE]] if tags.get(_EXCLUDE) else []
    is_whole = assets == every_asset and checks == {check.key for check in every_check}
    # beside a selector dbt ignores --select, which the tests of sources need
    if is_whole and not by_name and not tags.get(_SELECTOR):
        if not tags.get(_SELECT):
            return exclude
        # a selection of models leaves out the tests of the sources that they read
        of_sources = {
            check.metadata[UNIQUE_ID] for check in every_check if check.asset_key not in every_asset
        }
        return ["--select", tags[_SELECT], *_names(of_sources, manifest), *exclude]
    named = ["--select", *_names(chosen_nodes(context), manifest)]
    return [*named, *(exclude if by_name else []), *_NAMED_ONLY]


def _names(unique_ids: Collection[str], manifest: Mapping[str, Any]) -> list[str]:
    return sorted(".".join(manifest["nodes"][unique_id]["fqn"]) for unique_id in unique_ids)


def chosen_nodes(context: dg.AssetExecutionContext) -> set[str]:
    """Return the unique ids of the models, seeds and tests that the step shall build."""
    definition = context.assets_def
    checks = context.selected_asset_check_keys
    chosen = {definition.metadata_by_key[asset][UNIQUE_ID] for asset in context.selected_asset_keys}
    return chosen | {
        check.metadata[UNIQUE_ID]
        for check in definition.node_check_specs_by_output_name.values()
        if check.key in checks
    }


def with_inputs(selection: Sequence[str], *, kept: Collection[str]) -> list[str]:
    """Add what the named nodes read, for a database that has none of it but ``kept``."""
    if not set(_NAMED_ONLY) <= set(selection):
        return [*selection]
    names = selection[1 : -len(_NAMED_ONLY)]
    found = [name for name in kept if name not in {named.split(".")[-1] for named in names}]
    exclusion = ["--exclude", *found] if found else []
    return ["--select", *(f"+{name}" for name in names), *exclusion, *_NAMED_ONLY]
