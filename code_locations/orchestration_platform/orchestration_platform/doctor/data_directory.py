"""Broken links, damaged warehouses, leases that nobody holds, and full disks."""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from orchestration_platform.doctor.finding import Finding
from orchestration_platform.files_below import files_below
from shared_lib.warehouse import WarehouseBusyError
from shared_lib.warehouse.damage import Damage, find_damage, set_aside

# A run of the simulation writes some 100 MB for 100,000 employees.
LEAST_FREE_BYTES = 500_000_000


def link_findings(*directories: Path) -> Iterator[Finding]:
    """Find links below the directories that lead nowhere, or in a circle."""
    for directory in directories:
        problems: list[str] = []
        for _ in files_below(directory, refuse=problems.append):
            pass
        for problem in problems:
            path, _, remedy = problem.partition(": ")
            yield Finding(
                kind="link that leads nowhere",
                problem=path,
                lost="nothing; no backup is made while it is there",
                remedy=remedy,
            )


def _files(directory: Path, suffix: str) -> Iterator[Path]:
    found = files_below(directory, refuse=lambda _: None)
    return (path for path in found if path.suffix == suffix)


def warehouse_findings(directory: Path) -> Iterator[Finding]:
    """Read every row of every warehouse; one that is being written is left out."""
    for path in _files(directory, ".duckdb"):
        try:
            damage = find_damage(path)
        except WarehouseBusyError:
            continue
        if damage is not None:
            yield Finding(
                kind="damaged warehouse",
                problem=f"{path}: {damage.reason}",
                lost=damage.lost,
                remedy="restore a backup, or doctor --fix sets "
                f"{', '.join(file.name for file in damage.files)} aside and the next run "
                "continues with what is left",
                fix=partial(_set_aside, damage),
            )


def _set_aside(damage: Damage) -> str:
    return f"set aside: {', '.join(str(path) for path in set_aside(damage))}"


def lease_findings(directory: Path) -> Iterator[Finding]:
    """Find leases that name a holder and that nobody holds: the holder was killed."""
    for path in _files(directory, ".lease"):
        holder = path.read_text(encoding="utf-8").strip()
        if holder and _clear(path, is_dry=True):
            yield Finding(
                kind="lease without owner",
                problem=f"{path} names {holder}, which is gone",
                lost="nothing that was committed",
                remedy="nothing: the next run takes the lease; doctor --fix removes the name",
                fix=partial(_clear_lease, path),
            )


def _clear_lease(path: Path) -> str:
    return f"cleared {path}" if _clear(path, is_dry=False) else f"{path} is held again"


def _clear(path: Path, *, is_dry: bool) -> bool:
    """Whether nobody holds the lease; then also empty it."""
    with path.open("a+", encoding="utf-8") as lease:
        try:
            fcntl.flock(lease.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not is_dry:
            lease.truncate(0)
        return True


def disk_findings(
    directories: Iterable[Path], *, least_free_bytes: int = LEAST_FREE_BYTES
) -> Iterator[Finding]:
    """Find directories on a disk with less than ``least_free_bytes`` free."""
    for path in directories:
        free = shutil.disk_usage(path).free
        if free < least_free_bytes:
            yield Finding(
                kind="full disk",
                problem=f"{path}: {free / 1e6:.0f} MB free of the {least_free_bytes / 1e6:.0f} MB "
                "that runs need",
                lost="nothing yet; runs and events that cannot be written fail",
                remedy="make retention DELETE=1, remove files named *.damaged-*, or enlarge it",
            )
