"""Which role each GraphQL mutation needs, and the record of each.

The guard is on the fields of Dagster's schema, behind its parser: aliases, fragments, variables and
several operations in one document all arrive as calls of these fields with their final arguments.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from inspect import isawaitable
from typing import Any

import graphql
from starlette.requests import HTTPConnection

from orchestration_platform.web.audit import Audit
from orchestration_platform.web.login.person import PERSON_TAG, Person, Role, person_of

# A mutation that is not listed is refused to everyone: a new one waits until somebody adds it here.
LOWEST_ROLE: Mapping[str, Role] = {
    # the UI sends both by itself
    "logTelemetry": Role.VIEWER,
    "setNuxSeen": Role.VIEWER,
    "launchPipelineExecution": Role.LAUNCHER,
    "launchRun": Role.LAUNCHER,
    "launchMultipleRuns": Role.LAUNCHER,
    "launchPipelineReexecution": Role.LAUNCHER,
    "launchRunReexecution": Role.LAUNCHER,
    "terminatePipelineExecution": Role.LAUNCHER,
    "terminateRun": Role.LAUNCHER,
    "terminateRuns": Role.LAUNCHER,
    "launchPartitionBackfill": Role.LAUNCHER,
    "resumePartitionBackfill": Role.LAUNCHER,
    "reexecutePartitionBackfill": Role.LAUNCHER,
    "cancelPartitionBackfill": Role.LAUNCHER,
    "startSchedule": Role.EDITOR,
    "stopRunningSchedule": Role.EDITOR,
    "resetSchedule": Role.EDITOR,
    "scheduleDryRun": Role.EDITOR,
    "startSensor": Role.EDITOR,
    "stopSensor": Role.EDITOR,
    "resetSensor": Role.EDITOR,
    "setSensorCursor": Role.EDITOR,
    "sensorDryRun": Role.EDITOR,
    "reloadRepositoryLocation": Role.EDITOR,
    "reloadWorkspace": Role.EDITOR,
    "reportRunlessAssetEvents": Role.EDITOR,
    "reportAssetCheckEvaluations": Role.EDITOR,
    "addDynamicPartition": Role.EDITOR,
    "deleteDynamicPartitions": Role.EDITOR,
    "setAutoMaterializePaused": Role.EDITOR,
    "refreshComponentState": Role.EDITOR,
    "deletePipelineRun": Role.ADMIN,
    "deleteRun": Role.ADMIN,
    "wipeAssets": Role.ADMIN,
    "shutdownRepositoryLocation": Role.ADMIN,
    "setConcurrencyLimit": Role.ADMIN,
    "deleteConcurrencyLimit": Role.ADMIN,
    "freeConcurrencySlots": Role.ADMIN,
    "freeConcurrencySlotsForRun": Role.ADMIN,
    # Dagster+ has these alone, and Dagster itself refuses them
    "setAppManagedComponent": Role.ADMIN,
    "deleteAppManagedComponent": Role.ADMIN,
}

# Arguments that name a code location, at any depth.
_LOCATION_ARGUMENTS = frozenset({"repositoryLocationName", "locationName"})

# Tags that give a run's pod other rights, such as the host's files or another account.
_POD_TAGS = ("dagster-k8s/", "dagster-docker/", "dagster-celery/", "ecs/")

_STATUS_KEY = "platform.status"


def guard_mutations(schema: graphql.GraphQLSchema, audit: Audit) -> None:
    """Let each mutation of ``schema`` run only for people who may run it, and record it."""
    mutations = schema.mutation_type
    if mutations is None:
        return
    for name, field in mutations.fields.items():
        field.resolve = _guarded(name, field.resolve or graphql.default_field_resolver, audit)
    tick = schema.type_map.get("DryRunInstigationTick")
    if isinstance(tick, graphql.GraphQLObjectType):
        field = tick.fields["evaluationResult"]
        field.resolve = _for_editors(field.resolve or graphql.default_field_resolver)


def _for_editors(resolve: Callable[..., Any]) -> Callable[..., Any]:
    # a query reaches it too, and it runs the code of a schedule
    def run(tick: Any, info: graphql.GraphQLResolveInfo, **arguments: Any) -> Any:
        person = person_of(info.context.source)
        location = tick._selector.location_name  # noqa: SLF001 - nothing public has it
        if not person.may(Role.EDITOR, location=location):
            raise graphql.GraphQLError(f"{person.name} may not try this: it needs the role editor")
        return resolve(tick, info, **arguments)

    return run


def status_of(connection: HTTPConnection) -> HTTPStatus | None:
    """Return the status that the answer needs because a mutation was refused; None if none was."""
    return connection.scope.get(_STATUS_KEY)


def _guarded(name: str, resolve: Callable[..., Any], audit: Audit) -> Callable[..., Any]:
    def run(root: Any, info: graphql.GraphQLResolveInfo, **arguments: Any) -> Any:
        connection: HTTPConnection = info.context.source
        person = person_of(connection)
        reason = _refusal(name, person, arguments, info.context)
        if reason is not None:
            audit.refuse(person, name, arguments)
            connection.scope[_STATUS_KEY] = HTTPStatus.FORBIDDEN
            raise graphql.GraphQLError(reason, path=info.path.as_list())
        _sign(arguments, person)
        entry = audit.begin(person, name, arguments)
        try:
            result = resolve(root, info, **arguments)
        except Exception as error:
            audit.end(entry, type(error).__name__)
            raise
        if isawaitable(result):
            return _awaited(result, entry)
        audit.end(entry, _kind(result))
        return result

    async def _awaited(result: Any, entry: int) -> Any:
        try:
            found = await result
        except Exception as error:
            audit.end(entry, type(error).__name__)
            raise
        audit.end(entry, _kind(found))
        return found

    return run


def _refusal(name: str, person: Person, arguments: Mapping[str, Any], workspace: Any) -> str | None:
    lowest = LOWEST_ROLE.get(name)
    if lowest is None:
        return f"{name} is not allowed to anyone: no role is defined for it"
    # Dagster itself compares the location of runs, assets and backfills that arguments only name.
    places = set(_locations(arguments))
    allowed = (
        all(person.may(lowest, location=place) for place in places)
        if places
        else person.may_somewhere(lowest)
    )
    if not allowed:
        at = f" in {' and '.join(sorted(places))}" if places else ""
        return f"{person.name} may not use {name}{at}: it needs the role {lowest.name.lower()}"
    pod = None if person.may(Role.ADMIN) else _other_pod(arguments, workspace)
    if pod is not None:
        return f"{person.name} may not set the tag {pod}: it needs the role admin"
    return None


def _locations(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in _LOCATION_ARGUMENTS and isinstance(value, str):
                yield value
            else:
                yield from _locations(value)
    elif isinstance(node, list):
        for value in node:
            yield from _locations(value)


def _other_pod(arguments: Mapping[str, Any], workspace: Any) -> str | None:
    """Return a tag that gives a run another pod than its job has; None if no tag does."""
    for selector, tags in _tag_lists(arguments):
        of_pod = [tag for tag in tags if tag["key"].startswith(_POD_TAGS)]
        # the launchpad sends the tags of a job with each launch
        own = _tags_of_job(selector, workspace) if of_pod else {}
        for tag in of_pod:
            if own.get(tag["key"]) != tag["value"]:
                return tag["key"]
    return None


def _tags_of_job(selector: Mapping[str, Any], workspace: Any) -> Mapping[str, str]:
    location, name = selector.get("repositoryLocationName"), selector.get("repositoryName")
    job = selector.get("jobName") or selector.get("pipelineName")
    if not workspace.has_code_location(location):
        return {}
    found = workspace.get_code_location(location)
    if not found.has_repository(name) or not found.get_repository(name).has_job(job):
        return {}
    return found.get_repository(name).get_full_job(job).run_tags


def _tag_lists(
    arguments: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], list[dict[str, str]]]]:
    """Yield the lists of run tags among the arguments, made where missing, and their job."""
    several = arguments.get("executionParamsList") or []
    for parameters in (arguments.get("executionParams"), *several):
        if parameters is not None:
            metadata = parameters.setdefault("executionMetadata", {})
            if metadata is None:
                metadata = parameters["executionMetadata"] = {}
            yield parameters.get("selector") or {}, _list_at(metadata, "tags")
    for argument, key in (("reexecutionParams", "extraTags"), ("backfillParams", "tags")):
        if arguments.get(argument) is not None:
            yield {}, _list_at(arguments[argument], key)


def _list_at(holder: dict[str, Any], key: str) -> list[dict[str, str]]:
    if holder.get(key) is None:
        holder[key] = []
    return holder[key]


def _sign(arguments: Mapping[str, Any], person: Person) -> None:
    """Make the runs that are launched carry the person, whatever the request says."""
    for _, tags in _tag_lists(arguments):
        tags[:] = [tag for tag in tags if tag["key"] != PERSON_TAG]
        tags.append({"key": PERSON_TAG, "value": person.name})


def _kind(result: Any) -> str:
    meta = getattr(type(result), "_meta", None)
    return getattr(meta, "name", None) or type(result).__name__
