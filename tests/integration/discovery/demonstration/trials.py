"""Assets and functions for files that try one key at a time."""

import asyncio
import os
from functools import partial
from pathlib import Path

import dagster as dg


class Greeting(dg.Config):
    words: str = "none"


@dg.asset
def plain() -> None: ...


@dg.asset(deps=[plain])
def after(context: dg.AssetExecutionContext, config: Greeting) -> dg.MaterializeResult:
    """Says what it was configured with and who made it."""
    return dg.MaterializeResult(metadata={"words": config.words, "process": os.getpid()})


@dg.asset
def failing() -> None:
    raise RuntimeError("always")


ready = dg.AutomationCondition.newly_missing()


def note(context: dg.OpExecutionContext, path: str, lines: list[str]) -> None:
    """Write lines, and which run and process did so."""
    Path(path).write_text("\n".join([*lines, context.run_id, str(os.getpid())]))


def watch(context: dg.SensorEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"custom-{context.cursor}")


def stand_in(context: dg.AssetExecutionContext):
    """In place of dbt: every model of the step at once."""
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(key, metadata={"by": "stand-in"})


def _noted(path: str) -> None:
    Path(path).write_text("noted")


async def note_later(path: str) -> None:
    await asyncio.sleep(0)
    _noted(path)


def note_by_and_by(path: str):
    yield "first"
    _noted(path)


async def note_later_by_and_by(path: str):
    yield "first"
    await asyncio.sleep(0)
    _noted(path)


wrapped = partial(note_later)


def numbers() -> list[int]:
    """What keys of partitions are not."""
    return [1, 2]
