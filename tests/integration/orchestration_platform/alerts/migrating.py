"""Processes that open the outbox; they import little, so that they start quickly."""

import os
import signal
from dataclasses import replace
from multiprocessing.synchronize import Barrier

import sqlalchemy as sa

from orchestration_platform.alerts.outbox import database
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.migrations import MIGRATIONS


def die_in_migration(url: str, after: int) -> None:
    """Open the tables, in a process that is killed once it has made one of the changes."""

    def change_and_die(connection: sa.Connection) -> None:
        MIGRATIONS[after].change(connection)
        os.kill(os.getpid(), signal.SIGKILL)

    database.MIGRATIONS = [
        *MIGRATIONS[:after],
        replace(MIGRATIONS[after], change=change_and_die),
    ]
    Database(url)


def open_together(url: str, barrier: Barrier) -> None:
    """Open the tables at the same moment as others."""
    barrier.wait()
    Database(url).close()
