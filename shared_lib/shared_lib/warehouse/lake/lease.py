"""The right to write a location's tables in the lake, or one part of them, for any machine.

It is an advisory lock in the catalog's Postgres. Postgres releases it when the process that holds
it dies or loses its connection; a table names the holders for those that wait. A run that writes
one part, such as a scenario, shares the location with the runs of other parts.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from shared_lib.warehouse.connection import WarehouseBusyError
from shared_lib.warehouse.lake.attachment import Lake
from shared_lib.warehouse.lake.catalog import named

_POLL_SECONDS = 0.2
_HEARTBEAT_SECONDS = 10.0
# Others may read a large census in theirs, one after the other.
_TURN_SECONDS = 300.0
# the first of the two numbers of each advisory lock; Dagster and the alerts use others
_OURS = 0x1A4E

_TABLE = """
create table if not exists warehouse_leases (
    location text primary key,
    holder text not null,
    taken_at timestamptz not null
);
alter table warehouse_leases add column if not exists seen_at timestamptz
"""

# A killed holder leaves its row behind, but not its lock. The number of a lock has no sign there.
_HOLDERS = """
select leases.holder, round(extract(epoch from now() - leases.seen_at))::integer as silent_seconds
from warehouse_leases as leases
inner join pg_locks as locks
    on hashtext(leases.location)::bigint & 4294967295 = locks.objid::bigint
where
    locks.locktype = 'advisory'
    and locks.classid::bigint = :ours
    and locks.database = (select oid from pg_database where datname = current_database())
    and locks.mode = 'ExclusiveLock'
    and locks.granted
    and (leases.location in (:location, :name) or :name = :location and starts_with(
        leases.location, :location || '/'
    ))
order by leases.taken_at
"""


# Postgres notices the end of a connection in its own time, and the next one may ask at once.
_RELEASE = sa.text("select pg_advisory_unlock_all()")


class LeaseLostError(RuntimeError):
    """The connection that held the lease broke while the run was writing."""


@contextmanager
def lake_lease(
    location: str,
    *,
    part: str | None = None,
    holder: str,
    wait_seconds: float,
    on_wait: Callable[[str], None],
) -> Iterator[None]:
    """Hold the lease on the tables of ``location``, or on one part, while the body runs.

    Args:
        location: the code location.
        part: what the run writes, such as a scenario; without it, all.
        holder: the name of the writer, shown to those that wait.
        wait_seconds: how long to wait for the current holder.
        on_wait: called once with the holder when waiting starts.

    Raises:
        WarehouseBusyError: the lease is still held after ``wait_seconds``; names the holder.
        LeaseLostError: the connection to Postgres broke while the body ran.
    """
    name = location if part is None else f"{location}/{part}"
    with _connected() as connection:
        _create_table(connection)
        _take(connection, location, name, wait_seconds, on_wait)
        connection.execute(
            sa.text(
                "insert into warehouse_leases values (:name, :holder, now(), now()) on conflict "
                "(location) do update set holder = excluded.holder, "
                "taken_at = excluded.taken_at, seen_at = excluded.seen_at"
            ),
            {"name": name, "holder": in_words(holder)},
        )
        try:
            with _heartbeat(connection, name) as is_lost:
                yield
        except BaseException:
            with suppress(OperationalError):  # with the connection the lock is gone as well
                connection.execute(_RELEASE)
            raise
        try:
            if not is_lost.is_set():
                connection.execute(
                    sa.text("delete from warehouse_leases where location = :name"), {"name": name}
                )
                connection.execute(_RELEASE)
                return
        except OperationalError:
            pass
        raise LeaseLostError(
            f"the connection to the catalog broke while {holder} was writing the tables of "
            f"{name}, so another run may have written at the same time: run it again"
        )


@contextmanager
def lake_turn(location: str, *, wait_seconds: float = _TURN_SECONDS) -> Iterator[None]:
    """Be the only process that writes the tables of ``location`` while the body runs.

    DuckLake refuses a transaction if another has deleted rows of the same table in the meantime,
    even rows of another part. So transactions take turns; they are short.

    Raises:
        WarehouseBusyError: the turn has not come after ``wait_seconds``.
    """
    with _connected() as connection:
        connection.execute(sa.text(f"set lock_timeout = {round(wait_seconds * 1000)}"))
        try:
            connection.execute(
                sa.text("select pg_advisory_lock(:ours, hashtext('turn of ' || :location))"),
                {"ours": _OURS, "location": location},
            )
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise WarehouseBusyError(
                f"another process has been writing the tables of {location} for "
                f"{wait_seconds:g} s: let it finish or stop it, then run again"
            ) from None
        yield


_LOCK_NOT_AVAILABLE = "55P03"


def writers(location: str) -> list[str]:
    """Return who holds the lease on ``location`` or on a part of it."""
    with _connected() as connection:
        named = {"ours": _OURS, "location": location, "name": location}
        return [holder for holder, _ in connection.execute(sa.text(_HOLDERS), named)]


def in_words(holder: str) -> str:
    """Return a writer's name with its process and machine."""
    return f"{holder} (process {os.getpid()} on {socket.gethostname()})"


