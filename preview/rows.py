"""How the rows and columns of one relation differ between two warehouses, found in SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

SAMPLES = 5
# sums in binary floating point differ in their last digits with the order of the rows
_ROUNDING = 1e-12
_LONGEST_KEY = 6
_FLOATS = frozenset({"DOUBLE", "FLOAT"})


@dataclass(frozen=True)
class Sample:
    """One row that differs: by column, its value or the values before and after."""

    what: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a relation differs.

    Attributes:
        base_rows: the number of rows before; None if it did not exist.
        new_rows: the number of rows after; None if it does not exist any more.
        added: the columns that came, with their types.
        removed: those that went.
        retyped: those with another type, with both.
        key: what rows were matched by; empty: whole rows were counted.
        only_base: rows that only the base has.
        only_new: rows that only the working tree has.
        changed: matched rows with another value.
        changed_values: by column, the number of matched rows with another value.
        samples: some of these rows; empty if they may not be shown.
    """

    base_rows: int | None
    new_rows: int | None
    added: Mapping[str, str]
    removed: Mapping[str, str]
    retyped: Mapping[str, tuple[str, str]]
    key: Sequence[str]
    only_base: int
    only_new: int
    changed: int
    changed_values: Mapping[str, int]
    samples: Sequence[Sample]

    @property
    def is_none(self) -> bool:
        """Whether both are equal."""
        rows = self.only_base or self.only_new or self.changed
        return self.has_both and not (rows or self.added or self.removed or self.retyped)

    @property
    def has_both(self) -> bool:
        """Whether both trees have the relation."""
        return self.base_rows is not None and self.new_rows is not None


def compare_relation(
    connection: duckdb.DuckDBPyConnection,
    base: str | None,
    new: str | None,
    *,
    keys: Sequence[Sequence[str]] = (),
    with_samples: bool,
) -> Difference:
    """Compare two relations, each of which is read once.

    Args:
        connection: has both warehouses attached.
        base: the relation of the base, or None without one.
        new: that of the working tree.
        keys: sets of columns that identify a row, the best first; one that does not in both
            relations is passed over. Where none does, the first columns are tried: a model has
            what a row is about before what it measures.
        with_samples: whether to show rows.
    """
    before, after = _take(connection, "before", base), _take(connection, "after", new)
    common = [name for name in after if name in before]
    retyped = {name: (before[name], after[name]) for name in common if before[name] != after[name]}
    counts = [_count(connection, side) for side in ("before", "after")]
    candidates = [*keys, *_leading(before, after)]
    key = next((key for key in candidates if _identifies(connection, key, common)), ())
    if base is None or new is None or not common:
        only_base, only_new, changed, by_column = counts[0], counts[1], 0, {}
        samples: list[Sample] = []
    elif key:
        different = {name: _differs(name, retyped, after) for name in common if name not in key}
        only_base, only_new, changed, by_column = _by_key(connection, key, different)
        samples = _samples_by_key(connection, key, different) if with_samples else []
    else:
        names = ", ".join(_compared(name, retyped) for name in common)
        only_base = _count(connection, f"({_minus('before', 'after', names)})")
        only_new = _count(connection, f"({_minus('after', 'before', names)})")
        changed, by_column = 0, {}
        samples = _samples_of_whole_rows(connection, names) if with_samples else []
    return Difference(
        base_rows=None if base is None else counts[0],
        new_rows=None if new is None else counts[1],
        added={name: kind for name, kind in after.items() if name not in before},
        removed={name: kind for name, kind in before.items() if name not in after},
        retyped=retyped,
        key=tuple(key),
        only_base=only_base,
        only_new=only_new,
        changed=changed,
        changed_values={name: count for name, count in by_column.items() if count},
        samples=samples,
    )


def _take(connection: duckdb.DuckDBPyConnection, side: str, relation: str | None) -> dict[str, str]:
    """Copy a relation, so that a view is computed once, and return its columns and types."""
    query = "select null as nothing where false" if relation is None else f"from {relation}"
    connection.execute(f"create or replace temp table {side} as {query}")
    described = connection.execute(f"describe {side}").fetchall()
    return {} if relation is None else {name: kind for name, kind, *_ in described}


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    [(count,)] = connection.execute(f"select count(*) from {relation}").fetchall()  # noqa: S608 - our own
    return count


