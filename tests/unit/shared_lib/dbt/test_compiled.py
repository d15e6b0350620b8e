"""What is replayed is what the run executed, and a run that lacks something is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shared_lib.dbt.compiled import CompiledSqlError, load_statements

SQL = {
    "seed.p.hues": 'create table "file"."seeds"."hues__dbt_tmp" (hue text)',
    "model.p.dyes": 'create view "file"."staging"."dyes__dbt_tmp" as from "file"."seeds"."hues"',
    "model.p.bank": 'create view "file"."marts"."bank" as select 1',
}
READS = {"model.p.dyes": ["seed.p.hues"]}
SCHEMAS = {"seed.p.hues": "seeds", "model.p.dyes": "staging", "model.p.bank": "marts"}


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Path]:
    """dbt's directory after a run of the given nodes of a project that has all three."""

    def write(*executed: str) -> Path:
        nodes = {}
        for unique_id, sql in SQL.items():
            kind, package, name = unique_id.split(".")
            path = Path(f"{kind}s/{name}.sql")
            nodes[unique_id] = {
                "resource_type": kind,
                "package_name": package,
                "name": name,
                "alias": name,
                "database": "file",
                "schema": SCHEMAS[unique_id],
                "original_file_path": str(path),
                "config": {"materialized": "view"},
                "depends_on": {"nodes": READS.get(unique_id, [])},
            }
            if unique_id in executed:
                file = tmp_path / "run" / package / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(sql)
        results = [{"unique_id": unique_id} for unique_id in executed]
        (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
        (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
        return tmp_path

    return write


def test_only_what_was_run_is_replayed_in_the_order_of_the_graph(
    run_of: Callable[..., Path],
) -> None:
    statements = load_statements(run_of("model.p.dyes", "seed.p.hues"))
    assert [statement.node for statement in statements] == ["schemas", "hues", "dyes"]
    assert statements[0].sql == 'create schema "seeds";\ncreate schema "staging"'
    assert statements[2].sql == 'create view "staging"."dyes" as from "seeds"."hues"'


def test_a_run_without_what_its_nodes_read_is_refused(run_of: Callable[..., Path]) -> None:
    with pytest.raises(
        CompiledSqlError, match=r"lacks seed\.p\.hues, which other models of the run"
    ):
        load_statements(run_of("model.p.dyes"))


def test_a_directory_in_which_nothing_was_run_is_refused(run_of: Callable[..., Path]) -> None:
    target = run_of("model.p.bank")
    (target / "run_results.json").unlink()
    with pytest.raises(CompiledSqlError, match=r"has no run_results\.json: run `dbt build`"):
        load_statements(target)
