"""The asset that checks the budgets."""

import dagster as dg

from gocardless.budgets.notifications import (
    BudgetState,
    budget_states,
    create_budget_tables,
    raise_notifications,
)
from gocardless.budgets.settings import budgets_path, load_budgets
from gocardless.extraction.fetch_scope import utc_now
from shared_lib.metadata import relation_metadata
from shared_lib.warehouse import Warehouse

_KEY = ["sync", "gocardless", "budget_notifications"]
_KEPT = "budgets_kept"


@dg.asset(
    key=_KEY,
    deps=["spend_by_tag_monthly"],
    check_specs=[
        dg.AssetCheckSpec(
            _KEPT, asset=_KEY, description="No budget has reached a threshold this month."
        )
    ],
)
def budget_notifications(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> dg.MaterializeResult:
    """Contains a row for each threshold that a tag's spending has reached in a month."""
    budgets = load_budgets(budgets_path())
    now = utc_now()
    with warehouse.writing() as connection:
        create_budget_tables(connection)
        raised = raise_notifications(connection, budgets, at=now, run_id=context.run.run_id)
        states = budget_states(connection, budgets, today=now.date())
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "unified", "budget_notifications"),
                "raised": raised,
            },
            check_results=[kept_result(states)],
        )


def kept_result(states: list[BudgetState]) -> dg.AssetCheckResult:
    """Return a warning that lists the budgets that have reached a threshold; passed if none has."""
    reached = [state for state in states if state.reached is not None]
    described = "; ".join(
        f"{state.tag}: {state.spent:.2f} of {state.monthly:.2f} {state.currency} spent, "
        f"which reaches the threshold of {state.reached} %"
        for state in reached
    )
    return dg.AssetCheckResult(
        asset_key=_KEY,
        check_name=_KEPT,
        passed=not reached,
        severity=dg.AssetCheckSeverity.WARN,
        description=described or f"{len(states)} budgets are below their thresholds",
        metadata={"budgets": len(states), "reached": len(reached)},
    )
