"""All examinations, in the order in which they can be made."""

import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from orchestration_platform.doctor.data_directory import (
    disk_findings,
    lease_findings,
    link_findings,
    warehouse_findings,
)
from orchestration_platform.doctor.finding import Finding
from orchestration_platform.doctor.instance import message_findings, run_findings, slot_findings
from orchestration_platform.doctor.sqlite_files import sqlite_findings


def examine_files(home: Path, data_directory: Path) -> list[Finding]:
    """Examine what is on disk, without Dagster, which damaged files may stop from starting."""
    return [
        *link_findings(home, data_directory),
        *sqlite_findings(home),
        *warehouse_findings(data_directory),
        *lease_findings(data_directory),
        *disk_findings(path for path in (home, data_directory) if path.exists()),
    ]


def examine_instance(left: Sequence[Finding]) -> list[Finding]:
    """Examine the instance of ``DAGSTER_HOME``.

    Args:
        left: what is wrong with files; nothing is examined if Dagster does not start with it.
    """
    if any(finding.blocks_dagster for finding in left):
        return []
    with dg.DagsterInstance.get() as instance:
        return [
            *run_findings(instance),
            *slot_findings(instance),
            *message_findings(instance, now=time.time()),
        ]
