"""Build jobs from the configuration."""

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.jobs import AssetJob, Executor, Job, OpJob
from shared_lib.discovery.configuration.pod import TAG as POD_TAG
from shared_lib.discovery.modules import UnresolvedReferenceError, did_you_mean, find_object

# A slash outside of quotes.
_BARE_SLASH = re.compile(r"""^(?:[^"']|"[^"]*"|'[^']*')*?/""")

BuiltJob = dg.JobDefinition | Any
"""A job of ops, or of assets not yet resolved; Dagster's type for the latter is not public."""

Report = Callable[[Problem], NoReturn]
"""Raises a problem that is found after the definitions are built."""

EXECUTORS: Mapping[Executor, dg.ExecutorDefinition] = {
    "in_process": dg.in_process_executor,
    "multiprocess": dg.multiprocess_executor,
}


def build_jobs(
    entries: Mapping[str, Job],
    *,
    definitions: dg.Definitions | Report,
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
) -> tuple[dict[str, BuiltJob], list[Problem]]:
    """Return the jobs by name, and the problems of the entries.

    Args:
        entries: the jobs by name.
        definitions: what selections select from. Where the assets are not known yet, what raises
            the problem that a selection has when Dagster resolves it.
        partitions: the partitions by name.
        package: the package that functions are relative to.
    """
    built: dict[str, BuiltJob] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        hooks, found = _hooks(name, entry, package=package)
        problems += found
        if isinstance(entry, OpJob):
            try:
                built[name] = _op_job(name, entry, hooks, package=package)
            except UnresolvedReferenceError as error:
                problems.append(Problem(("jobs", name, "function"), str(error)))
            except TypeError as error:
                problems.append(Problem(("jobs", name, "arguments"), f"{entry.function}: {error}"))
            continue
        if not isinstance(definitions, dg.Definitions):
            later = SelectionOfProject(name, entry, partitions, report=definitions)
            built[name] = _asset_job(name, entry, later, hooks)
            continue
        selection = selected(name, entry, definitions.resolve_asset_graph(), partitions)
        if isinstance(selection, Problem):
            problems.append(selection)
            continue
        built[name] = _asset_job(name, entry, selection, hooks)
    return built, problems


def target_of(name: str, jobs: Mapping[str, BuiltJob]) -> dict[str, Any]:
    """Return the argument of a schedule or sensor that names its job, one of ``jobs`` or not."""
    try:
        return {"job": jobs[name]}
    except KeyError:
        return {"job_name": name}


def partitions_at(
    context: dg.ScheduleEvaluationContext | dg.SensorEvaluationContext | dg.RunStatusSensorContext,
    job: str,
) -> dg.PartitionsDefinition | None:
    """Return the partitions of a job of the project, which are known at a tick."""
    if context.repository_def is None:
        raise RuntimeError(f"the partitions of {job} are unknown outside of a repository")
    return context.repository_def.get_job(job).partitions_def


class SelectionOfProject(dg.AssetSelection):
    """The selection of a job, resolved when Dagster knows all assets of the project."""

    def __init__(
        self,
        name: str,
        entry: AssetJob,
        partitions: Mapping[str, dg.PartitionsDefinition],
        *,
        report: Report,
    ) -> None:
        self._name, self._entry, self._partitions = name, entry, partitions
        self._report = report

    def _selected(self, graph: Any) -> dg.AssetSelection:
        found = selected(self._name, self._entry, graph, self._partitions)
        if isinstance(found, Problem):
            self._report(found)
        return found

    def resolve_inner(self, asset_graph: Any, allow_missing: bool) -> AbstractSet[dg.AssetKey]:  # noqa: FBT001 - Dagster's signature
        """Return the assets.

        Raises:
            ConfigurationError: the selection is invalid or selects nothing.
        """
        return self._selected(asset_graph).resolve(asset_graph, allow_missing)

    def resolve_checks_inner(  # noqa: D102 - as above
        self,
        asset_graph: Any,
        allow_missing: bool,  # noqa: FBT001 - Dagster's signature
    ) -> AbstractSet[dg.AssetCheckKey]:
        return self._selected(asset_graph).resolve_checks(asset_graph, allow_missing)


def selected(
    name: str, entry: AssetJob, graph: Any, partitions: Mapping[str, dg.PartitionsDefinition]
) -> dg.AssetSelection | Problem:
    """Return the selection of a job in Dagster's grammar, or what is wrong with it.

    Args:
        name: the job.
        entry: its entry.
        graph: the asset graph of all assets that it can select.
        partitions: the partitions by name.
    """
    try:
        selection = _parsed(entry.selection, graph)
    except ValueError as error:
        return Problem(("jobs", name, "selection"), str(error))
    return _wrong_partitions(name, entry, selection, graph, partitions) or selection


def _wrong_partitions(
    name: str,
    entry: AssetJob,
    selection: dg.AssetSelection,
    graph: Any,
    partitions: Mapping[str, dg.PartitionsDefinition],
) -> Problem | None:
    """Return what makes Dagster reject the whole location, or what the entry states wrongly."""
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


def _parsed(text: str, graph: Any) -> dg.AssetSelection:
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
        keys = selection.resolve(graph)
    except dg.DagsterInvalidSubsetError:  # a bare key that no asset has
        keys = frozenset()
    if not keys:
        raise ValueError(f"{text!r} selects nothing{_nearest(text, graph)}")
    return selection


def _nearest(text: str, graph: Any) -> str:
    words = [word.strip("()\"'*+ ").rpartition(":")[2] for word in text.split()]
    keys = graph.get_all_asset_keys()
    known = sorted(
        {key.to_user_string() for key in keys}
        | {graph.get(key).group_name for key in keys if graph.get(key).group_name}
    )
    return next(filter(None, (did_you_mean(word.strip("\"'"), known) for word in words)), "")


def _hooks(name: str, entry: Job, *, package: str) -> tuple[set[dg.HookDefinition], list[Problem]]:
    hooks: set[dg.HookDefinition] = set()
    problems: list[Problem] = []
    for position, reference in enumerate(entry.hooks):
        try:
            hook = find_object(reference, package=package)
        except UnresolvedReferenceError as error:
            problems.append(Problem(("jobs", name, "hooks", position), str(error)))
            continue
        if isinstance(hook, dg.HookDefinition):
            hooks.add(hook)
        else:
            text = f"{reference} is not a hook"
            problems.append(Problem(("jobs", name, "hooks", position), text))
    return hooks, problems


def _executor(entry: Job) -> dg.ExecutorDefinition | None:
    if entry.executor is None:
        return None
    executor = EXECUTORS[entry.executor]
    if isinstance(entry, AssetJob) and entry.max_concurrent is not None:
        return executor.configured({"max_concurrent": entry.max_concurrent})
    return executor


def _tags(entry: Job) -> dict[str, str]:
    tags = {key: str(value) for key, value in entry.tags.items()}
    if entry.pod_resources is not None:
        tags[POD_TAG] = json.dumps(entry.pod_resources.tag())
    return tags


def _asset_job(
    name: str, entry: AssetJob, selection: dg.AssetSelection, hooks: set[dg.HookDefinition]
) -> BuiltJob:
    tags = _tags(entry)
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
        executor_def=_executor(entry),
        hooks=hooks,
    )


def op_name(job: str) -> str:
    """Return the name of the step of a job that calls a function."""
    return f"{job}_op"


def _op_job(
    name: str, entry: OpJob, hooks: set[dg.HookDefinition], *, package: str
) -> dg.JobDefinition:
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
        tags=_tags(entry),
        executor_def=_executor(entry),
        hooks=hooks,
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