def _leading(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """Yield the first column, the first two and so on, up to one that is a measure or new."""
    found: list[str] = []
    for name, kind in list(after.items())[:_LONGEST_KEY]:
        if before.get(name) != kind or kind in _FLOATS or kind.startswith("DECIMAL"):
            return
        found.append(name)
        yield list(found)


def _identifies(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], common: Sequence[str]
) -> bool:
    if not key or not set(key) <= set(common):
        return False
    names = ", ".join(map(_quoted, key))
    twice = "select 1 from {side} group by {names} having count(*) > 1 limit 1"
    return not any(
        connection.execute(twice.format(side=side, names=names)).fetchall()
        for side in ("before", "after")
    )


def _differs(name: str, retyped: Mapping[str, Any], types: Mapping[str, str]) -> str:
    if name in retyped:
        old, new = f"b.{_quoted(name)}::varchar", f"a.{_quoted(name)}::varchar"
        return f"{old} is distinct from {new}"
    old, new = f"b.{_quoted(name)}", f"a.{_quoted(name)}"
    if types[name] not in _FLOATS:
        return f"{old} is distinct from {new}"
    return (
        f"({old} is distinct from {new} and not coalesce("
        f"abs({old} - {new}) <= {_ROUNDING} * greatest(abs({old}), abs({new})), false))"
    )


def _joined(key: Sequence[str]) -> str:
    on = " and ".join(f"b.{_quoted(name)} is not distinct from a.{_quoted(name)}" for name in key)
    return (
        "from (select *, true as is_there from before) as b "  # noqa: S608 - names of columns, quoted
        f"full join (select *, true as is_there from after) as a on {on}"
    )


def _by_key(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], different: Mapping[str, str]
) -> tuple[int, int, int, dict[str, int]]:
    both = "b.is_there and a.is_there"
    anything = " or ".join(different.values()) or "false"
    filters = [
        "a.is_there is null",
        "b.is_there is null",
        f"{both} and ({anything})",
        *(f"{both} and {condition}" for condition in different.values()),
    ]
    counted = ", ".join(f"count(*) filter ({condition})" for condition in filters)
    [row] = connection.execute(f"select {counted} {_joined(key)}").fetchall()
    only_base, only_new, changed, *by_column = row
    return only_base, only_new, changed, dict(zip(different, by_column, strict=True))


def _samples_by_key(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], different: Mapping[str, str]
) -> list[Sample]:
    keys = ", ".join(f"coalesce(a.{_quoted(n)}, b.{_quoted(n)})::varchar" for n in key)
    # of each value: before, after, and whether they differ
    values = ", ".join(
        f"b.{_quoted(name)}::varchar, a.{_quoted(name)}::varchar, {condition}"
        for name, condition in different.items()
    )
    found: list[Sample] = []
    anything = " or ".join(different.values()) or "false"
    for what, condition in (
        ("changed", f"b.is_there and a.is_there and ({anything})"),
        ("only in the working tree", "b.is_there is null"),
        ("only in the base", "a.is_there is null"),
    ):
        rows = connection.execute(
            f"select {keys}{', ' + values if values else ''} {_joined(key)} where {condition} "
            f"order by all limit {SAMPLES}"
        ).fetchall()
        found += [_sample(what, key, list(different), row) for row in rows]
    return found


def _sample(what: str, key: Sequence[str], columns: Sequence[str], row: Sequence[Any]) -> Sample:
    values = {name: _shown(value) for name, value in zip(key, row, strict=False)}
    for index, name in enumerate(columns):
        before, after, is_changed = row[len(key) + 3 * index : len(key) + 3 * index + 3]
        if what == "changed" and is_changed:
            values[name] = f"{_shown(before)} → {_shown(after)}"
        elif what != "changed":
            values[name] = _shown(after if what.endswith("tree") else before)
    return Sample(what, values)


def _samples_of_whole_rows(connection: duckdb.DuckDBPyConnection, names: str) -> list[Sample]:
    found: list[Sample] = []
    for what, query in (
        ("only in the working tree", _minus("after", "before", names)),
        ("only in the base", _minus("before", "after", names)),
    ):
        result = connection.execute(f"from ({query}) order by all limit {SAMPLES}")
        columns = [column[0] for column in result.description or []]
        found += [
            Sample(what, dict(zip(columns, map(_shown, row), strict=True)))
            for row in result.fetchall()
        ]
    return found


def _minus(one: str, other: str, names: str) -> str:
    return f"select {names} from {one} except all select {names} from {other}"  # noqa: S608 - quoted names


def _compared(name: str, retyped: Mapping[str, Any]) -> str:
    quoted = _quoted(name)
    return f"{quoted}::varchar as {quoted}" if name in retyped else quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
