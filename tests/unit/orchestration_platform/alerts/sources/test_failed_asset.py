"""An alert of a run of many assets links the one that failed."""

import pytest

from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.messages.links import links_of

ASSETS = ("census", "raw/orders", "fct_year_summary")


def problem(step: str, error_class: str = "ValueError", *, is_check: bool = False) -> Problem:
    return Problem(step, error_class, "no", "", "", is_check)


@pytest.mark.parametrize(
    ("problems", "asset"),
    [
        ([problem("raw__orders")], "raw/orders"),
        ([problem("simulation_models", "dbt model fct_year_summary")], "fct_year_summary"),
        ([problem("fct_year_summary: adds_up", "check", is_check=True)], "fct_year_summary"),
        ([problem("simulation_models", "dbt test adds_up"), problem("raw__orders")], "raw/orders"),
        ([problem("a_step_of_several_assets")], "census"),
        ([], "census"),
    ],
)
def test_the_asset_that_failed_is_linked(problems: list[Problem], asset: str) -> None:
    alert = Alert(
        event_type="JOB_FAILURE",
        severity=Severity.ERROR,
        kind="Job",
        subject="nightly",
        at=0.0,
        location="shop",
        run_id="1234",
        job_name="nightly",
        assets=ASSETS,
        problems=tuple(problems),
    )

    links = {link.label: link.url for link in links_of(alert, ui_url="http://ui")}

    assert links["Asset"] == f"http://ui/assets/{asset}"
