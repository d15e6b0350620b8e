"""The exclusive right to write a location's tables in the lake, for processes on any machine.

It is an advisory lock in the catalog's Postgres. Postgres releases it when the process that holds
it dies or loses its connection; a table names the holder for those that wait.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from shared_lib.warehouse.connection import WarehouseBusyError
from shared_lib.warehouse.lake import Lake

_POLL_SECONDS = 0.2
# the first of the two numbers of each advisory lock; Dagster and the alerts use others
_OURS = 0x1A4E

_TABLE = """
create table if not exists warehouse_leases (
    location text primary key,
    holder text not null,
    taken_at timestamptz not null
)
"""


class LeaseLostError(RuntimeError):
    """The connection that held the lease broke while the run was writing."""


@contextmanager
def lake_lease(
    location: str, *, holder: str, wait_seconds: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lease on the tables of ``location`` while the body runs.

    Args:
        location: the code location.
        holder: the name of the writer, shown to those that wait.
        wait_seconds: how long to wait for the current holder.
        on_wait: called once with the holder when waiting starts.

    Raises:
        WarehouseBusyError: the lease is still held after ``wait_seconds``; names the holder.
        LeaseLostError: the connection to Postgres broke while the body ran.
    """
    engine = Lake.from_environment().engine().execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        _take(connection, location, wait_seconds, on_wait)
        connection.execute(
            sa.text(
                "insert into warehouse_leases values (:location, :holder, now()) on conflict "
                "(location) do update set holder = excluded.holder, taken_at = excluded.taken_at"
            ),
            {
                "location": location,
                "holder": f"{holder} (process {os.getpid()} on {socket.gethostname()})",
            },
        )
        yield
        try:
            connection.execute(
                sa.text("delete from warehouse_leases where location = :location"),
                {"location": location},
            )
        except OperationalError as error:
            raise LeaseLostError(
                f"the connection to the catalog broke while {holder} was writing the tables of "
                f"{location}, so another run may have written at the same time: run it again"
            ) from error


def _take(
    connection: sa.Connection, location: str, wait_seconds: float, on_wait: Callable[[str], None]
) -> None:
    # one after the other, because two processes that create a table at once collide in Postgres
    with connection.begin():
        connection.execute(sa.text("select pg_advisory_lock(:ours, 0)"), {"ours": _OURS})
        connection.execute(sa.text(_TABLE))
        connection.execute(sa.text("select pg_advisory_unlock(:ours, 0)"), {"ours": _OURS})
    deadline = time.monotonic() + wait_seconds
    announced = False
    while not connection.execute(
        sa.text("select pg_try_advisory_lock(:ours, hashtext(:location))"),
        {"ours": _OURS, "location": location},
    ).scalar():
        present = connection.execute(
            sa.text("select holder from warehouse_leases where location = :location"),
            {"location": location},
        ).scalar()
        present = present or "a run that is just starting"
        if time.monotonic() >= deadline:
            raise WarehouseBusyError(
                f"the tables of {location} are being written by {present}, still after "
                f"{wait_seconds:g} s: let that run finish or stop it, then run again"
            )
        if not announced:
            on_wait(f"waiting up to {wait_seconds:g} s for {present} to finish with {location}")
            announced = True
        time.sleep(_POLL_SECONDS)
