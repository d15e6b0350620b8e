"""The warehouse as a lake: tables in Parquet files, their catalog in Postgres.

Every process has a DuckDB of its own, in memory, and attaches the tables of one location by
DuckLake. Processes on several machines read and write the same tables.
"""

import importlib
import importlib.resources
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import sqlalchemy
from sqlalchemy.exc import ArgumentError

from shared_lib.warehouse.connection import WarehouseMissingError, open_memory
from shared_lib.warehouse.lake import object_store
from shared_lib.warehouse.lake.object_store import ObjectStore
from shared_lib.warehouse.setting import VARIABLE, Backend, WarehouseSettingError

CATALOG_VARIABLE = "WAREHOUSE_CATALOG"
DATA_VARIABLE = "WAREHOUSE_DATA"
# the path of a secret with the key `password`; without it Postgres asks for none
SECRET_VARIABLE = "WAREHOUSE_CATALOG_SECRET"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where the lake is.

    Attributes:
        catalog: the database of the catalog, without its password.
        data: the directory of the Parquet files, one below it for each location.
        store: the object store that has this directory; None if the file system has it.
        secret: the path of the secret with the catalog's password; empty: none is needed.
    """

    catalog: sqlalchemy.URL
    data: str
    store: ObjectStore | None
    secret: str

    @classmethod
    def from_environment(cls) -> "Lake":
        """Return the lake that the variables name.

        Raises:
            WarehouseSettingError: one is missing, or is not an address of that kind.
        """
        missing = [name for name in (CATALOG_VARIABLE, DATA_VARIABLE) if not os.environ.get(name)]
        if missing:
            raise WarehouseSettingError(
                f"{VARIABLE} is {Backend.LAKE}, so {' and '.join(missing)} must be set: the lake "
                "needs a Postgres database for its catalog, such as "
                "postgresql://dagster@postgres:5432/lake, and a directory or s3://bucket/prefix "
                "for its files"
            )
        try:
            catalog = sqlalchemy.make_url(os.environ[CATALOG_VARIABLE])
        except ArgumentError:
            catalog = None
        if catalog is None or catalog.get_backend_name() != "postgresql" or not catalog.database:
            raise WarehouseSettingError(
                f"{CATALOG_VARIABLE} is not the address of a Postgres database, such as "
                "postgresql://dagster@postgres:5432/lake"
            )
        if catalog.password:
            raise WarehouseSettingError(
                f"{CATALOG_VARIABLE} contains a password: put it into a secret with the key "
                f"`password`, and the path of that secret into {SECRET_VARIABLE}"
            )
        data = os.environ[DATA_VARIABLE].rstrip("/")
        return cls(
            catalog=catalog,
            data=data,
            store=ObjectStore.of(data, DATA_VARIABLE),
            secret=os.environ.get(SECRET_VARIABLE, ""),
        )

    def password(self) -> str:
        """Return the catalog's password; empty if none is needed."""
        if not self.secret:
            return ""
        return _revealed(self.secret, "password")["password"]

    def address(self) -> sqlalchemy.URL:
        """Return the address of the catalog's database, with its password."""
        return self.catalog.set(drivername="postgresql+psycopg2", password=self.password() or None)

    def engine(self) -> sqlalchemy.Engine:
        """Return connections to the catalog's database, for leases."""
        return sqlalchemy.create_engine(self.address(), poolclass=sqlalchemy.NullPool)


