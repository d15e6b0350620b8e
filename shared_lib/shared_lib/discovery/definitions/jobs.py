"""Build jobs from the configuration."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.jobs import AssetJob, Executor, Job, OpJob
from shared_lib.discovery.modules import UnresolvedReferenceError, did_you_mean, find_object

# A slash outside of quotes.
_BARE_SLASH = re.compile(r"""^(?:[^"']|"[^"]*"|'[^']*')*?/""")

BuiltJob = dg.JobDefinition | Any
"""A job of ops, or of assets not yet resolved; Dagster's type for the latter is not public."""

EXECUTORS: Mapping[Executor, dg.ExecutorDefinition] = {
    "in_process": dg.in_process_executor,
    "multiprocess": dg.multiprocess_executor,
}


def build_jobs(
    entries: Mapping[str, Job],
    *,
    definitions: dg.Definitions,
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
) -> tuple[dict[str, BuiltJob], list[Problem]]:
    """Return the jobs by name, and the problems of the entries."""
    built: dict[str, BuiltJob] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        if isinstance(entry, OpJob):
            try:
                built[name] = _op_job(name, entry, package=package)
            except UnresolvedReferenceError as error:
                problems.append(Problem(("jobs", name, "function"), str(error)))
            except TypeError as error:
                problems.append(Problem(("jobs", name, "arguments"), f"{entry.function}: {error}"))
            continue
        try:
            selection = selected(entry.selection, definitions)
        except ValueError as error:
            problems.append(Problem(("jobs", name, "selection"), str(error)))
            continue
        problem = _wrong_partitions(name, entry, selection, definitions, partitions)
        if problem is not None:
            problems.append(problem)
            continue
        built[name] = _asset_job(name, entry, selection)
    return built, problems


def _wrong_partitions(
    name: str,
    entry: AssetJob,
    selection: dg.AssetSelection,
    definitions: dg.Definitions,
    partitions: Mapping[str, dg.PartitionsDefinition],
) -> Problem | None:
    """Return what makes Dagster reject the whole location, or what the entry states wrongly."""
    graph = definitions.resolve_asset_graph()
    example: dict[dg.PartitionsDefinition, str] = {}
    for key in sorted(selection.resolve(graph)):
        found = graph.get(key).partitions_def
        if found is not None:
            example.setdefault(found, key.to_user_string())
    if len(example) > 1:
        text = (
            f"{' and '.join(example.values())} have different partitions, allowed is one "
            "partitions definition for all assets of a job"
        )
        return Problem(("jobs", name, "selection"), text)
    # one that is not there, or wrong itself, is reported where it is defined or named
    wanted = partitions.get(entry.partitions or "")
    if wanted is not None and wanted not in example:
        text = f"{entry.partitions!r} is not allowed, no asset of the job has these partitions"
        return Problem(("jobs", name, "partitions"), text)
    return None


def selected(text: str, definitions: dg.Definitions) -> dg.AssetSelection:
    """Return the selection that ``text`` describes in Dagster's grammar.

    Raises:
        ValueError: it is invalid or selects nothing; the text suggests similar names.
    """
    try:
        selection = dg.AssetSelection.from_string(text)
    except Exception as error:  # the grammar's errors share no public class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = ", a key with slashes is in quotes" if _BARE_SLASH.search(text) else ""
        raise ValueError(f"{text!r} is not an asset selection: {reason}{hint}") from error
    try:
        keys = selection.resolve(definitions.resolve_asset_graph())
    except dg.DagsterInvalidSubsetError:  # a bare key that no asset has
        keys = frozenset()
    if not keys:
        raise ValueError(f"{text!r} selects nothing{_nearest(text, definitions)}")
    return selection


def _nearest(text: str, definitions: dg.Definitions) -> str:
    words = [word.strip("()\"'*+ ").rpartition(":")[2] for word in text.split()]
    specs = definitions.resolve_all_asset_specs()
    known = sorted(
        {spec.key.to_user_string() for spec in specs}
        | {spec.group_name for spec in specs if spec.group_name}
    )
    return next(filter(None, (did_you_mean(word.strip("\"'"), known) for word in words)), "")


def _asset_job(name: str, entry: AssetJob, selection: dg.AssetSelection) -> BuiltJob:
    tags = {key: str(value) for key, value in entry.tags.items()}
    if entry.retry_on_failure is not None:
        # an instance may limit retries to runs whose process died
        retried = {"max_retries": entry.retry_on_failure, "retry_on_asset_or_op_failure": "true"}
        tags |= {f"dagster/{name}": str(value) for name, value in retried.items()}
    return dg.define_asset_job(
        name,
        selection=selection,
        description=entry.description,
        tags=tags,
        config=entry.config,
        executor_def=EXECUTORS[entry.executor] if entry.executor else None,
    )


def op_name(job: str) -> str:
    """Return the name of the step of a job that calls a function."""
    return f"{job}_op"


def _op_job(name: str, entry: OpJob, *, package: str) -> dg.JobDefinition:
    function = find_object(entry.function, package=package)
    if not callable(function):
        raise UnresolvedReferenceError(f"{entry.function} is not a function")
    parameters = list(inspect.signature(function).parameters)
    takes_context = parameters[:1] == ["context"]
    inspect.signature(function).bind(*([None] if takes_context else []), **entry.arguments)

    @dg.op(name=op_name(name), description=inspect.getdoc(function))
    def call(context: dg.OpExecutionContext) -> None:
        _exhaust(function(*([context] if takes_context else []), **entry.arguments))

    graph = dg.GraphDefinition(name=name, node_defs=[call], description=entry.description)
    return graph.to_job(
        name=name,
        description=entry.description,
        tags={key: str(value) for key, value in entry.tags.items()},
        executor_def=EXECUTORS[entry.executor] if entry.executor else None,
    )


def _exhaust(result: Any) -> None:
    """Run what a call only prepared: a coroutine or a generator, of either kind."""
    if inspect.isawaitable(result):
        asyncio.run(_awaited(result))
    elif inspect.isasyncgen(result):
        asyncio.run(_iterated(result))
    elif inspect.isgenerator(result):
        for _ in result:
            pass


async def _awaited(result: Awaitable[Any]) -> None:
    await result


async def _iterated(result: AsyncIterator[Any]) -> None:
    async for _ in result:
        pass
