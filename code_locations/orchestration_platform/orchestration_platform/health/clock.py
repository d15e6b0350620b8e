"""Whether this machine's clock agrees with that of the database."""

from datetime import UTC, datetime

import dagster as dg
import sqlalchemy

from orchestration_platform.alerts.outbox.database import database_url
from shared_lib.storage.transactions import open_engine


class Clock(dg.Config):
    """How far apart the clocks may be."""

    allowed_seconds: float = 30.0


@dg.asset_check(asset="platform_health")
def clocks_agree(context: dg.AssetCheckExecutionContext, config: Clock) -> dg.AssetCheckResult:
    """This machine's clock agrees with the database's, which orders events and leases."""
    difference = clock_difference(database_url(context.instance))
    if difference is None:
        return dg.AssetCheckResult(passed=True, description="SQLite uses this machine's own clock")
    direction = "ahead of" if difference > 0 else "behind"
    return dg.AssetCheckResult(
        passed=abs(difference) <= config.allowed_seconds,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"this machine is {abs(difference):.1f} s {direction} the database, "
        f"allowed: {config.allowed_seconds:g} s",
        metadata={"seconds": difference},
    )


def clock_difference(url: str) -> float | None:
    """Return by how many seconds this machine is ahead of the database; None on SQLite."""
    engine = open_engine(url)
    if engine.dialect.name != "postgresql":
        return None
    with engine.connect() as connection:
        before = datetime.now(UTC)
        theirs = connection.execute(
            sqlalchemy.select(sqlalchemy.func.clock_timestamp())
        ).scalar_one()
        after = datetime.now(UTC)
    return (before + (after - before) / 2 - theirs).total_seconds()
