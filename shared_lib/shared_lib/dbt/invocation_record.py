"""One dbt invocation: its inputs and its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared_lib.configuration.environment import current_settings
from shared_lib.dbt.lineage import ColumnLineage
from shared_lib.metadata import Relation

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class DbtInvocation:
    """The inputs and results of one dbt invocation.

    Attributes:
        project_directory: contains ``dbt_project.yml``.
        target_directory: contains what dbt compiled and logged.
        warehouse: the DuckDB file.
        manifest: the parsed project.
        target: the target of the profile.
        compiled_sql: the SQL of the nodes that were compiled, by unique id.
        columns: columns and their types of the tables and views in the warehouse, in order.
        rows: the row counts of those tables and views, where counted.
        column_lineage: what each column of a model is computed from, by unique id; the lineage of
            models not in it is parsed from their SQL.
    """

    project_directory: Path
    target_directory: Path
    warehouse: Path
    manifest: Mapping[str, Any]
    target: str
    compiled_sql: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[Relation, Mapping[str, str]] = field(default_factory=dict)
    rows: Mapping[Relation, int] = field(default_factory=dict)
    column_lineage: ColumnLineage = field(default_factory=dict)


def target_of(arguments: Sequence[str]) -> str:
    """Return the target of an invocation: from its arguments, else the environment's."""
    if "--target" in arguments:
        return arguments[arguments.index("--target") + 1]
    return current_settings().dbt_target


def relation_of(node: Mapping[str, Any]) -> Relation:
    """Return the warehouse schema and name of a node or source of a manifest."""
    return node["schema"], node.get("identifier") or node.get("alias") or node["name"]


def columns_in(connection: "duckdb.DuckDBPyConnection") -> dict[Relation, dict[str, str]]:
    """Return the columns of every table and view, in order, with types in lower case."""
    found: dict[Relation, dict[str, str]] = {}
    for schema, table, column, data_type in connection.execute(
        "select schema_name, table_name, column_name, lower(data_type) "
        "from duckdb_columns() where not internal and database_name = current_database() "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), {})[column] = data_type
    return found
