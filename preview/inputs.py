"""The tables that the models read, copied once for both trees, or generated without a warehouse."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from preview import bank_inputs, simulation_inputs
from preview.errors import PreviewError
from shared_lib.warehouse import (
    WarehouseBusyError,
    WarehouseMissingError,
    WarehouseSettingError,
    read_location,
)

# How the sources of a location are made where it has no warehouse.
_GENERATED: Mapping[str, Callable[[Path], str]] = {
    "gocardless": bank_inputs.generate,
    "simulation": simulation_inputs.generate,
}

# What the copied sources of a location need before models are built from them: it returns the
# options of dbt that its builds need, and what a reader has to know.
_PREPARED: Mapping[str, Callable[[duckdb.DuckDBPyConnection], tuple[list[str], str]]] = {
    "simulation": simulation_inputs.prepare,
}


@dataclass
class Inputs:
    """What the models are built from.

    Attributes:
        arguments: by location, the options of dbt for its builds.
        notes: by location, where its rows come from.
        missing: sources that no warehouse has, by location.
    """

    arguments: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)


def copy_inputs(
    sources: Mapping[str, Collection[tuple[str, str]]],
    warehouse: Path,
    *,
    scratch: Path,
    say: Callable[[str], None],
) -> Inputs:
    """Copy sources into the file ``warehouse``, location by location.

    A warehouse is only read, and while it is, no run writes it: all tables are of one moment.

    Args:
        sources: by location, schema and table of each.
        warehouse: the file to write.
        scratch: a directory for warehouses that are generated.
        say: reports what is under way.

    Raises:
        PreviewError: a run holds a warehouse for too long, or the lake cannot be reached.
    """
    inputs = Inputs()
    for location, tables in sources.items():
        try:
            with read_location(location, on_wait=say) as connection:
                found = _copy(connection, tables, warehouse)
            note = "the tables of the stored warehouse"
        except WarehouseMissingError:
            if location not in _GENERATED:
                inputs.missing[location] = sorted(f"{schema}.{name}" for schema, name in tables)
                inputs.notes[location] = "it has no warehouse yet, so rows cannot be compared"
                continue
            say(f"{location} has no warehouse: generating data")
            file = scratch / f"{location}.duckdb"
            note = _GENERATED[location](file)
            with duckdb.connect(str(file), read_only=True) as connection:
                found = _copy(connection, tables, warehouse)
        except (WarehouseBusyError, WarehouseSettingError, duckdb.IOException) as error:
            raise PreviewError(f"{location}: its tables cannot be read: {error}") from error
        if lacking := sorted(f"{schema}.{name}" for schema, name in set(tables) - found):
            inputs.missing[location] = lacking
        inputs.notes[location] = note
        if location in _PREPARED:
            with duckdb.connect(str(warehouse)) as connection:
                arguments, remark = _PREPARED[location](connection)
            inputs.arguments[location] = arguments
            inputs.notes[location] = f"{note}; {remark}"
    return inputs


def _copy(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[tuple[str, str]],
    warehouse: Path,
) -> set[tuple[str, str]]:
    """Copy the tables that are there, in one transaction, and return them."""
    connection.execute(f"attach {_text(str(warehouse))} as copied (read_write)")
    rows: Sequence[Any] = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_database()"
    ).fetchall()
    there = set(rows) & set(tables)
    connection.begin()
    for schema, name in sorted(there):
        connection.execute(f'create schema if not exists copied."{schema}"')
        connection.execute(f'create table copied."{schema}"."{name}" as from "{schema}"."{name}"')
    connection.commit()
    connection.execute("detach copied")
    return there


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
