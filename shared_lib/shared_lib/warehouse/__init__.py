"""Access to the DuckDB files: one writer at a time; others wait or learn who holds the file."""

from shared_lib.warehouse.connection import (
    WarehouseBusyError,
    WarehouseMissingError,
    read_warehouse,
    write_warehouse,
)
from shared_lib.warehouse.resource import Warehouse
from shared_lib.warehouse.transaction import transaction

__all__ = [
    "Warehouse",
    "WarehouseBusyError",
    "WarehouseMissingError",
    "read_warehouse",
    "transaction",
    "write_warehouse",
]
