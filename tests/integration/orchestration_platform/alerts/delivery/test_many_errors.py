"""Many errors in one run: a message reports as many as fit."""

import re

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support.failing_jobs import fail

from sandboxes.slack.server import SlackServer
from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes
from shared_lib.dbt.invocation import DbtFailedError


@dg.op
def build(config: dict[str, int]) -> None:
    failed = FailedNodes(
        nodes=tuple(
            FailedNode(
                unique_id=f"model.shop.m_{number:02}",
                name=f"m_{number:02}",
                resource_type="model",
                status="error",
                message=f"Database Error in model m_{number:02} (models/marts/m_{number:02}.sql) "
                f"no column c_{number:02} {'in any of its sources ' * 20}",
                path=f"models/marts/m_{number:02}.sql",
            )
            for number in range(config["models"])
        )
    )
    raise DbtFailedError("dbt build", metadata=failed.to_metadata())


@dg.op
def build_of_an_old_release() -> None:
    raise DbtFailedError("dbt build: model.shop.m_00: no column; model.shop.m_01: no table")


@dg.job
def old_job() -> None:
    build_of_an_old_release()


def of_models(count: int, attempts: int = 1) -> dg.JobDefinition:
    policy = dg.RetryPolicy(max_retries=attempts - 1) if attempts > 1 else None

    @dg.job(name=f"dbt_job_{count}", config={"ops": {"build": {"config": {"models": count}}}})
    def dbt_job() -> None:
        build.with_retry_policy(policy)() if policy else build()

    return dbt_job


def descend(depth: int) -> None:
    if depth == 0:
        raise ValueError("the bottom")
    go_on(depth - 1)


def go_on(depth: int) -> None:
    # two take turns, because Python writes repeats of one frame as a number
    descend(depth)


@dg.op(config_schema=int)
def deep(context: dg.OpExecutionContext) -> None:
    descend(context.op_config)


def of_depth(depth: int) -> dg.JobDefinition:
    @dg.job(name=f"deep_job_{depth}", config={"ops": {"deep": {"config": depth}}})
    def deep_job() -> None:
        deep()

    return deep_job


@pytest.mark.parametrize("attempts", [1, 2])
def test_each_of_twelve_models_that_failed_is_reported_with_its_own_message(
    attempts: int, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance, of_models(12, attempts))
    watch()
    [head] = slack.heads
    for number in range(12):
        assert f"`models/marts/m_{number:02}.sql`" in head.shown
        assert re.search(
            rf"dbt model m_{number:02}: Database Error .* no column c_{number:02}", head.shown
        )
    assert " more " not in head.shown


def test_a_run_of_a_release_without_the_data_is_reported_with_the_text_of_its_error(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance, old_job)
    watch()
    [head] = slack.heads
    error = "DbtFailedError: dbt build: model.shop.m_00: no column; model.shop.m_01: no table"
    assert error in head.shown


def test_of_sixty_models_fifty_are_at_least_named_and_ten_counted(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance, of_models(60))
    watch()
    [head] = slack.heads
    assert all(f"dbt model m_{number:02}" in head.shown for number in range(50))
    assert "and 10 more models" in head.shown


def test_a_trace_of_forty_calls_is_whole_and_a_cut_one_shows_what_it_lacks(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance, of_depth(20))
    fail(instance, of_depth(60))
    watch()
    [whole], [long] = (slack.thread(head) for head in slack.heads)
    assert len(whole.blocks) > 1
    assert whole.shown.count("in descend") == 21
    assert "left out" not in whole.shown
    assert re.search(r"… \d+ lines left out, the run's log has them …", long.shown)
    assert long.shown.count("in descend") > 25
    assert all("ValueError: the bottom\n```" in entry.shown for entry in (whole, long))