@contextmanager
def _connected() -> Iterator[sa.Connection]:
    engine = Lake.from_environment().engine().execution_options(isolation_level="AUTOCOMMIT")
    with ExitStack() as stack:
        with named(engine):
            connection = stack.enter_context(engine.connect())
        yield connection


def _create_table(connection: sa.Connection) -> None:
    # one after the other, because two processes that create a table at once collide in Postgres
    connection.execute(sa.text("select pg_advisory_lock(:ours, 0)"), {"ours": _OURS})
    connection.execute(sa.text(_TABLE))
    connection.execute(sa.text("select pg_advisory_unlock(:ours, 0)"), {"ours": _OURS})


def _take(
    connection: sa.Connection,
    location: str,
    name: str,
    wait_seconds: float,
    on_wait: Callable[[str], None],
) -> None:
    deadline = time.monotonic() + wait_seconds
    announced = False
    named = {"ours": _OURS, "location": location, "name": name}
    while not _try(connection, named):
        holders = [
            holder if silent < 2 * _HEARTBEAT_SECONDS else f"{holder}, silent for {silent} s"
            for holder, silent in connection.execute(sa.text(_HOLDERS), named)
        ]
        present = " and ".join(holders) or "a run that is just starting"
        if time.monotonic() >= deadline:
            raise WarehouseBusyError(
                f"the tables of {name} are being written by {present}, still after "
                f"{wait_seconds:g} s: let that run finish or stop it, then run again"
            )
        if not announced:
            on_wait(f"waiting up to {wait_seconds:g} s for {present} to finish with {name}")
            announced = True
        time.sleep(_POLL_SECONDS)


def _try(connection: sa.Connection, named: dict[str, object]) -> bool:
    """Take the lock of the location, or share it and take the lock of the part; else neither."""
    own = sa.text("select pg_try_advisory_lock(:ours, hashtext(:name))")
    if named["name"] == named["location"]:
        return bool(connection.execute(own, named).scalar())
    shared = "advisory_{}_shared(:ours, hashtext(:location))"
    if not connection.execute(sa.text("select pg_try_" + shared.format("lock")), named).scalar():
        return False
    if connection.execute(own, named).scalar():
        return True
    connection.execute(sa.text("select pg_" + shared.format("unlock")), named)
    return False


@contextmanager
def _heartbeat(connection: sa.Connection, name: str) -> Iterator[threading.Event]:
    """Record from time to time that the holder is alive; set the event if that fails."""
    may_end, is_lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not may_end.wait(_HEARTBEAT_SECONDS):
            try:
                connection.execute(
                    sa.text("update warehouse_leases set seen_at = now() where location = :name"),
                    {"name": name},
                )
            except OperationalError:
                is_lost.set()
                return

    thread = threading.Thread(target=beat, name=f"lease on {name}", daemon=True)
    thread.start()
    try:
        yield is_lost
    finally:
        may_end.set()
        thread.join()
