"""Metadata of the table that an asset wrote: rows, columns and their origins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb

# Metadata of an asset without a freshness policy: the reason why it has none.
NO_FRESHNESS_POLICY = "no_freshness_policy"

# Rows of a preview.
_PREVIEWED = 10

# The schema and the name of a table or view.
Relation = tuple[str, str]

# The beginning of the name of an entry that the platform's board shows.
BOARD = "board/"

# Metadata with the size of Dagster's storage; with a slash and a name behind it, of a warehouse.
# The platform's board shows both by day.
STORAGE_BYTES = "storage_bytes"


def table_metadata(
    connection: duckdb.DuckDBPyConnection,
    relations: Iterable[Relation],
    *,
    descriptions: Mapping[Relation, Mapping[str, str]] | None = None,
    counted: Mapping[str, str] | None = None,
    previewed: Collection[Relation] = (),
) -> dict[Relation, dict[str, Any]]:
    """Return row count and column schema of tables and views, as Dagster metadata.

    Args:
        connection: an open warehouse.
        relations: the tables and views; the result omits those that do not exist.
        descriptions: the meaning of the columns, for relations where it is known.
        counted: columns with the value that a row must have to be counted; a relation without
            one of the columns is counted whole.
        previewed: the relations of which the entry ``preview`` is wanted; see :func:`preview`.

    Returns:
        For each relation the entries ``dagster/table_name``, ``dagster/row_count`` and
        ``dagster/column_schema``.
    """
    wanted = set(relations)
    columns: dict[Relation, list[dg.TableColumn]] = {}
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable "
        "from duckdb_columns() where not internal and database_name = current_database() "
        "order by schema_name, table_name, column_index"
    ).fetchall()
    for schema, table, name, data_type, is_nullable in rows:
        if (schema, table) in wanted:
            known = (descriptions or {}).get((schema, table), {})
            columns.setdefault((schema, table), []).append(
                dg.TableColumn(
                    name=name,
                    type=data_type.lower(),
                    description=known.get(name),
                    constraints=dg.TableColumnConstraints(nullable=is_nullable),
                )
            )
    return {
        relation: {
            "dagster/table_name": f"{relation[0]}.{relation[1]}",
            **(
                preview(connection, relation, where=_known(counted, found))
                if relation in previewed
                else {
                    "dagster/row_count": row_count(
                        connection, relation, where=_known(counted, found)
                    )
                }
            ),
            "dagster/column_schema": dg.TableSchema(columns=found),
        }
        for relation, found in columns.items()
    }


def _known(counted: Mapping[str, str] | None, columns: Iterable[dg.TableColumn]) -> dict[str, str]:
    names = {column.name for column in columns}
    return {name: value for name, value in (counted or {}).items() if name in names}


def relation_metadata(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    *,
    counted: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return :func:`table_metadata` of one table or view.

    Raises:
        KeyError: the relation does not exist.
    """
    return table_metadata(connection, [(schema, table)], counted=counted)[schema, table]


def row_count(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    *,
    where: Mapping[str, str] | None = None,
) -> int:
    """Return the number of rows of a table or view whose columns have the values of ``where``."""
    # names cannot be parameters; they are quoted
    conditions = " and ".join(f"{_quoted(name)} = ?" for name in where or {}) or "true"
    query = f"select count(*) from {qualified(connection, relation)} where {conditions}"  # noqa: S608 - quoted
    (count,) = connection.execute(query, list((where or {}).values())).fetchone() or (0,)
    return count


def preview(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    *,
    where: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the entry ``preview`` with the first rows of a table or view, and its row count.

    Both by one query, because a view computes all its rows for either. Everybody who sees the
    platform sees the rows, and the event log keeps them: only for what has no row about one person
    or account.

    Args:
        connection: an open warehouse.
        relation: the table or view.
        where: columns with the value that a row must have.
    """
    conditions = " and ".join(f"{_quoted(column)} = ?" for column in where or {}) or "true"
    query = (
        f"select *, count(*) over () from {qualified(connection, relation)} where {conditions} "  # noqa: S608 - quoted
        f"order by all limit {_PREVIEWED}"
    )
    cursor = connection.execute(query, list((where or {}).values()))
    *columns, _ = (column[0] for column in cursor.description or [])
    rows = cursor.fetchall()
    records = [
        dg.TableRecord(dict(zip(columns, map(_shown, row[:-1]), strict=True))) for row in rows
    ]
    schema = dg.TableSchema(columns=[dg.TableColumn(column) for column in columns])
    return {
        "dagster/row_count": rows[0][-1] if rows else 0,
        "preview": dg.MetadataValue.table(records, schema=schema),
    }


def _shown(value: Any) -> str | float | None:
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def qualified(connection: duckdb.DuckDBPyConnection, relation: Relation) -> str:
    """Return the quoted name of a table or view, with its database.

    Without it DuckDB cannot tell a schema from a database of the same name.
    """
    (database,) = connection.execute("select current_database()").fetchone() or ("memory",)
    return ".".join(map(_quoted, (database, *relation)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def board_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]
) -> dict[str, dg.TableMetadataValue]:
    """Return a metadata entry that the platform's board shows as a table, and serves as metrics.

    Args:
        title: above the table.
        columns: the names of the columns; the first names a row and differs in each.
        rows: a value for each column; None is shown as unknown.
    """
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return {f"{BOARD}{title}": dg.MetadataValue.table(records, schema=schema)}


def column_lineage(origins: Mapping[str, Iterable[tuple[dg.AssetKey, str]]]) -> dict[str, Any]:
    """Return the entry ``dagster/column_lineage`` for columns and their upstream columns."""
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            deps_by_column={
                column: [
                    dg.TableColumnDep(asset_key=key, column_name=name) for key, name in upstream
                ]
                for column, upstream in origins.items()
            }
        )
    }
