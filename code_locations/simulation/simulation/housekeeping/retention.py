"""Deletes what the section ``data`` of the platform's settings allows, for job and command."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared_lib.configuration.environment import current_settings
from shared_lib.configuration.kept_data import KeptData
from shared_lib.warehouse import Warehouse
from simulation.housekeeping.old_reports import delete_old_reports
from simulation.housekeeping.old_runs import delete_old_runs
from simulation.state.tables import create_tables


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was deleted, or would be.

    Attributes:
        is_dry: whether nothing was deleted.
        rows: the number of rows of old runs, by table of the warehouse.
        reports: the old reports.
    """

    is_dry: bool
    rows: Counter[str]
    reports: list[Path]

    def as_json(self) -> dict[str, Any]:
        """Return the report for ``json.dumps``."""
        return {
            "dry_run": self.is_dry,
            "rows": dict(self.rows),
            "reports": [path.name for path in self.reports],
        }

    def __str__(self) -> str:
        """Return a summary in one line."""
        would = "would be deleted" if self.is_dry else "deleted"
        return f"{self.rows.total()} rows of old runs and {len(self.reports)} old reports {would}"


def apply_retention(warehouse: Warehouse, settings: KeptData, *, is_dry: bool) -> Report:
    """Delete old reports, and what was recorded of runs that no stored year is of.

    Args:
        warehouse: the simulation's.
        settings: for how long what stays.
        is_dry: only report.
    """
    rows: Counter[str] = Counter()
    if warehouse.exists():
        with warehouse.writing() as connection:
            create_tables(connection)
            rows = delete_old_runs(
                connection,
                keep_days=settings.simulation_days,
                is_dry=is_dry,
                now=datetime.now(UTC).replace(tzinfo=None),
            )
    reports = delete_old_reports(
        current_settings().report_directory,
        keep_days=settings.report_days,
        is_dry=is_dry,
        now=time.time(),
    )
    return Report(is_dry=is_dry, rows=rows, reports=reports)
