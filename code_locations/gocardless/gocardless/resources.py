"""The resources of the location, by the names that steps use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import dagster as dg

from gocardless.opening import LOCATION, refuse_tables_left_in_the_file
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse
from shared_lib.warehouse.parts_in_queue import connection_of


class BankWarehouse(Warehouse):
    """The bank's tables; in the lake, runs about different connections go on side by side."""

    parts_share_rows: ClassVar[bool] = True

    def part_of(self, run: dg.DagsterRun) -> str | None:
        """Return the connection that the run is about; None if it is about all."""
        return connection_of(run)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Hold the lease for the run."""
        if self.is_lake:
            refuse_tables_left_in_the_file()
        with super().yield_for_execution(context) as warehouse:
            yield warehouse


RESOURCES = {
    "warehouse": BankWarehouse(location=LOCATION),
    "secrets": SecretsResource(location=LOCATION),
}
