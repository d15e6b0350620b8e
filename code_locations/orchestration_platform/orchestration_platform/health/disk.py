"""Whether the disks have room for what the platform writes."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from orchestration_platform.health.storage import daily_growth, sizes_by_entry
from shared_lib.configuration.environment import current_settings

_GIB = 1024**3


class Room(dg.Config):
    """What has to be free, and for how many days it has to last."""

    least_free_bytes: int = _GIB
    least_free_share: float = 0.05
    least_days: float = 14.0


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The disk of one directory, in bytes."""

    directory: Path
    total: int
    free: int

    def problem(self, room: Room, growth: float | None) -> str | None:
        """Return why there is too little room; None if there is enough.

        Args:
            room: what has to be free.
            growth: bytes a day by which Dagster's storage and the warehouses grow; None if unknown.
        """
        free = f"{self.directory} has {self.free / _GIB:.1f} GiB of {self.total / _GIB:.1f} free"
        if self.free < max(room.least_free_bytes, room.least_free_share * self.total):
            return f"{free}: delete what nobody needs, or enlarge the disk"
        days = self.free / growth if growth and growth > 0 else None
        if days is not None and days < room.least_days:
            return f"{free}: at the growth of the last day that lasts for {days:.0f} days"
        return None


def disks(directories: Iterable[Path]) -> list[Disk]:
    """Return the disk of each directory, each disk once.

    A directory that does not exist yet is represented by the nearest one above it that does.
    """
    found: dict[int, Disk] = {}
    for directory in directories:
        existing = next(path for path in (directory, *directory.parents) if path.exists())
        usage = shutil.disk_usage(existing)
        found.setdefault(
            existing.stat().st_dev, Disk(directory=existing, total=usage.total, free=usage.free)
        )
    return list(found.values())


@dg.asset_check(asset="platform_health")
def disks_have_room(context: dg.AssetCheckExecutionContext, config: Room) -> dg.AssetCheckResult:
    """The disks of Dagster's home and of the data have room, for two weeks at today's growth."""
    instance, now = context.instance, datetime.now(UTC)
    data = current_settings().data_directory
    growth = daily_growth(instance, sizes_by_entry(instance, data), now=now)
    found = disks([Path(instance.root_directory), data])
    problems = [problem for disk in found if (problem := disk.problem(config, growth))]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or "there is room on every disk",
        metadata={
            **{f"free_bytes of {disk.directory}": disk.free for disk in found},
            "bytes_per_day": growth if growth is not None else "unknown: younger than a day",
        },
    )
