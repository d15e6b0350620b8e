"""Who reads a model or one of its columns, by column lineage."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestration_platform.metadata.description import Table, TableName


@dataclass(frozen=True)
class Consumer:
    """A table that is computed from what changes.

    Attributes:
        name: the table.
        group: the group that it belongs to; empty without one.
        owners: whom to talk to.
        columns: its columns that are computed from the column; empty if it reads the model, and
            the column at most in a condition or a join.
    """

    name: TableName
    group: str
    owners: Sequence[str]
    columns: Sequence[str]

    def __str__(self) -> str:
        owner = ", ".join([*filter(None, [self.group]), *self.owners])
        what = f": {', '.join(self.columns)}" if self.columns else ", at most in a condition"
        return f"{self.name} ({owner}){what}"


def consumers(tables: Iterable[Table], name: TableName, column: str = "") -> list[Consumer]:
    """Return the consumers of a column, near and far; without a column those of the whole table.

    A table that reads the changed table directly is a consumer in any case: a condition or a join
    is not part of column lineage.
    """
    by_name = {table.name: table for table in tables}
    readers: dict[tuple[TableName, str], list[tuple[TableName, str]]] = {}
    for table in by_name.values():
        for found in table.columns:
            for origin in found.origins:
                readers.setdefault(origin, []).append((table.name, found.name))
    begin = [(name, column)] if column else [origin for origin in readers if origin[0] == name]
    reached: dict[TableName, set[str]] = {
        table.name: set() for table in by_name.values() if name in table.upstream
    }
    waiting, seen = deque(begin), set(begin)
    while waiting:
        for reader in readers.get(waiting.popleft(), ()):
            if reader not in seen:
                seen.add(reader)
                reached.setdefault(reader[0], set()).add(reader[1])
                waiting.append(reader)
    reached.pop(name, None)
    return [_consumer(by_name, found, columns) for found, columns in sorted(reached.items())]


def _consumer(by_name: Mapping[TableName, Table], name: TableName, columns: set[str]) -> Consumer:
    table = by_name[name]
    ordered = tuple(column.name for column in table.columns if column.name in columns)
    return Consumer(name, table.group, table.owners, ordered)
