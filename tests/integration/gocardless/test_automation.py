"""What Dagster makes by itself after bank data has come."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from gocardless.definitions import defs
from gocardless.marts.automation import STATEMENTS

MARTS = {
    dg.AssetKey(name)
    for name in (
        "bank_transactions", "bank_balances_daily", "bank_balances_reconciled",
        "cash_flow_monthly", "spend_by_tag_monthly",
    )
}  # fmt: skip
SYNCED = dg.AssetKey(["sync", "gocardless", "transactions"])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Everything has been made once."""
    with dg.instance_for_test() as found:
        for key in defs.resolve_asset_graph().get_all_asset_keys():
            found.report_runless_asset_event(dg.AssetMaterialization(key))
        yield found


def requested(instance: dg.DagsterInstance, cursor: Any) -> tuple[set[dg.AssetKey], Any]:
    result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
    keys = {one.key for one in result.results if one.true_subset.size}
    return keys, result.cursor


@pytest.mark.parametrize("source", [STATEMENTS, SYNCED], ids=["a file", "a sync"])
def test_the_marts_are_made_once_after_new_bank_data(
    instance: dg.DagsterInstance, source: dg.AssetKey
) -> None:
    first, cursor = requested(instance, None)
    assert not first
    instance.report_runless_asset_event(dg.AssetMaterialization(source))

    found, cursor = requested(instance, cursor)
    assert found >= MARTS
    again, _ = requested(instance, cursor)
    assert not again
