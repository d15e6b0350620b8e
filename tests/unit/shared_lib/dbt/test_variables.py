"""The variables of a location and those of a run are one option of dbt."""

from pathlib import Path

from shared_lib.dbt.variables import (
    VARIABLES_TAG,
    declared_variables,
    variable_arguments,
    with_step_variables,
)

TAGS = {VARIABLES_TAG: '{"least": 2}'}


def test_the_variables_of_a_run_are_added_to_those_of_the_location() -> None:
    of_run = ["--full-refresh", "--vars", '{"partition_keys": ["a"]}', "--fail-fast"]
    assert with_step_variables(of_run, TAGS) == [
        *("--full-refresh", "--fail-fast"),
        *("--vars", '{"least": 2, "partition_keys": ["a"]}'),
    ]
    assert with_step_variables(of_run, {}) == of_run


def test_a_step_without_variables_has_no_option() -> None:
    assert with_step_variables(["--full-refresh"], {}) == ["--full-refresh"]
    assert variable_arguments({}) == []


def test_variables_are_declared_for_all_packages_or_for_the_project(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project.yml"
    project.write_text("name: shop\nvars: {least: 1, shop: {most: 3}, audit: {level: 2}}\n")
    assert declared_variables(tmp_path) == ["least", "most"]
    project.write_text("name: shop\n")
    assert declared_variables(tmp_path) == []
