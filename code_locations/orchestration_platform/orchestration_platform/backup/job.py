"""When a backup is made, and whether the newest one is recent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from upath import UPath

from orchestration_platform.backup.create import create
from orchestration_platform.backup.data_directory import warehouses
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.manifest import backups_at, read_manifest
from orchestration_platform.housekeeping.settings import Backup, load_settings
from shared_lib.configuration.environment import Environment, current_settings
from shared_lib.configuration.kept_data import VARIABLE
from shared_lib.schedule_status import default_schedule_status
from shared_lib.warehouse.setting import locations_in_lake

_WAIT_SECONDS = 1800.0


# An op, not an asset: materializing every asset of the location makes no backup.
@dg.op(out=dg.Out(dg.Nothing), pool="backup")
def copy_platform(context: dg.OpExecutionContext) -> None:
    """Copy Dagster's storage, the alerts, every warehouse and the reports, in one state."""
    settings = load_settings().backup
    if settings.place is None:
        raise dg.Failure(_not_configured())
    made = create(
        context.instance,
        current_settings().data_directory,
        UPath(settings.place),
        keep=settings.keep,
        wait_seconds=_WAIT_SECONDS,
        on_wait=context.log.info,
    )
    size = sum(archive.bytes for archive in read_manifest(made).archives)
    context.add_output_metadata({"backup": str(made), "bytes": size})


@dg.job
def platform_backup_job() -> None:
    """Copies all that the platform has stored."""
    copy_platform()


@dg.schedule(
    job=platform_backup_job,
    cron_schedule="25 2 * * *",
    default_status=default_schedule_status(),
    description="Every night, where a place for backups is set. Enabled in production.",
)
def platform_backup_schedule() -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Skip where there is nothing to copy, or nowhere to put it."""
    directory = current_settings().data_directory
    if load_settings().backup.place is None:
        yield dg.SkipReason(_not_configured())
    elif not (warehouses(directory) or locations_in_lake()):
        yield dg.SkipReason(
            f"{directory} has no warehouse here: run python -m orchestration_platform.backup "
            "create where the volumes of the locations are"
        )
    else:
        yield dg.RunRequest()


@dg.asset_check(asset="platform_health")
def backup_is_recent() -> dg.AssetCheckResult:
    """The newest complete backup is young enough. A warning; in production there has to be one."""
    problem, description = examine(
        load_settings().backup,
        is_needed=current_settings().environment is Environment.PRODUCTION,
        now=datetime.now(UTC),
    )
    return dg.AssetCheckResult(
        passed=not problem, severity=dg.AssetCheckSeverity.WARN, description=description
    )


def examine(settings: Backup, *, is_needed: bool, now: datetime) -> tuple[bool, str]:
    """Return whether the state of the backups is a problem, and the state in words.

    Args:
        settings: where backups go, and how old the newest may be.
        is_needed: whether it is a problem that no place is set.
        now: the moment.
    """
    if settings.place is None:
        return is_needed, _not_configured()
    try:
        found = backups_at(UPath(settings.place))
        if not found:
            return True, f"{settings.place} has no complete backup"
        age = now - read_manifest(found[-1]).made_at
    except BackupError as error:
        return True, str(error)
    hours = age / timedelta(hours=1)
    text = f"the newest of {len(found)} backups is {hours:.0f} hours old: {found[-1].name}"
    return hours > settings.overdue_hours, text


def _not_configured() -> str:
    return f"no place for backups is set: set backup.place in the file of {VARIABLE}"
