"""Freshness policies in words."""

import dagster as dg
from dagster._core.definitions.freshness import CronFreshnessPolicy, TimeWindowFreshnessPolicy


def freshness_limit(policy: dg.FreshnessPolicy | None) -> str:
    """Return what a policy allows; empty without one."""
    if isinstance(policy, TimeWindowFreshnessPolicy):
        warns = policy.warn_window
        warning = f", with a warning after {warns.to_timedelta()}" if warns else ""
        return f"at most {policy.fail_window.to_timedelta()} old{warning}"
    if isinstance(policy, CronFreshnessPolicy):
        return (
            f"made in the {policy.lower_bound_delta} before each {policy.deadline_cron} "
            f"({policy.timezone})"
        )
    return ""
