"""Whether our schedules run without being switched on."""

import dagster as dg

from shared_lib.configuration.environment import current_settings


def default_schedule_status() -> dg.DefaultScheduleStatus:
    """Return running where sensors and schedules run by default, else stopped."""
    if current_settings().sensors_run_by_default:
        return dg.DefaultScheduleStatus.RUNNING
    return dg.DefaultScheduleStatus.STOPPED
