"""The SQL that a dbt run executed, to be replayed directly on a DuckDB connection.

A benchmark uses it to measure the cost of the SQL without dbt, and a property test runs it on
many configurations: reading the statements (about 10 ms) is separate from executing them.

What dbt-duckdb writes under `target/`, and how it is used:

- `run/` has the `create` statement of every table and view, with a `__dbt_tmp` name that dbt
  then swaps in, and for a seed its table and the COPY from the project's CSV file. The
  statements are used unchanged except for names: the final name, without the database's name,
  so that they run on a database of any name.
- A microbatch model has one file for each batch. The first batch of a fresh warehouse is a
  `create table`. For later batches `run/` has only the strategy (delete and insert, from a
  temporary view). The query of that view is in `compiled/`; the statement that creates it, from
  our macro `duckdb__create_table_as`, is not written anywhere. This module combines them as
  dbt-duckdb's incremental materialisation does: the view, then the strategy in a transaction.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH_FILE = re.compile(r"_(\d{4})\.sql$")
_BATCH_RELATION = re.compile(r'"(\w+__dbt_tmp_\d+)"')


class CompiledSqlError(Exception):
    """A dbt target directory does not hold the SQL of a complete run on a fresh warehouse."""


@dataclass(frozen=True)
class Statement:
    """One or more SQL statements that build a node of the dbt project.

    Attributes:
        node: Name of the model or seed.
        sql: The SQL to execute, in a database that has the schemas and the node's inputs.
        year: Calendar year of the batch, for a microbatch model.
    """

    node: str
    sql: str
    year: int | None = None


def load_statements(
    target_dir: Path, years: Collection[int] | None = None
) -> tuple[Statement, ...]:
    """Read the statements of the latest dbt run in `target_dir`, in the order of the DAG.

    Args:
        target_dir: dbt's target directory after a run on a fresh warehouse file.
        years: Years that every microbatch model must have; by default all years found.

    Returns:
        The schemas, the seeds and the models, each after its inputs, and the batches of a
        microbatch model in order of year.

    Raises:
        CompiledSqlError: The directory has no manifest or no results, lacks the SQL of a node, a
            year or an input of a node, or was written by a run on a warehouse that already
            held the microbatch model.
    """
    manifest = _artifact(target_dir, "manifest.json")
    results = _artifact(target_dir, "run_results.json")["results"]
    executed = {entry["unique_id"] for entry in results}
    tables: dict[str, dict[str, Any]] = {
        key: node
        for key, node in sorted(manifest["nodes"].items())
        if node["resource_type"] in ("seed", "model")
        and node["config"]["materialized"] != "ephemeral"
    }
    nodes = {key: node for key, node in tables.items() if key in executed}
    reads = {key: sorted(set(node["depends_on"].get("nodes", ()))) for key, node in nodes.items()}
    absent = sorted({up for ups in reads.values() for up in ups} & set(tables) - set(nodes))
    if absent:
        raise CompiledSqlError(
            f"{target_dir} lacks {', '.join(absent)}, which other models of the run read: run `dbt "
            "build` for all that a location has first"
        )
    order = [key for key in TopologicalSorter(reads).static_order() if key in nodes]
    schemas = sorted({node["schema"] for node in nodes.values()})
    statements = [Statement("schemas", ";\n".join(f'create schema "{s}"' for s in schemas))]
    for key in order:
        statements.extend(_statements_of(nodes[key], target_dir, years))
    return tuple(statements)


def execute(connection: "DuckDBPyConnection", statements: Iterable[Statement]) -> None:
    """Execute the statements one by one.

    Args:
        connection: A database that holds the raw tables and none of the project's schemas.
        statements: From `load_statements`.
    """
    from shared_lib.warehouse.connection import disable_faulty_optimizer

    disable_faulty_optimizer(connection)
    for statement in statements:
        connection.execute(statement.sql)


def _statements_of(
    node: dict[str, Any], target_dir: Path, years: Collection[int] | None
) -> Iterator[Statement]:
    path = Path(node["package_name"]) / node["original_file_path"]
    if node["config"].get("incremental_strategy") == "microbatch":
        yield from _batches(node, target_dir, path.with_suffix(""), years)
        return
    sql = _portable(_read(target_dir / "run" / path), node)
    yield Statement(node["name"], sql.replace(f'"{node["alias"]}__dbt_tmp"', f'"{node["alias"]}"'))


def _batches(
    node: dict[str, Any], target_dir: Path, folder: Path, years: Collection[int] | None
) -> Iterator[Statement]:
    found = {
        int(match[1]): file.name
        for file in sorted((target_dir / "run" / folder).glob("*.sql"))
        if (match := _BATCH_FILE.search(file.name))
    }
    wanted = sorted(found if years is None else years)
    if not wanted or not set(wanted) <= set(found):
        raise CompiledSqlError(
            f"{target_dir / 'run' / folder} has the years {sorted(found)} of {node['name']}, "
            f"but needs {wanted or 'some'}:  run dbt for them on a fresh warehouse file"
        )
    for year in wanted:
        executed = _portable(_read(target_dir / "run" / folder / found[year]), node)
        temporary = _BATCH_RELATION.search(executed)
        if (temporary is None) != (year == wanted[0]):
            raise CompiledSqlError(
                f"{target_dir / 'run' / folder / found[year]}: only the first year, {wanted[0]}, "
                f"creates {node['name']}: run dbt for {wanted[0]} to {wanted[-1]} on a fresh "
                "warehouse file"
            )
        if temporary:
            query = _portable(_read(target_dir / "compiled" / folder / found[year]), node)
            executed = (
                f"create temporary view {temporary[0]} as (\n{query}\n);\n"
                f"begin;\n{executed}\ncommit;\n"
                # dbt closes the connection after a batch, and the view goes with it
                f"drop view {temporary[0]};"
            )
        yield Statement(node["name"], executed, year)


def _portable(sql: str, node: dict[str, Any]) -> str:
    return sql.replace(f'"{node["database"]}".', "")


def _artifact(target_dir: Path, name: str) -> dict[str, Any]:
    path = target_dir / name
    if not path.is_file():
        raise CompiledSqlError(f"{target_dir} has no {name}: run `dbt build` into it first")
    return json.loads(path.read_text(encoding="utf-8"))


def _read(path: Path) -> str:
    if not path.is_file():
        raise CompiledSqlError(f"{path} is missing: run `dbt build` into its target first")
    return path.read_text(encoding="utf-8")
