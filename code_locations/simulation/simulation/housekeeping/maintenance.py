"""When the lake is kept small."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from shared_lib.configuration.kept_data import VARIABLE, KeptData, kept_data
from shared_lib.schedule_status import default_schedule_status
from shared_lib.warehouse import WarehouseMissingError, WarehouseSettingError
from shared_lib.warehouse.setting import VARIABLE as WAREHOUSE
from shared_lib.warehouse.setting import Backend, backend_of, locations_in_lake

if TYPE_CHECKING:
    from shared_lib.warehouse.lake.maintenance import Maintained


class MaintenanceConfig(dg.Config):
    """Whether a run only reports what it would do."""

    dry_run: bool = False


def maintain(
    settings: KeptData,
    *,
    is_dry: bool,
    on_wait: Callable[[str], None],
    location: str = "simulation",
) -> "Maintained":
    """Merge small files of a lake, and delete what nothing needs.

    Raises:
        WarehouseMissingError: the lake has no tables of the location.
        WarehouseSettingError: the tables are in a file.
    """
    if backend_of("simulation") is Backend.FILE:
        raise WarehouseSettingError(
            f"{WAREHOUSE} is {Backend.FILE}: DuckDB maintains a file itself, only a lake needs it"
        )
    from shared_lib.warehouse.lake.maintenance import maintain_lake

    return maintain_lake(
        location, keep=timedelta(days=settings.lake_days), is_dry=is_dry, on_wait=on_wait
    )


# Without the warehouse's resource, which would hold the whole location: it goes on beside runs.
@dg.op(out=dg.Out(dg.Nothing))
def maintain_tables(context: dg.OpExecutionContext, config: MaintenanceConfig) -> None:
    """Merge small files of the lake, and delete what nothing needs."""
    settings = kept_data()
    is_dry = config.dry_run or not settings.deletes
    report = maintain(settings, is_dry=is_dry, on_wait=context.log.info)
    context.log.info(str(report))
    rows = report.rows()
    for other in locations_in_lake():
        if other != "simulation":
            rows += _maintained(context, settings, other, is_dry=is_dry)
    if not settings.deletes:
        context.log.info(f"nothing is changed until data.deletes is true in the file of {VARIABLE}")
    metadata: dict[str, dg.MetadataValue] = {
        "summary": dg.MetadataValue.text(str(report)),
        "dry_run": dg.MetadataValue.bool(is_dry),
    }
    if rows:
        metadata["changed"] = dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
    context.add_output_metadata(metadata)


def _maintained(
    context: dg.OpExecutionContext, settings: KeptData, location: str, *, is_dry: bool
) -> list[dict[str, Any]]:
    """Maintain the tables of another location, if the lake has any."""
    try:
        report = maintain(settings, is_dry=is_dry, on_wait=context.log.info, location=location)
    except WarehouseMissingError as error:
        context.log.info(str(error))
        return []
    context.log.info(f"{location}: {report}")
    return [{**row, "where": f"{location}: {row['where']}"} for row in report.rows()]


@dg.job
def lake_maintenance_job() -> None:
    """Merges small files of the lake, and deletes what nothing needs."""
    maintain_tables()


def _status() -> dg.DefaultScheduleStatus:
    if backend_of("simulation") is Backend.FILE:
        return dg.DefaultScheduleStatus.STOPPED
    return default_schedule_status()


lake_maintenance_schedule = dg.ScheduleDefinition(
    name="lake_maintenance_schedule",
    job=lake_maintenance_job,
    cron_schedule="10 4 * * *",
    default_status=_status(),
    description=(
        "Every night; it only reports until data.deletes is set. On in production with a lake, "
        "off where the tables are in a file."
    ),
)
