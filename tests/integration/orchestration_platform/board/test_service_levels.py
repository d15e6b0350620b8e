"""How long the runs of a job may take."""

from typing import Any

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext

from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.board.history.service_levels import service_levels


def policies(**target: Any) -> AlertPolicies:
    return AlertPolicies.model_validate({"alert_policies": [{
        "name": "late", "enabled": True, "event_types": ["JOB_LONG_RUNNING"],
        "alert_targets": [{"long_running_job_threshold_target": target}],
        "notification_service": {"slack": {}},
    }]})  # fmt: skip


ALL = {"nightly", "all_shelves", "sales_job"}


@pytest.mark.parametrize(
    ("target", "jobs"),
    [
        ({}, ALL),
        ({"location_names": ["shop"]}, ALL),
        ({"location_names": ["tills"]}, set()),
        ({"jobs": [{"location_name": "shop", "job_name": "sales_job"}]}, {"sales_job"}),
        ({"tags": [{"key": "team", "value": "shop"}]}, set()),
    ],
)
def test_it_is_the_threshold_of_the_policy_for_long_runs(
    workspace: WorkspaceProcessContext, target: dict[str, Any], jobs: set[str]
) -> None:
    found = service_levels(
        workspace.create_request_context(), policies(threshold_seconds=900, **target)
    )
    # the job nightly has a tag that is shorter
    expected = {**dict.fromkeys(jobs, 900), "nightly": 600}
    assert {job: seconds for (_, job), seconds in found.items() if job in ALL} == expected


def test_the_time_after_which_dagster_ends_a_run_is_one_too(
    workspace: WorkspaceProcessContext,
) -> None:
    found = service_levels(workspace.create_request_context(), None)
    assert found == {("shop", "nightly"): 600}
