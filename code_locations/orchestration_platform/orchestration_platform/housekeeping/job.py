"""When the platform deletes what is old."""

import dagster as dg

from orchestration_platform.housekeeping.retention import apply_retention
from orchestration_platform.housekeeping.settings import load_settings
from shared_lib.configuration.environment import current_settings


class RetentionConfig(dg.Config):
    """Whether a run only reports what it would delete."""

    dry_run: bool = False


@dg.asset(pool="retention")
def platform_retention(
    context: dg.AssetExecutionContext, config: RetentionConfig
) -> dg.MaterializeResult:
    """Old runs, with their events and logs, that nothing needs are deleted; so are old ticks."""
    report = apply_retention(context.instance, load_settings().retention, is_dry=config.dry_run)
    columns = [dg.TableRecord(row) for row in report.rows()]
    metadata: dict[str, dg.MetadataValue] = {
        "summary": dg.MetadataValue.text(str(report)),
        "dry_run": dg.MetadataValue.bool(report.is_dry),
        "runs": dg.MetadataValue.int(report.deleted.total()),
        "ticks": dg.MetadataValue.int(report.ticks.total()),
    }
    if columns:
        metadata["deleted"] = dg.MetadataValue.table(columns)
    return dg.MaterializeResult(metadata=metadata)


platform_retention_job = dg.define_asset_job(
    "platform_retention_job",
    selection=dg.AssetSelection.assets(platform_retention),
    description="Deletes what is old and needed by nothing.",
)

platform_retention_schedule = dg.ScheduleDefinition(
    name="platform_retention_schedule",
    job=platform_retention_job,
    cron_schedule="25 3 * * *",
    default_status=(
        dg.DefaultScheduleStatus.RUNNING
        if current_settings().sensors_run_by_default
        else dg.DefaultScheduleStatus.STOPPED
    ),
    description="Every night. Enabled in production.",
)
