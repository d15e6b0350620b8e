"""What the workspace has: tables, their columns, owners, lineage, checks and freshness.

It is neutral: no word of dbt's, Dagster's or a catalogue's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, order=True)
class TableName:
    """The name of a table or view, in the warehouse of a location."""

    database: str
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.table}"


class Kind(StrEnum):
    """What a table is."""

    TABLE = "table"
    VIEW = "view"
    SEED = "seed"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: its name.
        type: as DuckDB writes it, such as ``decimal(16, 2)``; empty if it is unknown.
        description: its meaning; empty without one.
        is_nullable: whether it may be empty.
        tags: its tags.
        origins: the columns that it was computed from.
    """

    name: str
    type: str = ""
    description: str = ""
    is_nullable: bool = True
    tags: Sequence[str] = ()
    origins: Sequence[tuple[TableName, str]] = ()


@dataclass(frozen=True)
class Result:
    """The last result of a check.

    Attributes:
        passed: whether it passed.
        at: seconds since 1970.
        run_id: Dagster's run.
        description: what the check reported; empty if nothing.
    """

    passed: bool
    at: float
    run_id: str
    description: str = ""


@dataclass(frozen=True)
class Check:
    """A check of a table, and its last result if there is one.

    Attributes:
        name: its name, unique for its table.
        description: what it checks.
        column: the column that it is about; empty for the whole table.
        result: the last result; None before the first.
    """

    name: str
    description: str = ""
    column: str = ""
    result: Result | None = None


@dataclass(frozen=True)
class Freshness:
    """How old a table may be: a number of seconds, or since a time that cron describes.

    Attributes:
        fail_seconds: the longest age; None if ``cron`` counts.
        cron: when it must be new; empty if ``fail_seconds`` counts.
        timezone: of ``cron``.
        is_fresh: the state that Dagster reports; None if it reports none.
    """

    fail_seconds: int | None = None
    cron: str = ""
    timezone: str = "UTC"
    is_fresh: bool | None = None


@dataclass(frozen=True)
class Table:
    """A table or view.

    Attributes:
        name: its name.
        kind: what it is.
        description: its meaning; empty without one.
        columns: its columns in order.
        owners: e-mail addresses, or ``team:name``.
        tags: ``name`` or ``name=value``.
        upstream: the tables that it was computed from.
        checks: its checks.
        freshness: how old it may be; None without a limit.
        updated_at: when it was last written, in seconds since 1970; None if that is unknown.
        rows: its number of rows when it was last written; None if that is unknown.
        location: the code location that makes it; empty if that is unknown.
        group: its group; empty without one.
        asset: the key of its asset in Dagster, with slashes; empty without one.
        is_published: whether other teams may read it.
        has_contract: whether dbt enforces the names and types of its columns.
    """

    name: TableName
    kind: Kind = Kind.TABLE
    description: str = ""
    columns: Sequence[Column] = ()
    owners: Sequence[str] = ()
    tags: Sequence[str] = ()
    upstream: Sequence[TableName] = ()
    checks: Sequence[Check] = ()
    freshness: Freshness | None = None
    updated_at: float | None = None
    rows: int | None = None
    location: str = ""
    group: str = ""
    asset: str = ""
    is_published: bool = False
    has_contract: bool = False


@dataclass(frozen=True)
class Description:
    """All tables, by name.

    Attributes:
        tables: the tables, sorted by name.
        environment: the platform's environment, such as ``production``.
        ui_url: where people open Dagster.
    """

    tables: Sequence[Table]
    environment: str
    ui_url: str
    by_name: dict[TableName, Table] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # the class is frozen
        object.__setattr__(self, "by_name", {table.name: table for table in self.tables})

    @property
    def databases(self) -> list[str]:
        """The names of the databases, sorted."""
        return sorted({table.name.database for table in self.tables})

    @property
    def schemas(self) -> list[tuple[str, str]]:
        """Database and name of each schema, sorted."""
        return sorted({(table.name.database, table.name.schema) for table in self.tables})

    @property
    def tags(self) -> list[str]:
        """All tags, of tables and columns, sorted."""
        return sorted(set(_tags(self.tables)))


def _tags(tables: Iterable[Table]) -> Iterable[str]:
    for table in tables:
        yield from table.tags
        for column in table.columns:
            yield from column.tags
