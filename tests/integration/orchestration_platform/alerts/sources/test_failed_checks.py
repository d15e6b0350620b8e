"""Checks that did not pass in a run that failed."""

import dagster as dg
from tests.integration.orchestration_platform.alerts.conftest import Watch

from sandboxes.slack.server import SlackServer


@dg.asset
def census() -> None: ...


@dg.asset_check(asset=census)
def has_rows() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="it has no rows", metadata={"rows": 0})


@dg.asset_check(asset=census)
def has_columns() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset(deps=[census])
def payroll() -> None:
    raise ValueError("nobody to pay")


@dg.asset
def bands() -> None: ...


def test_checks_that_failed_in_a_failed_run_are_named_below_what_made_it_fail(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    defs = dg.Definitions(assets=[census, payroll, bands], asset_checks=[has_rows, has_columns])
    job = defs.resolve_implicit_global_asset_job_def()
    assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    watch()
    [head] = slack.heads
    shown = head.shown
    assert shown.index("ValueError: nobody to pay") < shown.index("*census: has_rows*")
    assert "check error: it has no rows\nrows: 0" in shown
    assert "has_columns" not in shown
