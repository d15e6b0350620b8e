"""dbt's connection to the lake: named in profiles.yml as a plugin of dbt-duckdb."""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from shared_lib.warehouse.lake import prepare


class Plugin(BasePlugin):
    """Prepares the connection before dbt attaches the lake, and each cursor afterwards."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load the extensions, and name the lake that the profile attaches."""
        prepare(conn, self._location)

    def configure_cursor(self, cursor: Any) -> None:
        """Make the lake the default, because the project's SQL names no catalog."""
        cursor.execute(f"use {self._location}")

    @property
    def _location(self) -> str:
        if self.creds is None:
            raise TypeError("dbt-duckdb made the plugin without the profile's credentials")
        return self.creds.database
