"""One dbt invocation: what it ran on, and what it left."""

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
    """What one dbt invocation ran on, and what it left.

    Attributes:
        project_directory: has ``dbt_project.yml``.
        target_directory: what dbt compiled and logged.
        warehouse: the DuckDB file.
        manifest: the parsed project.
        target: the target of the profile.
        compiled_sql: the SQL of the nodes that were compiled, by unique id.
        columns: columns and their types of the tables and views in the warehouse, in order.
        rows: the rows of those tables and views that were counted.
        column_lineage: what each column of a model is computed from, by unique id; the SQL of
            models that are not in it is parsed for it.
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
    """The target that an invocation with these arguments has: its own or the environment's."""
    if "--target" in arguments:
        return arguments[arguments.index("--target") + 1]
    return current_settings().dbt_target


def relation_of(node: Mapping[str, Any]) -> Relation:
    """Schema and name in the warehouse of a node or source of a manifest."""
    return node["schema"], node.get("identifier") or node.get("alias") or node["name"]


def columns_in(connection: "duckdb.DuckDBPyConnection") -> dict[Relation, dict[str, str]]:
    """The columns of every table and view, with their types in small letters, in order."""
    found: dict[Relation, dict[str, str]] = {}
    for schema, table, column, data_type in connection.execute(
        "select schema_name, table_name, column_name, lower(data_type) "
        "from duckdb_columns() where not internal order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), {})[column] = data_type
    return found
