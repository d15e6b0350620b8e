"""Every GraphQL mutation by every role, in each way that a document can name it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import graphql
import pytest
from dagster_graphql.schema import create_schema
from starlette.requests import HTTPConnection

from orchestration_platform.web.audit import Audit
from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.login.mutations import guard_mutations, status_of
from orchestration_platform.web.login.person import Grant, Person, Role, set_person

# What each role adds to the one before, as the documentation has it.
VIEWER = {"logTelemetry", "setNuxSeen"}
LAUNCHER = {
    "launchPipelineExecution", "launchRun", "launchMultipleRuns", "launchPipelineReexecution",
    "launchRunReexecution", "terminatePipelineExecution", "terminateRun", "terminateRuns",
    "launchPartitionBackfill", "resumePartitionBackfill", "reexecutePartitionBackfill",
    "cancelPartitionBackfill",
}  # fmt: skip
EDITOR = {
    "startSchedule", "stopRunningSchedule", "resetSchedule", "scheduleDryRun", "startSensor",
    "stopSensor", "resetSensor", "setSensorCursor", "sensorDryRun", "reloadRepositoryLocation",
    "reloadWorkspace", "reportRunlessAssetEvents", "reportAssetCheckEvaluations",
    "addDynamicPartition", "deleteDynamicPartitions", "setAutoMaterializePaused",
    "refreshComponentState",
}  # fmt: skip
ADMIN = {
    "deletePipelineRun", "deleteRun", "wipeAssets", "shutdownRepositoryLocation",
    "setConcurrencyLimit", "deleteConcurrencyLimit", "freeConcurrencySlots",
    "freeConcurrencySlotsForRun", "setAppManagedComponent", "deleteAppManagedComponent",
}  # fmt: skip
BY_ROLE = {
    Role.VIEWER: VIEWER,
    Role.LAUNCHER: VIEWER | LAUNCHER,
    Role.EDITOR: VIEWER | LAUNCHER | EDITOR,
    Role.ADMIN: VIEWER | LAUNCHER | EDITOR | ADMIN,
}
DAGSTERS = sorted(create_schema().graphql_schema.mutation_type.fields)

DELETE = 'deleteRun(runId: "1") { __typename }'
TERMINATE = 'terminateRun(runId: "1") { __typename }'


class Dagster:
    """Dagster's schema behind the guard; its mutations only record that they were called."""

    def __init__(self, directory: Path) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.audit = Audit(WebDatabase(f"sqlite:///{directory / 'web.db'}"), now=lambda: 1e9)
        self.schema = create_schema().graphql_schema
        mutations = self.schema.mutation_type
        new = graphql.GraphQLField(graphql.GraphQLString)
        mutations.fields["eraseEverything"] = new
        for name, field in mutations.fields.items():
            field.resolve = self._recorder(name)
        guard_mutations(self.schema, self.audit)

    def _recorder(self, name: str) -> Callable[..., None]:
        def called(_root: Any, _info: Any, **arguments: Any) -> None:
            self.called.append((name, arguments))

        return called

    def send(self, person: Person, document: str, **more: Any) -> int:
        """Execute; returns the status of the answer."""
        connection = HTTPConnection({"type": "http"})
        set_person(connection.scope, person)
        context = SimpleNamespace(source=connection, has_code_location=lambda _name: False)
        graphql.graphql_sync(self.schema, document, context_value=context, **more)
        return status_of(connection) or 200

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.called]


@pytest.fixture
def dagster(tmp_path: Path) -> Dagster:
    return Dagster(tmp_path)


def person(role: Role, *locations: str) -> Person:
    return Person("ada", (Grant(role, frozenset(locations) if locations else None),))


def value_of(type_: Any) -> str:
    """The shortest value of a type, written as in a document."""
    if isinstance(type_, graphql.GraphQLNonNull):
        return value_of(type_.of_type)
    if isinstance(type_, graphql.GraphQLList):
        return f"[{value_of(type_.of_type)}]"
    if isinstance(type_, graphql.GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, graphql.GraphQLInputObjectType):
        needed = {
            name: value_of(field.type)
            for name, field in type_.fields.items()
            if isinstance(field.type, graphql.GraphQLNonNull)
        }
        return "{" + ", ".join(f"{name}: {value}" for name, value in needed.items()) + "}"
    return {"Int": "1", "Float": "1.0", "Boolean": "true"}.get(type_.name, '"x"')


def call_of(schema: graphql.GraphQLSchema, name: str) -> str:
    arguments = [
        f"{argument}: {value_of(found.type)}"
        for argument, found in schema.mutation_type.fields[name].args.items()
        if isinstance(found.type, graphql.GraphQLNonNull)
    ]
    listed = f"({', '.join(arguments)})" if arguments else ""
    is_leaf = graphql.is_leaf_type(graphql.get_named_type(schema.mutation_type.fields[name].type))
    return f"{name}{listed}" if is_leaf else f"{name}{listed} {{ __typename }}"


def test_each_mutation_of_dagster_has_a_role() -> None:
    assert set(DAGSTERS) == BY_ROLE[Role.ADMIN]


@pytest.mark.parametrize("role", Role)
def test_every_mutation_by_every_role(dagster: Dagster, role: Role) -> None:
    for name in DAGSTERS:
        dagster.called.clear()
        status = dagster.send(person(role), f"mutation {{ {call_of(dagster.schema, name)} }}")
        allowed = name in BY_ROLE[role]
        assert (dagster.names, status) == (([name], 200) if allowed else ([], 403)), name


def test_a_mutation_that_a_release_adds_is_refused_to_everyone(dagster: Dagster) -> None:
    assert dagster.send(person(Role.ADMIN), "mutation { eraseEverything }") == 403
    assert dagster.called == []