@contextmanager
def open_lake(
    location: str, *, read_only: bool = False, snapshot: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach the tables of ``location`` to a DuckDB in memory, and close it afterwards.

    Args:
        location: the code location.
        read_only: whether nothing may be written.
        snapshot: read the tables as of this snapshot; default: as they are now.

    Raises:
        WarehouseSettingError: a variable is missing or wrong.
        WarehouseMissingError: ``read_only``, and nothing has been written yet.
        duckdb.IOException: the catalog does not answer.
    """
    with open_memory() as connection:
        _prepare(connection, location)
        options = ["read_only"] if read_only or snapshot is not None else []
        if snapshot is not None:
            options.append(f"snapshot_version {snapshot}")
        mode = f" ({', '.join(options)})" if options else ""
        try:
            connection.execute(f"attach 'ducklake:{location}' as {location}{mode}")
        except duckdb.InvalidInputException as error:
            if not read_only or "does not exist" not in str(error):
                raise
            message = f"the lake has no tables of {location} yet: nothing has written them"
            raise WarehouseMissingError(message) from None
        connection.execute(f"use {location}")
        yield connection


def require_lake(location: str) -> None:
    """Refuse a lake without tables: attached for writing, it would be created.

    Raises:
        WarehouseMissingError: nothing has been written to it yet.
        WarehouseSettingError: a variable is missing or wrong.
    """
    with open_lake(location, read_only=True):
        pass


def attach_lake(connection: duckdb.DuckDBPyConnection, location: str) -> None:
    """Attach the tables of ``location`` under its name, beside what ``connection`` has."""
    _prepare(connection, location)
    connection.execute(f"attach 'ducklake:{location}' as {location}")


def _prepare(connection: duckdb.DuckDBPyConnection, location: str) -> None:
    """Load the extensions, and name the lake of ``location`` so that it can be attached.

    The name is a secret of DuckDB's, in memory, because an attached address is shown in errors.
    """
    lake = Lake.from_environment()
    for extension in _extensions(["postgres_scanner", "ducklake"]):
        connection.load_extension(extension)
    if lake.store is not None:
        _reach(connection, location, lake.data, lake.store)
    catalog = {
        "host": lake.catalog.host,
        "port": lake.catalog.port,
        "database": lake.catalog.database,
        "user": lake.catalog.username,
        "password": lake.password(),
    }
    values = ", ".join(f"{key} {_text(value)}" for key, value in catalog.items() if value)
    connection.execute(f"create or replace secret {location}_catalog (type postgres, {values})")
    connection.execute(
        f"create or replace secret {location} (type ducklake, metadata_path '', "
        f"metadata_schema {_text('lake_' + location)}, "
        f"data_path {_text(f'{lake.data}/{location}')}, "
        f"metadata_parameters map {{'TYPE': 'postgres', 'SECRET': '{location}_catalog'}})"
    )


def _reach(
    connection: duckdb.DuckDBPyConnection, location: str, data: str, store: ObjectStore
) -> None:
    """Let ``connection`` read and write the files of ``location`` in the object store."""
    for extension in _extensions(["httpfs"]):
        connection.load_extension(extension)
    connection.execute(f"set global http_retries = {object_store.RETRIES}")
    connection.execute(f"set global http_timeout = {object_store.TIMEOUT_SECONDS}")
    options = store.options(_revealed(store.secret, *object_store.KEYS))
    values = ", ".join(f"{key} {_text(value)}" for key, value in options.items())
    connection.execute(
        f"create or replace secret {location}_data "
        f"(type s3, scope {_text(f'{data}/{location}')}, {values})"
    )


def _revealed(path: str, *keys: str) -> dict[str, str]:
    """Return values of a secret."""
    from shared_lib.secrets import SecretsResource

    found = SecretsResource(location="warehouse").get(path)
    return {key: found[key].reveal() for key in keys}


def _extensions(names: Sequence[str]) -> Iterator[str]:
    """Return the files of DuckDB's extensions, from their wheels: nothing is fetched."""
    for name in names:
        try:
            package = importlib.import_module(f"duckdb_extension_{name}")
        except ModuleNotFoundError as error:
            raise WarehouseSettingError(
                f"{VARIABLE}={Backend.LAKE} needs the package {error.name}: "
                "install shared-lib[lake]"
            ) from error
        directory = importlib.resources.files(package) / "extensions" / f"v{duckdb.__version__}"
        yield str(directory / f"{name}.duckdb_extension")


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
