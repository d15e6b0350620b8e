"""When the simulation deletes what is old."""

import dagster as dg

from shared_lib.configuration.kept_data import VARIABLE, kept_data
from shared_lib.schedule_status import default_schedule_status
from shared_lib.warehouse import Warehouse
from simulation.housekeeping.retention import apply_retention


class RetentionConfig(dg.Config):
    """Whether a run only reports what it would delete."""

    dry_run: bool = False


# An op, not an asset: materializing every asset of the location deletes nothing.
@dg.op(out=dg.Out(dg.Nothing), pool="simulation_warehouse")
def delete_old_simulations(
    context: dg.OpExecutionContext, config: RetentionConfig, warehouse: Warehouse
) -> None:
    """Delete old reports, and what was recorded of runs that no stored year is of."""
    settings = kept_data()
    is_dry = config.dry_run or not settings.deletes
    report = apply_retention(warehouse, settings, is_dry=is_dry)
    context.log.info(str(report))
    if not settings.deletes:
        context.log.info(f"nothing is deleted until data.deletes is true in the file of {VARIABLE}")
    context.add_output_metadata(
        {
            "summary": str(report),
            "dry_run": is_dry,
            **{f"rows/{table}": count for table, count in report.rows.items()},
            "reports": [path.name for path in report.reports],
        }
    )


@dg.job
def simulation_retention_job() -> None:
    """Deletes old reports, and what was recorded of runs that no stored year is of."""
    delete_old_simulations()


simulation_retention_schedule = dg.ScheduleDefinition(
    name="simulation_retention_schedule",
    job=simulation_retention_job,
    cron_schedule="40 3 * * *",
    default_status=default_schedule_status(),
    description="Every night; it only reports until data.deletes is set. On in production.",
)
