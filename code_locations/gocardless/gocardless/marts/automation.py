"""When Dagster makes the marts without being asked."""

import dagster as dg

from gocardless.statement_files.folder import KEY as STATEMENTS

# An import of statement files writes the unified tables itself, so that no asset of the sync
# changes. A run that makes the marts too makes them once.
AFTER_BANK_DATA = (
    dg.AutomationCondition.eager()
    | (
        dg.AutomationCondition.asset_matches(
            STATEMENTS, dg.AutomationCondition.newly_updated()
        ).since(dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated())
        & ~dg.AutomationCondition.in_progress()
    )
).with_label("after bank data")
