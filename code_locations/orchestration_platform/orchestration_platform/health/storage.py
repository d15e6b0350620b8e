"""Whether the database of the Dagster instance answers quickly, and what it takes on disk."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy

from orchestration_platform.alerts.outbox.database import database_url
from orchestration_platform.files_below import files_below
from shared_lib.metadata import STORAGE_BYTES
from shared_lib.storage.transactions import open_engine

_DAY = timedelta(days=1)


class Latency(dg.Config):
    """How long the database may take to list the last run."""

    slow_seconds: float = 1.0


@dg.asset_check(asset="platform_health")
def storage_answers(context: dg.AssetCheckExecutionContext, config: Latency) -> dg.AssetCheckResult:
    """The database of the instance answers quickly: every tick, run and page waits for it."""
    begun = time.perf_counter()
    context.instance.get_run_records(limit=1)
    seconds = time.perf_counter() - begun
    return dg.AssetCheckResult(
        passed=seconds <= config.slow_seconds,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"the last run took {seconds:.3f} s to list, allowed: {config.slow_seconds:g}",
        metadata={"seconds": seconds},
    )


def storage_bytes(instance: dg.DagsterInstance) -> int:
    """Return the size of the instance's database on Postgres, else of the files of its home."""
    engine = open_engine(database_url(instance))
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            size = sqlalchemy.func.pg_database_size(sqlalchemy.func.current_database())
            return connection.execute(sqlalchemy.select(size)).scalar_one()
    home = Path(instance.root_directory)
    return sum(_size(path) for path in files_below(home, refuse=lambda _: None))


def warehouse_bytes(directory: Path) -> dict[str, int]:
    """Return the size of each warehouse below ``directory``, with its write-ahead log, by path."""
    return {
        str(path.relative_to(directory)): _size(path) + _size(path.with_name(f"{path.name}.wal"))
        for path in sorted(directory.rglob("*.duckdb"))
    }


def sizes_by_entry(instance: dg.DagsterInstance, data_directory: Path) -> dict[str, int]:
    """Return the size of Dagster's storage and of each warehouse, by the entry that records it."""
    warehouses = warehouse_bytes(data_directory)
    return {
        STORAGE_BYTES: storage_bytes(instance),
        **{f"{STORAGE_BYTES}/{name}": size for name, size in warehouses.items()},
    }


def daily_growth(
    instance: dg.DagsterInstance, sizes: Mapping[str, int], *, now: datetime
) -> float | None:
    """Return by how many bytes a day all has grown since a day before ``now``.

    Args:
        instance: holds the sizes that earlier materialisations of ``platform_health`` measured.
        sizes: the present sizes, by entry.
        now: the present time.

    Returns:
        None without a size that is at least a day old.
    """
    before = (now - _DAY).timestamp()
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey("platform_health"), before_timestamp=before),
        limit=1,
    ).records
    for record in records:
        made = record.asset_materialization
        then = made.metadata if made else {}
        grown = [size - int(str(then[name].value)) for name, size in sizes.items() if name in then]
        if grown:
            return sum(grown) / ((now - datetime.fromtimestamp(record.timestamp, UTC)) / _DAY)
    return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # SQLite's journals come and go
        return 0
