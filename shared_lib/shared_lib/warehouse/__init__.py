"""Access to the tables: one writer at a time; others wait or learn who holds them."""

from typing import TYPE_CHECKING, Any

from shared_lib.warehouse.backends import read_location, write_location
from shared_lib.warehouse.connection import (
    WarehouseBusyError,
    WarehouseMissingError,
    read_warehouse,
    write_warehouse,
)
from shared_lib.warehouse.setting import NoSuchStateError, WarehouseSettingError
from shared_lib.warehouse.transaction import transaction

if TYPE_CHECKING:
    from shared_lib.warehouse.resource import Warehouse

__all__ = [
    "NoSuchStateError",
    "Warehouse",
    "WarehouseBusyError",
    "WarehouseMissingError",
    "WarehouseSettingError",
    "read_location",
    "read_warehouse",
    "transaction",
    "write_location",
    "write_warehouse",
]


def __getattr__(name: str) -> Any:
    # The resource imports Dagster, which takes 2 s that reading a file does not need.
    if name == "Warehouse":
        from shared_lib.warehouse.resource import Warehouse

        return Warehouse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
