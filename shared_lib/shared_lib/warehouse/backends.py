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
from shared_lib.warehouse.setting import Backend, backend_of


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
        from shared_lib.warehouse.lake import open_lake

        return open_lake(location)
    path = current_settings().warehouse_path(location)
    return write_warehouse(path, wait_seconds=wait_seconds, on_wait=on_wait)


@contextmanager
def read_location(
    location: str,
    *,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the tables of ``location`` for reading only.

    Raises:
        WarehouseMissingError: nothing has been written yet.
        WarehouseBusyError: a writer held the file for longer than ``wait_seconds``.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    if backend_of(location) is Backend.FILE:
        path = current_settings().warehouse_path(location)
        with read_warehouse(path, wait_seconds=wait_seconds, on_wait=on_wait) as connection:
            yield connection
        return
    from shared_lib.warehouse.lake import open_lake

    with open_lake(location, read_only=True) as connection:
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
        from shared_lib.warehouse.lake_lease import lake_lease

        return lake_lease(
            location, part=part, holder=holder, wait_seconds=wait_seconds, on_wait=on_wait
        )
    path = current_settings().warehouse_path(location)
    return writing_lease(path, holder=holder, wait_seconds=wait_seconds, on_wait=on_wait)
