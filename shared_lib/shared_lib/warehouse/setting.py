"""Where the tables of the locations are: ``WAREHOUSE`` names it."""

import os
from enum import StrEnum

VARIABLE = "WAREHOUSE"


class WarehouseSettingError(ValueError):
    """A variable that says where the warehouse is has a value that cannot be used."""


class Backend(StrEnum):
    """Where the tables of a location are."""

    FILE = "file"
    LAKE = "lake"


def current_backend() -> Backend:
    """Return what ``WAREHOUSE`` names; ``file`` when it is unset.

    Raises:
        WarehouseSettingError: it names no backend.
    """
    name = os.environ.get(VARIABLE, Backend.FILE)
    try:
        return Backend(name)
    except ValueError:
        allowed = ", ".join(Backend)
        message = f"{VARIABLE}: {name!r} is not a warehouse, allowed is one of: {allowed}"
        raise WarehouseSettingError(message) from None
