"""Where the tables of the locations are: ``WAREHOUSE`` names it."""

import os
from enum import StrEnum

VARIABLE = "WAREHOUSE"


class WarehouseSettingError(ValueError):
    """A variable that says where the warehouse is has a value that cannot be used."""


class NoSuchStateError(LookupError):
    """The tables cannot be read as a run left them; the message says why."""


class Backend(StrEnum):
    """Where the tables of a location are."""

    FILE = "file"
    LAKE = "lake"


_LOCATIONS_OF_LAKE = frozenset({"gocardless", "simulation"})


def locations_in_lake() -> list[str]:
    """Return the locations whose tables are in the lake.

    Raises:
        WarehouseSettingError: ``WAREHOUSE`` names no backend.
    """
    return sorted(name for name in _LOCATIONS_OF_LAKE if backend_of(name) is Backend.LAKE)


def backend_of(location: str) -> Backend:
    """Return where the tables of ``location`` are: in a file unless ``WAREHOUSE`` is ``lake``.

    Raises:
        WarehouseSettingError: it names no backend.
    """
    name = os.environ.get(VARIABLE, Backend.FILE)
    try:
        backend = Backend(name)
    except ValueError:
        allowed = ", ".join(Backend)
        message = f"{VARIABLE}: {name!r} is not a warehouse, allowed is one of: {allowed}"
        raise WarehouseSettingError(message) from None
    return backend if location in _LOCATIONS_OF_LAKE else Backend.FILE
