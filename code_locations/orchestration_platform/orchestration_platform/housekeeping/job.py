"""When the platform deletes what is old."""

import dagster as dg

from orchestration_platform.housekeeping.settings import load_settings
from shared_lib.configuration.kept_data import VARIABLE
from shared_lib.schedule_status import default_schedule_status


class RetentionConfig(dg.Config):
    """Whether a run only reports what it would delete."""

    dry_run: bool = False


# An op, not an asset: materializing every asset of the location deletes nothing.
@dg.op(out=dg.Out(dg.Nothing), pool="retention")
def delete_old_runs(context: dg.OpExecutionContext, config: RetentionConfig) -> None:
    """Delete old runs, with their events and logs, old ticks and rows, that nothing needs."""
    # Dagster's storages, which it needs, take longer to import than the location to load
    from orchestration_platform.housekeeping.retention import apply_retention

    retention = load_settings().retention
    is_dry = config.dry_run or not retention.deletes
    report = apply_retention(context.instance, retention, is_dry=is_dry)
    context.log.info(str(report))
    if not retention.deletes:
        context.log.info(
            f"nothing is deleted until retention.deletes is true in the file of {VARIABLE}"
        )
    metadata: dict[str, dg.MetadataValue] = {
        "summary": dg.MetadataValue.text(str(report)),
        "dry_run": dg.MetadataValue.bool(report.is_dry),
        "runs": dg.MetadataValue.int(report.deleted.total()),
        "ticks": dg.MetadataValue.int(report.ticks.total()),
        "rows": dg.MetadataValue.int(report.rows.total()),
    }
    if report.deleted:
        rows = [dg.TableRecord(row) for row in report.by_job()]
        metadata["deleted"] = dg.MetadataValue.table(rows)
    context.add_output_metadata(metadata)


@dg.job
def platform_retention_job() -> None:
    """Deletes what is old and needed by nothing."""
    delete_old_runs()


platform_retention_schedule = dg.ScheduleDefinition(
    name="platform_retention_schedule",
    job=platform_retention_job,
    cron_schedule="25 3 * * *",
    default_status=default_schedule_status(),
    description="Every night; it only reports until retention.deletes is set. On in production.",
)
