"""What is told of a step in which dbt failed."""

import json
from pathlib import Path

import pytest

from orchestration_platform.alerts.alert import Problem
from orchestration_platform.alerts.dbt_failures import dbt_problems
from shared_lib.dbt import project

SAID = (
    "dbt build: model.workforce.stg_census: Runtime Error in model stg_census "
    "(models/staging/stg_census.sql) Catalog Error: no table; it is gone; "
    "test.workforce.events_form_a_chain: Got 3 results, configured to fail if != 0; "
    "test.workforce.not_null_census_id.0a1b2c: Got 1 result, configured to fail if != 0"
)


def problem(message: str, error_class: str = "DbtFailedError") -> Problem:
    return Problem("build", error_class, message, "assets.py:3 in build", "a trace")


def test_each_model_and_test_is_told_with_its_own_message_path_and_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "tests/marts/events_form_a_chain.sql"
    nodes = {"test.workforce.events_form_a_chain": {"original_file_path": path}}
    (tmp_path / "simulation").mkdir()
    (tmp_path / "simulation" / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    monkeypatch.setattr(project, "TARGET_DIRECTORY", tmp_path)
    model, own_test, generic_test = dbt_problems(problem(SAID))
    assert model.error_class == "dbt model stg_census"
    assert model.place == "models/staging/stg_census.sql"
    assert model.message.endswith("Catalog Error: no table; it is gone")
    assert model.trace == "a trace"
    assert own_test.error_class == "dbt test events_form_a_chain"
    assert own_test.message == "3 rows do not pass"
    assert own_test.place == path
    assert generic_test.error_class == "dbt test not_null_census_id"
    assert generic_test.message == "1 row does not pass"
    assert {found.step for found in (model, own_test, generic_test)} == {"build"}


def test_what_is_not_of_a_model_or_test_is_left_as_it_is() -> None:
    assert dbt_problems(problem(SAID, error_class="ValueError")) == []
    assert dbt_problems(problem("dbt build: the profile is not valid")) == []
