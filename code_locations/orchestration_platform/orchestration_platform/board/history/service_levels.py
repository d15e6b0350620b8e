"""How long the runs of a job may take."""

from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.policies.targets import LongRunning
from orchestration_platform.board.history.run_window import JobName


def service_levels(
    context: BaseWorkspaceRequestContext, policies: AlertPolicies | None
) -> dict[JobName, float]:
    """Return for each job that has one how long its runs may take, in seconds.

    It is the smallest of the thresholds of the policies for long runs, and of the job's tag
    ``dagster/max_runtime``, after which Dagster ends a run. A threshold for runs with some tag is
    not that of all runs, and does not count.
    """
    thresholds = _thresholds(policies)
    found = {}
    for location in context.code_locations:
        for repository in location.get_repositories().values():
            for job in repository.get_all_jobs():
                limits = [
                    one.threshold_seconds
                    for one in thresholds
                    if one.fits(location=location.name, job_name=job.name, tags={})
                ]
                limits += _longest(job.tags)
                if limits:
                    found[location.name, job.name] = min(limits)
    return found


def _thresholds(policies: AlertPolicies | None) -> Sequence[LongRunning]:
    return [
        target.long_running_job_threshold_target
        for policy in (policies.in_force if policies else ())
        for target in policy.alert_targets
        if target.long_running_job_threshold_target
    ]


def _longest(tags: Mapping[str, str]) -> list[float]:
    text = tags.get(dg.MAX_RUNTIME_SECONDS_TAG, "")
    return [float(text)] if text.isdecimal() else []
