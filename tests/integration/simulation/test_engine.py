"""Another engine of dbt makes the same rows; compared where ``TEST_DBT_ENGINE`` names one."""

import os
from pathlib import Path

import duckdb
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.launching import run_to_its_end
from tests.integration.simulation.results import outcome

from shared_lib.dbt.engine import ENGINE_VARIABLE

# not the platform's own variable, with which every other test would run it too
_NAMED = os.environ.get("TEST_DBT_ENGINE")

pytestmark = pytest.mark.skipif(
    not _NAMED,
    reason="TEST_DBT_ENGINE names no dbt of another engine, such as that of dbt-core==2.0.0a4",
)


def test_both_engines_make_the_same_rows_views_and_timings(
    platform: Path, parsed_platform: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, str(_NAMED))

    ended = run_to_its_end("--generate", "1000", directory=parsed_platform)

    assert ended.status == 0, ended.progress
    warehouse = platform / "simulation.duckdb"
    assert outcome(warehouse) == outcome(finished.warehouse)
    with (
        duckdb.connect(str(warehouse), read_only=True) as one,
        duckdb.connect(str(finished.warehouse), read_only=True) as other,
    ):
        timed = "select distinct name from raw.pipeline_timings order by all"
        views = "select sql from duckdb_views() where not internal order by all"
        assert one.execute(timed).fetchall() == other.execute(timed).fetchall()
        assert len(one.execute(views).fetchall()) == len(other.execute(views).fetchall())
        # a view with the name of the file would find nothing in a copy
        assert not [sql for (sql,) in one.execute(views).fetchall() if "simulation." in sql]
