"""A warehouse that DuckDB cannot read: explained, or set aside to start over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import WarehouseBusyError
from shared_lib.warehouse.damage import find_damage, set_aside


class DamagedWarehouseError(RuntimeError):
    """The warehouse is damaged; the text says how to go on."""


def make_room(report: Callable[[str], object]) -> None:
    """Rename a damaged warehouse, so that a run starts over with a new one.

    Args:
        report: called with each file that was renamed, and what is lost.
    """
    # a file that is being written can be read by its writer
    with suppress(WarehouseBusyError):
        damage = find_damage(current_settings().warehouse_path("simulation"))
        if damage is not None:
            kept = ", ".join(str(path) for path in set_aside(damage))
            report(f"the warehouse is damaged ({damage.reason}); set aside as {kept}")


@contextmanager
def explained_damage() -> Iterator[None]:
    """Explain an error of DuckDB that comes from a damaged file.

    Raises:
        DamagedWarehouseError: the warehouse is damaged.
    """
    try:
        yield
    except duckdb.Error as error:
        path = current_settings().warehouse_path("simulation")
        damage = find_damage(path)
        if damage is None:
            raise
        raise DamagedWarehouseError(
            f"{path} is damaged: {damage.reason}\nRestore a backup (make restore), or start over "
            f"with FRESH=1, which sets {', '.join(file.name for file in damage.files)} aside. "
            f"Starting over loses {damage.lost}"
        ) from error
