"""Views of any team, as the platform's project creates them."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from shared_lib.dbt.invocation import DbtFailedError, invoke_dbt
from shared_lib.dbt.project import PROJECT_DIRECTORY

PROJECT = f"""
name: shop
version: "1.0"
profile: workforce
model-paths: [models]
macro-paths: ["{PROJECT_DIRECTORY / "macros"}"]
"""
AS_TABLE = "{{ config(materialized='table') }} select 1 as pieces"
AS_VIEW = "{{ config(materialized='view') }} select 2 as pieces, 3.5 as price"
HOOKED = """
{{ config(
    materialized='view',
    pre_hook='create table if not exists log (step varchar)',
    post_hook="insert into log values ('after {{ this.identifier }}')"
) }}
select 4 as pieces
"""
CONTRACT = """
models:
  - name: orders
    config: {contract: {enforced: true}}
    columns:
      - {name: pieces, data_type: integer}
      - {name: price, data_type: varchar}
"""
Build = Callable[[str], None]


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


@pytest.fixture
def build(tmp_path: Path, warehouse: Path) -> Build:
    """Builds the project with this text as its model ``orders``."""
    models = tmp_path / "project/models"
    models.mkdir(parents=True)
    (tmp_path / "project/dbt_project.yml").write_text(PROJECT)
    profiles = (PROJECT_DIRECTORY / "profiles.yml").read_text()
    (tmp_path / "project/profiles.yml").write_text(profiles)
    events: list[object] = []

    def invoke(model: str) -> None:
        (models / "orders.sql").write_text(model)
        invoke_dbt(
            ["build"],
            warehouse=warehouse,
            target=tmp_path / "target",
            on_event=events.append,
            project_directory=tmp_path / "project",
        )

    return invoke


def relations(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(
            "select table_name, table_type from information_schema.tables order by 1"
        ).fetchall()


def rows(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute("from orders").fetchall()


def test_a_view_takes_the_place_of_a_table_and_of_a_view_with_other_columns(
    build: Build, warehouse: Path
) -> None:
    build(AS_TABLE)
    assert relations(warehouse) == [("orders", "BASE TABLE")]
    build(AS_VIEW)
    assert relations(warehouse) == [("orders", "VIEW")]
    assert [float(value) for value in rows(warehouse)[0]] == [2, 3.5]  # pyright: ignore[reportArgumentType]
    build(AS_VIEW.replace("price", "cost").replace("2 as", "5 as"))
    assert [float(value) for value in rows(warehouse)[0]] == [5, 3.5]  # pyright: ignore[reportArgumentType]
    build(AS_TABLE)
    assert relations(warehouse) == [("orders", "BASE TABLE")]


def test_a_view_that_cannot_be_created_leaves_the_table_before_it(
    build: Build, warehouse: Path
) -> None:
    build(AS_TABLE)
    with pytest.raises(DbtFailedError, match="no_such_table"):
        build(AS_VIEW + " from no_such_table")
    assert relations(warehouse) == [("orders", "BASE TABLE")]
    assert rows(warehouse) == [(1,)]


def test_a_view_that_breaks_its_contract_is_not_created(
    build: Build, warehouse: Path, tmp_path: Path
) -> None:
    build(AS_VIEW)
    (tmp_path / "project/models/orders.yml").write_text(CONTRACT)
    with pytest.raises(DbtFailedError, match="contract"):
        build(AS_VIEW.replace("2 as", "5 as"))
    assert rows(warehouse)[0][0] == 2


def test_hooks_run_before_and_after_a_view(build: Build, warehouse: Path) -> None:
    build(HOOKED)
    assert rows(warehouse) == [(4,)]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("from log").fetchall() == [("after orders",)]
