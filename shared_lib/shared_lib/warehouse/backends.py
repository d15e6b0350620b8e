"""The tables of one location, wherever ``WAREHOUSE`` has them: in a file or in the lake.

The lake's modules are imported where they are used: a file needs neither Postgres nor SQLAlchemy.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse.connection import (
    DEFAULT_WAIT_SECONDS,
    read_warehouse,
    write_warehouse,
)
from shared_lib.warehouse.lease import writing_lease
from shared_lib.warehouse.setting import VARIABLE, Backend, NoSuchStateError, backend_of


def write_location(
    location: str,
    *,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open the tables of ``location`` for writing; make the place if it is missing.

    Raises:
        WarehouseBusyError: another process held the file for longer than ``wait_seconds``.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    if backend_of(location) is Backend.LAKE:
        from shared_lib.warehouse.lake.attachment import open_lake

        return open_lake(location)
    path = current_settings().warehouse_path(location)
    return write_warehouse(path, wait_seconds=wait_seconds, on_wait=on_wait)


@contextmanager
def read_location(
    location: str,
    *,
    as_of: str | None = None,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the tables of ``location`` for reading only.

    Args:
        location: the code location.
        as_of: the id of a run, or its beginning, to read the tables as that run left them.
        wait_seconds: how long to wait for a writer of the file.
        on_wait: called once with the holder when waiting starts.

    Raises:
        NoSuchStateError: the tables are in a file, or the lake has no snapshot of the run.
        WarehouseMissingError: nothing has been written yet.
        WarehouseBusyError: a writer held the file for longer than ``wait_seconds``.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    if backend_of(location) is Backend.FILE:
        if as_of is not None:
            raise NoSuchStateError(
                f"the tables of {location} are in a file, which has their present state alone: "
                f"only a lake can be read as a run left it, with {VARIABLE}={Backend.LAKE}"
            )
        path = current_settings().warehouse_path(location)
        with read_warehouse(path, wait_seconds=wait_seconds, on_wait=on_wait) as connection:
            yield connection
        return
    from shared_lib.warehouse.lake.attachment import open_lake
    from shared_lib.warehouse.lake.history import snapshot_of_run

    snapshot = None if as_of is None else snapshot_of_run(location, as_of)
    with open_lake(location, read_only=True, snapshot=snapshot) as connection:
        yield connection


def hold_location(
    location: str,
    *,
    part: str | None = None,
    holder: str,
    wait_seconds: float,
    on_wait: Callable[[str], None],
) -> AbstractContextManager[None]:
    """Hold the exclusive right to write the tables of ``location`` while the body runs.

    In the lake it is the right to write ``part`` of them, if that is known.

    Raises:
        WarehouseBusyError: another run still holds it after ``wait_seconds``; names the holder.
    """
    if backend_of(location) is Backend.LAKE:
        from shared_lib.warehouse.lake.lease import lake_lease

        return lake_lease(
            location, part=part, holder=holder, wait_seconds=wait_seconds, on_wait=on_wait
        )
    path = current_settings().warehouse_path(location)
    return writing_lease(path, holder=holder, wait_seconds=wait_seconds, on_wait=on_wait)
