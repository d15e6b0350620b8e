"""Where dbt builds, if that is not the warehouse itself."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

import duckdb


class BuildPlace(Protocol):
    """A database in which dbt builds, and which passes on what is to last.

    Attributes:
        kept: models that dbt finds filled, so that others may read them though not selected.
    """

    kept: Collection[str]

    def exists(self) -> bool:
        """Return whether dbt has opened it."""
        ...

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Connect to what dbt has built; it stays until the step has ended."""
        ...

    def batch_done(self, model: str, year: int) -> None:
        """Note that a year of a model in batches is built, in one of dbt's threads."""
        ...

    def finish(self) -> None:
        """Note that dbt has ended. It may raise what went wrong."""
        ...
