"""What an asset costs: each materialization records the time and the CPU time of its step.

The body of every asset of a location is measured here, so that assets need no code for it. What an
asset records itself stays, as dbt's steps do for each model.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Any

import dagster as dg

from shared_lib.stopwatch import Stopwatch

SECONDS, CPU_SECONDS = "seconds", "cpu_seconds"


def measured(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return the body of an asset as one that records what it has spent.

    A step that returns the results of several assets has spent an equal share on each. One that
    yields them has spent on each what it took since the one before. What comes after the last
    result is not measured.
    """
    # each kind of function stays what it is, because Dagster looks at that
    if inspect.isgeneratorfunction(body):

        @functools.wraps(body)
        def yielding(*arguments: Any, **named: Any) -> Iterator[Any]:
            yield from _each(body(*arguments, **named))

        return yielding
    if inspect.isasyncgenfunction(body):

        @functools.wraps(body)
        async def yielding_later(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            lap = _Lap()
            async for result in body(*arguments, **named):
                lap.ends_with(result)
                yield result

        return yielding_later
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def returning_later(*arguments: Any, **named: Any) -> Any:
            lap = _Lap()
            return lap.ends_with_all(await body(*arguments, **named))

        return returning_later

    @functools.wraps(body)
    def returning(*arguments: Any, **named: Any) -> Any:
        lap = _Lap()
        result = body(*arguments, **named)
        return _each(result) if inspect.isgenerator(result) else lap.ends_with_all(result)

    return returning


def _each(results: Iterator[Any]) -> Iterator[Any]:
    lap = _Lap()
    for result in results:
        lap.ends_with(result)
        yield result


class _Lap:
    """What a step has spent since its begin, or since its last result."""

    def __init__(self) -> None:
        self._context, self._stopwatch = dg.AssetExecutionContext.get(), Stopwatch()

    def ends_with_all(self, result: Any) -> Any:
        """Record it for all assets of the step; return their result."""
        _record(
            self._context, self._context.selected_asset_keys, self._stopwatch, _recorded(result)
        )
        return result

    def ends_with(self, result: Any) -> None:
        """Record it for the asset that a result is of, and begin anew."""
        key = _key_of(self._context, result)
        if key is not None:
            _record(self._context, [key], self._stopwatch, _recorded(result))
            self._stopwatch = Stopwatch()


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
