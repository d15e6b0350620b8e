"""When the platform checks itself."""

import dagster as dg

from orchestration_platform.health.platform_health import platform_health
from shared_lib.schedule_status import default_schedule_status

platform_health_job = dg.define_asset_job(
    "platform_health_job",
    selection=dg.AssetSelection.assets(platform_health),
    description="Checks the instance, its secrets and its alerts.",
)

# The interval is as long as the problems it looks for may last.
platform_health_schedule = dg.ScheduleDefinition(
    name="platform_health_schedule",
    job=platform_health_job,
    cron_schedule="*/10 * * * *",
    default_status=default_schedule_status(),
    description="Every ten minutes; each problem becomes an alert. Enabled in production.",
)
