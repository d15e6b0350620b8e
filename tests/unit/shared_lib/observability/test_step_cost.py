"""Every asset records the time and CPU time of its step, without code of its own."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from shared_lib.discovery.measured_steps import with_measured_steps

CPU_SECONDS = 0.1


def work() -> None:
    until = time.thread_time() + CPU_SECONDS
    while time.thread_time() < until:
        pass


class Request(dg.Config):
    size: int = 7


@dg.asset
def plain() -> None:
    work()


@dg.asset(deps=[plain])
def configured(
    context: dg.AssetExecutionContext, config: Request, shelf: dg.ResourceParam[str]
) -> dg.MaterializeResult:
    work()
    context.add_output_metadata({"noted": 1})
    return dg.MaterializeResult(metadata={"size": config.size, "shelf": shelf})


@dg.asset
def with_value() -> list[int]:
    return [1, 2]


@dg.asset
def own() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"cpu_seconds": 75.5})


@dg.multi_asset(specs=[dg.AssetSpec("left"), dg.AssetSpec("right")])
def returned() -> tuple[dg.MaterializeResult, dg.MaterializeResult]:
    work()
    return dg.MaterializeResult("left"), dg.MaterializeResult("right")


@dg.multi_asset(
    specs=[dg.AssetSpec("cheap"), dg.AssetSpec("dear")],
    check_specs=[dg.AssetCheckSpec("is_dear", asset="dear")],
)
def yielded() -> Iterator[Any]:
    yield dg.MaterializeResult("cheap")
    work()
    yield dg.AssetCheckResult(passed=True, check_name="is_dear", asset_key="dear")
    yield dg.MaterializeResult("dear")


@dg.asset
async def awaited() -> dg.MaterializeResult:
    await asyncio.sleep(0)
    work()
    return dg.MaterializeResult(metadata={"noted": 1})


@dg.multi_asset(specs=[dg.AssetSpec("first"), dg.AssetSpec("second")])
async def streamed():
    yield dg.MaterializeResult("first")
    work()
    yield dg.MaterializeResult("second")


@dg.asset
def broken() -> None:
    raise ValueError("no file")


@dg.op
def does_nothing() -> None: ...


@dg.graph_asset
def of_a_graph() -> None:
    return does_nothing()


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    assets = with_measured_steps(
        [
            *(plain, configured, with_value, own, returned, yielded),
            *(awaited, streamed, broken, of_a_graph),
        ]
    )
    result = dg.materialize(
        assets, resources={"shelf": "north", "io_manager": dg.mem_io_manager}, raise_on_error=False
    )
    assert [event.step_key for event in result.get_step_failure_events()] == ["broken"]
    failure = result.failure_data_for_node("broken")
    assert failure is not None
    assert failure.error is not None
    assert failure.error.cause is not None
    assert failure.error.cause.message == "ValueError: no file\n"
    return {
        key.to_user_string(): {name: one.value for name, one in metadata.items()}
        for event in result.get_asset_materialization_events()
        if (key := event.asset_key)
        and (metadata := event.step_materialization_data.materialization.metadata) is not None
    }


def test_an_asset_has_the_time_and_cpu_time_of_its_step(made: dict[str, dict[str, Any]]) -> None:
    for name in ("plain", "configured"):
        assert made[name]["cpu_seconds"] >= 0.9 * CPU_SECONDS
        assert made[name]["seconds"] >= 0.9 * CPU_SECONDS
    assert {"size": 7, "shelf": "north", "noted": 1}.items() <= made["configured"].items()
    assert made["with_value"].keys() == {"cpu_seconds", "seconds"}


def test_what_an_asset_records_itself_stays(made: dict[str, dict[str, Any]]) -> None:
    assert made["own"]["cpu_seconds"] == 75.5


def test_the_assets_of_a_step_share_what_it_has_spent(made: dict[str, dict[str, Any]]) -> None:
    assert made["left"] == made["right"]
    assert made["left"]["cpu_seconds"] >= 0.45 * CPU_SECONDS
    assert "seconds" not in made["left"]


def test_of_results_that_are_yielded_each_has_what_it_took(made: dict[str, dict[str, Any]]) -> None:
    assert made["cheap"]["cpu_seconds"] < 0.5 * CPU_SECONDS
    assert made["dear"]["cpu_seconds"] >= 0.9 * CPU_SECONDS


def test_a_coroutine_is_measured_too(made: dict[str, dict[str, Any]]) -> None:
    assert made["awaited"]["cpu_seconds"] >= 0.9 * CPU_SECONDS
    assert made["awaited"].keys() == {"noted", "cpu_seconds", "seconds"}
    assert made["first"]["cpu_seconds"] < 0.5 * CPU_SECONDS
    assert made["second"]["cpu_seconds"] >= 0.9 * CPU_SECONDS


def test_a_graph_is_as_it_was(made: dict[str, dict[str, Any]]) -> None:
    assert "cpu_seconds" not in made["of_a_graph"]
