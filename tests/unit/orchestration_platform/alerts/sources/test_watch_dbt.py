"""What is reported about a step in which dbt failed."""

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.sources.runs.dbt_failures import dbt_problems
from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes

OWN_TEST = "tests/marts/events_form_a_chain.sql"
NODES = FailedNodes(
    nodes=(
        FailedNode(
            unique_id="model.workforce.stg_census",
            name="stg_census",
            resource_type="model",
            status="error",
            message="Catalog Error: no table; model.workforce.census: it is gone",
            path="models/staging/stg_census.sql",
        ),
        FailedNode(
            unique_id="test.workforce.events_form_a_chain",
            name="events_form_a_chain",
            resource_type="test",
            status="fail",
            message="Got 3 results, configured to fail if != 0",
            path=OWN_TEST,
            failing_rows=3,
        ),
        FailedNode(
            unique_id="test.workforce.not_null_census_id.0a1b2c",
            name="not_null_census_id",
            resource_type="test",
            status="fail",
            message="Got 1 result, configured to fail if != 0",
            path="models/staging/schema.yml",
            failing_rows=1,
        ),
        FailedNode(
            unique_id="unit_test.workforce.stg_census.adds_up",
            name="adds_up",
            resource_type="unit_test",
            status="fail",
            message="actual differs from expected: password=hunter22",
            path="models/staging/schema.yml",
        ),
        FailedNode(
            unique_id="test.workforce.bands_are_known",
            name="bands_are_known",
            resource_type="test",
            status="error",
            message="Runtime Error in test bands_are_known",
            path="tests/bands_are_known.sql",
        ),
    )
)


def problem(message: str, error_class: str = "DbtFailedError") -> Problem:
    return Problem("build", error_class, message, "assets.py:3 in build", "a trace")


def test_each_model_and_test_is_reported_with_its_own_message_path_and_rows() -> None:
    found = dbt_problems(problem("dbt build: in whatever words"), NODES.to_metadata())
    model, own_test, generic_test, unit_test, broken_test = found
    assert model.error_class == "dbt model stg_census"
    assert model.place == "models/staging/stg_census.sql"
    assert model.message.endswith("Catalog Error: no table; model.workforce.census: it is gone")
    assert model.trace == "a trace"
    assert own_test.error_class == "dbt test events_form_a_chain"
    assert own_test.message == "3 rows do not pass"
    assert own_test.place == OWN_TEST
    assert generic_test.error_class == "dbt test not_null_census_id"
    assert generic_test.message == "1 row does not pass"
    assert unit_test.error_class == "dbt unit test adds_up"
    assert unit_test.message == "actual differs from expected: password=[redacted]"
    assert broken_test.message == "Runtime Error in test bands_are_known"
    assert {one.step for one in found} == {"build"}
    assert {one.trace for one in found[1:]} == {""}


def test_problems_outside_models_and_tests_stay_as_they_are() -> None:
    assert dbt_problems(problem("no dbt", error_class="ValueError"), {}) == []
    nothing_built = FailedNodes(nodes=()).to_metadata()
    assert dbt_problems(problem("dbt build: the profile is not valid"), nothing_built) == []


def test_a_text_that_reads_like_a_list_of_nodes_is_not_taken_apart() -> None:
    text = "dbt build: model.workforce.a: bad; test.workforce.b: Got 3 results"
    assert dbt_problems(problem(text), {}) == []