@pytest.mark.parametrize(
    "document",
    [
        f"mutation {{ harmless: {DELETE} }}",
        f"mutation {{ terminateRun: {DELETE} }}",
        f"mutation {{ ...all }} fragment all on Mutation {{ {DELETE} }}",
        f"mutation {{ ...one }} fragment one on Mutation {{ ...two }} "
        f"fragment two on Mutation {{ x: {DELETE} }}",
        f"mutation {{ ... on Mutation {{ {DELETE} }} }}",
        f"mutation {{ ... @include(if: true) {{ {DELETE} }} }}",
        'mutation ($id: String = "1") { deleteRun(runId: $id) { __typename } }',
    ],
)
def test_no_way_of_writing_hides_a_mutation(dagster: Dagster, document: str) -> None:
    assert dagster.send(person(Role.EDITOR), document) == 403
    assert dagster.called == []
    assert dagster.send(person(Role.ADMIN), document) == 200
    assert dagster.names == ["deleteRun"]


def test_a_document_with_several_operations_runs_only_the_chosen_one(dagster: Dagster) -> None:
    document = f"query A {{ version }} mutation B {{ {TERMINATE} }} mutation C {{ {DELETE} }}"
    assert dagster.send(person(Role.LAUNCHER), document, operation_name="B") == 200
    assert dagster.send(person(Role.LAUNCHER), document, operation_name="C") == 403
    dagster.send(person(Role.LAUNCHER), document)
    assert dagster.names == ["terminateRun"]


def test_a_refused_mutation_ends_its_document(dagster: Dagster) -> None:
    assert dagster.send(person(Role.LAUNCHER), f"mutation {{ {DELETE} {TERMINATE} }}") == 403
    assert dagster.called == []


LAUNCH = """mutation ($tags: [ExecutionTag!], $location: String!) { launchRun(executionParams: {
    selector: {repositoryLocationName: $location, repositoryName: "r", jobName: "j"}
    runConfigData: "{\\"ops\\": {\\"load\\": {\\"config\\": {\\"password\\": \\"hunter2!\\"}}}}"
    executionMetadata: {tags: $tags} }) { __typename } }"""


def launch(dagster: Dagster, someone: Person, location: str, **tags: str) -> int:
    listed = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
    variables = {"location": location, "tags": listed}
    return dagster.send(someone, LAUNCH, variable_values=variables)


def test_a_launcher_launches_in_the_named_locations_only(dagster: Dagster) -> None:
    ours = person(Role.LAUNCHER, "shop", "bank")
    assert launch(dagster, ours, "shop") == 200
    assert launch(dagster, ours, "payroll") == 403
    assert launch(dagster, ours, "") == 403
    several = LAUNCH.replace("executionParams", "executionParamsList").replace(
        "launchRun", "launchMultipleRuns"
    )
    assert dagster.send(ours, several, variable_values={"location": "payroll"}) == 403
    assert dagster.names == ["launchRun"]


def test_roles_of_different_locations_do_not_add_up(dagster: Dagster) -> None:
    grants = (Grant(Role.EDITOR, frozenset({"shop"})), Grant(Role.VIEWER))
    start = """mutation ($location: String!) { startSchedule(scheduleSelector: {
        repositoryLocationName: $location, repositoryName: "r", scheduleName: "s"
    }) { __typename } }"""
    found = [
        dagster.send(Person("ada", grants), start, variable_values={"location": location})
        for location in ("shop", "bank")
    ]
    assert found == [200, 403]


def test_a_run_carries_the_person_whatever_the_request_says(dagster: Dagster) -> None:
    launch(dagster, person(Role.LAUNCHER), "shop", user="mallory", team="sales")
    (_, arguments), *_ = dagster.called
    tags = arguments["executionParams"]["executionMetadata"]["tags"]
    assert tags == [{"key": "team", "value": "sales"}, {"key": "user", "value": "ada"}]

    dagster.called.clear()
    again = 'launchRunReexecution(reexecutionParams: {parentRunId: "1", strategy: ALL_STEPS})'
    dagster.send(person(Role.LAUNCHER), f"mutation {{ {again} {{ __typename }} }}")
    (_, arguments), *_ = dagster.called
    assert arguments["reexecutionParams"]["extraTags"] == [{"key": "user", "value": "ada"}]


@pytest.mark.parametrize("tag", ["dagster-k8s__config", "dagster-docker__config"])
def test_only_an_admin_gives_a_run_another_pod(dagster: Dagster, tag: str) -> None:
    assert launch(dagster, person(Role.EDITOR), "shop", **{tag: "{}"}) == 403
    assert launch(dagster, person(Role.ADMIN), "shop", **{tag: "{}"}) == 200
    assert dagster.names == ["launchRun"]


def test_each_mutation_is_in_the_audit_log_without_secrets(dagster: Dagster) -> None:
    launch(dagster, person(Role.LAUNCHER), "shop", note="xoxb-123456789012-abcdef")
    dagster.send(person(Role.VIEWER), f"mutation {{ {DELETE} }}")

    refused, launched = dagster.audit.entries(10)

    assert (launched.at, launched.person, launched.action) == (1e9, "ada", "launchRun")
    assert launched.outcome == "NoneType"
    assert '"repositoryLocationName": "shop"' in launched.arguments
    assert '"load"' in launched.arguments
    assert "hunter2" not in launched.arguments
    assert "xoxb-1234" not in launched.arguments
    assert (refused.action, refused.outcome) == ("deleteRun", "refused")
    assert refused.arguments == '{"runId": "1"}'


def test_what_cannot_be_recorded_is_not_carried_out(
    dagster: Dagster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_named: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(dagster.audit, "_insert", fails)
    dagster.send(person(Role.ADMIN), f"mutation {{ {DELETE} }}")
    assert dagster.called == []
