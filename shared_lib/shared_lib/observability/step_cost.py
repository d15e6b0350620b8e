"""What an asset costs: each materialization records the time and the CPU time of its step.

The body of every asset of a location is measured here, so that assets need no code for it. What an
asset records itself stays, as dbt's steps do for each model.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Iterator
from typing import Any

import dagster as dg

from shared_lib.stopwatch import Stopwatch

SECONDS, CPU_SECONDS = "seconds", "cpu_seconds"


def measured(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return the body of an asset as one that records what it has spent.

    A step that returns the results of several assets has spent an equal share on each. One that
    yields them has spent on each what it took since the one before. What comes after the last
    result, and the body of a coroutine, is not measured.
    """
    if inspect.isgeneratorfunction(body):

        @functools.wraps(body)
        def yielding(*arguments: Any, **named: Any) -> Iterator[Any]:
            yield from _each(body(*arguments, **named))

        return yielding
    if inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body):
        return body

    @functools.wraps(body)
    def returning(*arguments: Any, **named: Any) -> Any:
        stopwatch = Stopwatch()
        result = body(*arguments, **named)
        if inspect.isgenerator(result):
            return _each(result)
        context = dg.AssetExecutionContext.get()
        keys = context.selected_asset_keys
        _record(context, keys, stopwatch, _recorded(result))
        return result

    return returning


def _each(results: Iterator[Any]) -> Iterator[Any]:
    context, stopwatch = dg.AssetExecutionContext.get(), Stopwatch()
    for result in results:
        key = _key_of(context, result)
        if key is not None:
            _record(context, [key], stopwatch, _recorded(result))
            stopwatch = Stopwatch()
        yield result


def _key_of(context: dg.AssetExecutionContext, result: Any) -> dg.AssetKey | None:
    """Return the asset that a result is of; None for the result of a check, and the like."""
    if isinstance(result, dg.MaterializeResult):
        return result.asset_key or context.assets_def.key
    if isinstance(result, dg.Output):
        return context.assets_def.keys_by_output_name.get(result.output_name)
    return None


def _recorded(result: Any) -> Collection[str]:
    """Return the names of the entries that a result has of its own."""
    if isinstance(result, dg.MaterializeResult | dg.Output):
        return (result.metadata or {}).keys()
    return ()


def _record(
    context: dg.AssetExecutionContext,
    keys: Collection[dg.AssetKey],
    stopwatch: Stopwatch,
    recorded: Collection[str],
) -> None:
    spent = {CPU_SECONDS: round(stopwatch.cpu_seconds / max(1, len(keys)), 3)}
    if len(context.selected_asset_keys) == 1:
        # of a step that makes several, Dagster has no time of each either
        spent[SECONDS] = round(stopwatch.seconds, 3)
    for key in keys:
        metadata = {name: number for name, number in spent.items() if name not in recorded}
        if metadata:
            context.add_asset_metadata(metadata, asset_key=key)
