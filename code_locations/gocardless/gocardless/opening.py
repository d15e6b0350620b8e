"""The bank's tables for commands, wherever they are. It imports no Dagster, which takes 2 s."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import WarehouseMissingError, write_warehouse
from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.connection import DEFAULT_WAIT_SECONDS
from shared_lib.warehouse.setting import VARIABLE, Backend, WarehouseSettingError, backend_of
from shared_lib.warehouse.transaction import guarded

LOCATION = "gocardless"


@contextmanager
def bank_tables(command: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the bank's tables to write them.

    In the lake a command waits for the runs that write it, and each of its transactions is under
    its claim.

    Args:
        command: its name, for those that wait for it.

    Raises:
        WarehouseBusyError: a run is writing them for too long.
        WarehouseSettingError: the lake's variables are wrong, or the tables are still in the file.
    """
    if backend_of(LOCATION) is Backend.FILE:
        with write_warehouse(current_settings().warehouse_path(LOCATION)) as connection:
            yield connection
        return
    from shared_lib.warehouse.lake.claim import ALL, claimed

    refuse_tables_left_in_the_file()
    with (
        hold_location(LOCATION, holder=command, wait_seconds=DEFAULT_WAIT_SECONDS, on_wait=print),
        claimed(LOCATION, part=ALL, holder=command, shares_rows=True) as (claim, connection),
        guarded(connection, claim.written),
    ):
        yield connection


def refuse_tables_left_in_the_file() -> None:
    """Refuse to begin anew in the lake beside a file with all that there is.

    Raises:
        WarehouseSettingError: the file is there, and the lake has no tables of the bank.
    """
    path = current_settings().warehouse_path(LOCATION)
    if not path.exists():
        return
    from shared_lib.warehouse.lake.attachment import require_lake

    try:
        require_lake(LOCATION)
    except WarehouseMissingError:
        raise WarehouseSettingError(
            f"{VARIABLE} is {Backend.LAKE}, and the bank's tables are in {path}: move them with "
            "`python -m gocardless.warehouse migrate --to lake`, or rename the file to begin anew"
        ) from None
