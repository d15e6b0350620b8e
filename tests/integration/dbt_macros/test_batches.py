"""Models in batches of any team, with the macros of the platform's project."""

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
ORDERS = """
{{ config(event_time='day') }}
select day, pieces
from (values (date '2024-05-01', 2), (date '2025-06-01', 4)) as orders (day, pieces)
"""
BY_YEAR = """
{{ config(
    materialized='incremental', incremental_strategy='microbatch', event_time='day',
    batch_size='year', begin='2024-01-01', META
) }}
select day, pieces, get_current_timestamp() as written_at from {{ ref('orders') }}
"""
Build = Callable[[str, str], None]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds the project for the years from one to another."""
    models = tmp_path / "project/models"
    models.mkdir(parents=True)
    (tmp_path / "project/dbt_project.yml").write_text(PROJECT)
    profiles = (PROJECT_DIRECTORY / "profiles.yml").read_text()
    (tmp_path / "project/profiles.yml").write_text(profiles)
    (models / "orders.sql").write_text(ORDERS)
    (models / "by_year.sql").write_text(BY_YEAR.replace("META", ""))

    events: list[object] = []

    def invoke(first: str, end: str) -> None:
        times = ["--event-time-start", f"{first}-01-01", "--event-time-end", f"{end}-01-01"]
        invoke_dbt(
            ["build", *times],
            warehouse=tmp_path / "shop.duckdb",
            target=tmp_path / "target",
            on_event=events.append,
            project_directory=tmp_path / "project",
        )

    return invoke


def test_a_model_in_batches_replaces_its_period_and_keeps_others(
    build: Build, tmp_path: Path
) -> None:
    def rows() -> list[tuple[object, ...]]:
        with duckdb.connect(str(tmp_path / "shop.duckdb"), read_only=True) as connection:
            return connection.execute("from main.by_year order by day").fetchall()

    build("2024", "2026")
    before = rows()
    build("2025", "2026")
    after = rows()
    assert [row[1] for row in after] == [2, 4]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_an_unknown_strategy_is_refused(build: Build, tmp_path: Path) -> None:
    model = tmp_path / "project/models/by_year.sql"
    model.write_text(BY_YEAR.replace("META", "meta={'batch_strategy': 'by_year'}"))
    with pytest.raises(DbtFailedError, match="by_year is not allowed, allowed is scenario_years"):
        build("2024", "2025")
