"""Real runs that are stored again as Dagster's webserver and its daemon store theirs.

What they execute is the same, but a run that a program executes itself is stored with other
selections: the steps that it comes to, and an empty selection of assets.
"""

import uuid
from typing import Any

import dagster as dg


def stored_as(
    instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, **changes: Any
) -> str:
    """Store a run again with ``changes`` in its record; returns the identifier."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    entries = instance.all_logs(run.run_id)
    instance.delete_run(run.run_id)
    run_id = str(uuid.uuid4())
    before = dg.DagsterRunStatus.NOT_STARTED
    instance.add_run(run._replace(run_id=run_id, status=before, **changes))
    for entry in entries:
        instance.handle_new_event(entry._replace(run_id=run_id))
    return run_id


def stored_as_checks(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """Store a run of checks alone as the webserver does."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.execution_plan_snapshot_id is not None
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    keys = frozenset(
        key for step in plan.steps for key in step.entity_keys if isinstance(key, dg.AssetCheckKey)
    )
    return stored_as(instance, result, asset_selection=None, asset_check_selection=keys)


def stored_as_scheduled(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """Store a run of a whole job as the daemon does for a schedule."""
    return stored_as(instance, result, asset_selection=None, step_keys_to_execute=None)
