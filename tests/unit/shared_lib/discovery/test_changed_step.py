"""What is copied by a constructor that Dagster keeps to itself stays whole."""

import inspect
from typing import Any

import dagster as dg

from shared_lib.discovery.definitions.attributes import with_changed_step

DAYS = dg.DailyPartitionsDefinition("2026-01-01")


@dg.multi_asset(
    specs=[
        dg.AssetSpec("a", group_name="g", owners=["team:a"], tags={"t": "u"}, code_version="1"),
        dg.AssetSpec("b", deps=["a", "outside"], kinds={"duckdb"}, metadata={"m": 1}),
    ],
    check_specs=[dg.AssetCheckSpec("fine", asset="a", blocking=True)],
    name="both",
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
    required_resource_keys={"warehouse"},
    op_tags={"heavy": "yes"},
    retry_policy=dg.RetryPolicy(max_retries=1),
    pool="first",
)
def both(): ...


def attributes(asset: dg.AssetsDefinition) -> dict[str, Any]:
    found = asset.get_attributes_dict()
    return {**found, "specs": list(found["specs"])}


def parameters(step: Any) -> dict[str, Any]:
    names = inspect.signature(dg.OpDefinition).parameters.keys() - {"version", "code_version"}
    return {name: getattr(step, name) for name in names}


def test_only_what_is_named_changes() -> None:
    changed = with_changed_step(both, pool="second", required_resource_keys={"warehouse", "more"})
    before, after = attributes(both), attributes(changed)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"node_def"}
    old, new = parameters(both.op), parameters(changed.op)
    assert {name for name in old if old[name] != new[name]} == {"pool", "required_resource_keys"}
    assert (new["pool"], new["required_resource_keys"]) == ("second", {"warehouse", "more"})


def test_the_private_constructor_takes_every_attribute_of_a_definition() -> None:
    accepted = inspect.signature(dg.AssetsDefinition.dagster_internal_init).parameters.keys()
    assert both.get_attributes_dict().keys() == accepted
