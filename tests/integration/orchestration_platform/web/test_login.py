"""What people with each role, programs with tokens, and strangers can do at the real webserver."""

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.backfill import execute_backfill_iteration
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.integration.orchestration_platform.web.platform_app import (
    App,
    app_with_login,
    loaded_workspace,
)

from orchestration_platform.web.__main__ import main
from orchestration_platform.web.audit import Audit
from orchestration_platform.web.database import WebDatabase, database_url
from orchestration_platform.web.login.ways import digest_of

SOCKET = "ws://localhost/graphql"
# the tests may run through midnight
SOON = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date()
TODAY = dt.datetime.now(dt.UTC).date()
SETTINGS = f"""
grants:
  - {{role: viewer, groups: [staff]}}
  - {{role: launcher, people: [lena], locations: [shop]}}
  - {{role: editor, people: [edith]}}
  - {{role: admin, people: [ada]}}
proxy: {{addresses: [10.0.0.9/32]}}
tokens:
  - {{name: nightly, role: launcher, sha256: {digest_of("nightly-token")}, expires: {SOON}}}
  - {{name: old, role: admin, sha256: {digest_of("old-token")}, expires: {TODAY}}}
"""
WIPE = (
    "mutation { wipeAssets(assetPartitionRanges: "
    '[{assetKey: {path: ["shop_stock"]}}]) { __typename } }'
)
LAUNCH = """mutation ($location: String!, $tags: [ExecutionTag!]) { launchRun(executionParams: {
    selector: {repositoryLocationName: $location, repositoryName: "__repository__",
        jobName: "report"}
    executionMetadata: {tags: $tags}
}) { __typename ... on LaunchRunSuccess { run { runId } } } }"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("login")


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[WorkspaceProcessContext]:
    with loaded_workspace(home) as context:
        yield context


@pytest.fixture(scope="module")
def app(workspace: WorkspaceProcessContext, home: Path) -> App:
    return app_with_login(workspace, home, way="proxy", settings=SETTINGS)


@pytest.fixture(autouse=True)
def stock(app: App) -> None:
    app.instance.report_runless_asset_event(dg.AssetMaterialization("shop_stock"))


def knows_stock(app: App) -> bool:
    return app.instance.get_latest_materialization_event(dg.AssetKey("shop_stock")) is not None


def as_person(app: App, name: str) -> TestClient:
    client = app.client()
    client.headers |= {"X-Forwarded-Email": name, "X-Forwarded-Groups": "others, staff"}
    return client


def ask(client: TestClient, query: str, **variables: Any) -> Any:
    answer = client.post("/graphql", json={"query": query, "variables": variables})
    return answer.json()["data"] if answer.status_code == 200 else answer.status_code


def launched(client: TestClient, location: str, **tags: str) -> Any:
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    answer = ask(client, LAUNCH, location=location, tags=listed)
    return answer if isinstance(answer, int) else answer["launchRun"]


def audit(app: App) -> Any:
    return Audit(WebDatabase(database_url(app.instance))).entries(1)[0]


@pytest.mark.parametrize(
    "path",
    ["/", "/board", "/metrics", "/server_info", "/graphql?query={version}", "/reports/",
     "/logs/x/y.err", "/download_debug/1", "/notebook?path=x&repoLocName=shop", "/auth/login",
     "//healthz", "/healthz/", "/healthz/../board", "/%68ealthz2", "/dagit_info"],
)  # fmt: skip
def test_a_stranger_reads_nothing(app: App, path: str) -> None:
    assert app.client().get(path).status_code in (401, 404)
    assert app.client(address="10.0.0.8").get(path).status_code in (403, 404)


def test_groups_come_in_one_header(app: App) -> None:
    """A proxy that adds its header leaves the one that a browser has sent."""
    headers = [
        ("X-Forwarded-Email", "eve"),
        ("X-Forwarded-Groups", "staff"),
        ("X-Forwarded-Groups", "others"),
    ]
    answer = app.client().get("/board", headers=headers)
    assert (answer.status_code, "one header" in answer.text) == (403, True)


def test_a_viewer_does_not_run_the_code_of_a_schedule(app: App, home: Path) -> None:
    query = """query ($location: String!) { scheduleOrError(scheduleSelector: {
        repositoryLocationName: $location, repositoryName: "__repository__", scheduleName: "tried"
    }) { ... on Schedule { futureTicks(limit: 1) {
        results { evaluationResult { skipReason } } } } } }"""
    written = home / "tried_shop"
    body = {"query": query, "variables": {"location": "shop"}}
    refused = as_person(app, "vera").post("/graphql", json=body)
    assert "needs the role editor" in refused.text
    assert not written.exists()

    tried = as_person(app, "edith").post("/graphql", json=body)
    assert '"skipReason":"tried"' in tried.text.replace(" ", "")
    assert written.exists()


def test_probes_need_no_login(app: App) -> None:
    assert app.client(address="10.0.0.8").get("/healthz").text == "OK\n"


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Forwarded-Email": "ada"}, {"X-Forwarded-Email": "ada", "X-Forwarded-For": "10.0.0.9"},
     {"Forwarded": "for=10.0.0.9", "X-Forwarded-Email": "ada"}],
)  # fmt: skip
def test_only_the_proxy_says_who_somebody_is(app: App, headers: dict[str, str]) -> None:
    for address in ("10.0.0.8", "::ffff:10.0.0.8", "unix"):
        client = app.client(address=address)
        answer = client.post("/graphql", json={"query": WIPE}, headers=headers)
        assert answer.status_code == 403
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(SOCKET, subprotocols=["graphql-ws"], headers=headers),
        ):
            pass
    assert knows_stock(app)


def test_a_name_is_sent_once_and_has_a_role(app: App) -> None:
    client = app.client()
    twice = [("X-Forwarded-Email", "eve"), ("X-Forwarded-Email", "ada")]
    assert client.get("/board", headers=twice).status_code == 401
    assert client.get("/board", headers={"X-Forwarded-Email": "eve"}).status_code == 403
    assert client.get("/board", headers={"X-Forwarded-Email": " "}).status_code == 401


def test_a_viewer_reads_and_changes_nothing(app: App) -> None:
    client = as_person(app, "vera")
    assert client.get("/board").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert "version" in ask(client, "{ version }")
    assert launched(client, "shop") == 403
    report = client.post("/report_asset_materialization/shop_stock")
    assert report.status_code == 403
    assert audit(app).action == "POST /report_asset_materialization/shop_stock"
    assert (audit(app).person, audit(app).outcome) == ("vera", "refused")


@pytest.mark.parametrize(
    ("method", "target", "options", "statuses"),
    [
        ("POST", "/graphql", {"json": {"query": WIPE}}, {403}),
        ("POST", "/graphql", {"json": [{"query": WIPE}]}, {400}),
        ("POST", "/graphql", {"json": [{"query": "{version}"}, {"query": WIPE}]}, {400}),
        ("POST", "/graphql/", {"json": {"query": WIPE}}, {403, 405}),
        ("GET", f"/graphql?query={quote(WIPE)}", {}, {405}),
        ("HEAD", f"/graphql?query={quote(WIPE)}", {}, {405}),
        ("OPTIONS", f"/graphql?query={quote(WIPE)}", {}, {405}),
        ("POST", f"/graphql?query={quote(WIPE)}", {"content": WIPE}, {415}),
        ("POST", f"/graphql?query={quote(WIPE)}", {"json": {}}, {400}),
        ("POST", "/graphql", {"content": b'{"query": ', "headers": {
            "content-type": "application/json"}}, {400}),
        ("POST", "/graphql", {"content": json.dumps({"query": WIPE}).encode("utf-16"), "headers": {
            "content-type": "application/json"}}, {400, 403}),
        ("POST", "/graphql", {"content": json.dumps({"query": WIPE}), "headers": {
            "content-type": "application/graphql, application/json"}}, {415}),
    ],
)  # fmt: skip
def test_no_request_of_an_editor_wipes(
    app: App, method: str, target: str, options: dict[str, Any], statuses: set[int]
) -> None:
    for name in ("vera", "edith"):
        assert as_person(app, name).request(method, target, **options).status_code in statuses
        assert knows_stock(app)


def test_no_mutation_runs_over_a_websocket(app: App) -> None:
    for name in ("vera", "ada"):
        with as_person(app, name).websocket_connect(SOCKET, subprotocols=["graphql-ws"]) as socket:
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json()["type"] == "connection_ack"
            socket.send_json({"type": "start", "id": "1", "payload": {"query": WIPE}})
            assert socket.receive_json()["type"] == "error"
        assert knows_stock(app)


def test_an_admin_wipes_and_the_audit_log_says_so(app: App) -> None:
    assert ask(as_person(app, "ada"), WIPE)["wipeAssets"]["__typename"] == "AssetWipeSuccess"
    assert not knows_stock(app)
    assert (audit(app).person, audit(app).action) == ("ada", "wipeAssets")
    assert audit(app).outcome == "AssetWipeSuccess"
    assert "shop_stock" in audit(app).arguments


def test_the_command_lists_the_audit_log(
    app: App, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(as_person(app, "ada"), WIPE)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert main(["audit", "--last", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "  ada  wipeAssets  AssetWipeSuccess  {" in line


def test_the_command_makes_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 0
    token, digest = (line.split()[1] for line in capsys.readouterr().out.splitlines())
    assert len(token) >= 43
    assert digest == hashlib.sha256(token.encode()).hexdigest()


def test_a_launcher_launches_in_its_location_and_the_run_has_the_name(app: App) -> None:
    lena = as_person(app, "lena")
    found = launched(lena, "shop", user="ada")
    run = app.instance.get_run_by_id(found["run"]["runId"])
    assert run is not None
    assert run.tags["user"] == "lena"
    assert launched(lena, "bank") == 403
    assert audit(app).outcome == "refused"


def test_a_launch_that_sends_the_pod_of_its_job_needs_no_admin(app: App) -> None:
    lena, key = as_person(app, "lena"), "dagster-k8s/config"
    asked = """query ($location: String!) { pipelineOrError(params: {
        repositoryLocationName: $location, repositoryName: "__repository__", pipelineName: "report"
    }) { ... on Pipeline { tags { key value } } } }"""
    tags = ask(lena, asked, location="shop")["pipelineOrError"]["tags"]
    own = {tag["key"]: tag["value"] for tag in tags}
    assert json.loads(own[key]) == {"container_config": {"tty": False}}
    assert launched(lena, "shop", **own)["__typename"] == "LaunchRunSuccess"
    assert launched(lena, "shop", **{key: own[key].replace("false", "true")}) == 403
    assert launched(lena, "shop", **{"dagster-k8s/other": own[key]}) == 403


def test_what_a_launcher_may_not_do_to_the_runs_of_another_location(app: App) -> None:
    lena = as_person(app, "lena")
    ours = launched(as_person(app, "edith"), "shop")["run"]["runId"]
    theirs = launched(as_person(app, "edith"), "bank")["run"]["runId"]
    terminate = "mutation ($id: String!) { terminateRun(runId: $id) { __typename } }"
    again = """mutation ($id: String!) { launchRunReexecution(reexecutionParams: {
        parentRunId: $id, strategy: ALL_STEPS}) { __typename } }"""

    assert ask(lena, again, id=theirs)["launchRunReexecution"]["__typename"] == "UnauthorizedError"
    assert ask(lena, terminate, id=theirs)["terminateRun"]["__typename"] == "TerminateRunFailure"
    assert app.instance.get_run_by_id(theirs).status is dg.DagsterRunStatus.QUEUED
    assert ask(lena, terminate, id=ours)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    delete = "mutation ($id: String!) { deleteRun(runId: $id) { __typename } }"
    assert ask(as_person(app, "edith"), delete, id=ours) == 403


def test_assets_of_two_locations_need_both(app: App) -> None:
    backfill = """mutation ($keys: [AssetKeyInput!]) { launchPartitionBackfill(backfillParams: {
        assetSelection: $keys, allPartitions: true}) { __typename } }"""
    both = [{"path": ["shop_stock"]}, {"path": ["bank_stock"]}]
    found = ask(as_person(app, "lena"), backfill, keys=both)
    assert found["launchPartitionBackfill"]["__typename"] == "UnauthorizedError"


OF_ASSETS = """{assetSelection: [{path: ["shop_sales"]}], partitionNames: ["north"]}"""
OF_A_JOB = """{partitionNames: ["north"], selector: {partitionSetName: "selling_partition_set",
    repositorySelector: {repositoryLocationName: "shop", repositoryName: "__repository__"}}}"""


@pytest.mark.parametrize("of", [OF_ASSETS, OF_A_JOB])
def test_runs_of_a_backfill_that_is_executed_again_have_the_name_of_who_did_it(
    app: App, workspace: WorkspaceProcessContext, of: str
) -> None:
    def backfill(name: str, mutation: str, kind: str) -> PartitionBackfill:
        body = f"{{ __typename ... on {kind} {{ backfillId }} }}"
        (answer,) = ask(as_person(app, name), f"mutation {{ {mutation} {body} }}").values()
        found = app.instance.get_backfill(answer["backfillId"])
        assert found is not None
        return found

    def people() -> list[str]:
        list(execute_backfill_iteration(workspace, logging.getLogger()))
        runs = app.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": ids}))
        return sorted(run.tags["user"] for run in runs)

    def end(ended: PartitionBackfill) -> None:
        for run in app.instance.get_runs(
            dg.RunsFilter(tags={"dagster/backfill": ended.backfill_id})
        ):
            app.instance.report_run_failed(run)
        app.instance.update_backfill(ended.with_status(BulkActionStatus.FAILED))

    first = backfill(
        "edith", f"launchPartitionBackfill(backfillParams: {of})", "LaunchBackfillSuccess"
    )
    ids = [first.backfill_id]
    assert people() == ["edith"]
    end(first)
    arguments = f'reexecutionParams: {{parentRunId: "{first.backfill_id}", strategy: ALL_STEPS}}'
    again = backfill("ada", f"reexecutePartitionBackfill({arguments})", "LaunchBackfillSuccess")
    ids.append(again.backfill_id)

    assert again.user == "ada"
    assert people() == ["ada", "edith"]

    resumed = backfill(
        "lena",
        f'resumePartitionBackfill(backfillId: "{first.backfill_id}")',
        "ResumeBackfillSuccess",
    )
    assert resumed.user == "lena"
    cancel = f'cancelPartitionBackfill(backfillId: "{first.backfill_id}")'
    assert backfill("ada", cancel, "CancelBackfillSuccess").user == "lena"


def test_the_ui_learns_what_the_person_may_do(app: App) -> None:
    query = """{ permissions { permission value }
        workspaceOrError { ... on Workspace { locationEntries {
            name permissions { permission value } } } } }"""

    def allowed(name: str) -> tuple[bool, dict[str, bool]]:
        answer = ask(as_person(app, name), query)
        launch = "launch_pipeline_execution"

        def value(found: list[dict[str, Any]]) -> bool:
            return next(one["value"] for one in found if one["permission"] == launch)

        entries = answer["workspaceOrError"]["locationEntries"]
        places = {entry["name"]: value(entry["permissions"]) for entry in entries}
        return value(answer["permissions"]), places

    assert allowed("vera") == (False, {"shop": False, "bank": False})
    assert allowed("lena") == (False, {"shop": True, "bank": False})
    assert allowed("ada") == (True, {"shop": True, "bank": True})


def test_an_editor_reports_an_event_and_a_launcher_does_not(app: App) -> None:
    target = "/report_asset_materialization/shop_stock"
    body = {"metadata": {"password": "hunter2!"}}
    assert as_person(app, "lena").post(target, json=body).status_code == 401
    assert as_person(app, "edith").post(target, json=body).status_code == 200
    entry = audit(app)
    assert (entry.person, entry.outcome) == ("edith", "HTTP 200")
    assert "hunter2" not in entry.arguments
    event = app.instance.get_latest_materialization_event(dg.AssetKey("shop_stock"))
    assert event.asset_materialization.tags["dagster/reporting_user"] == "edith"


@pytest.mark.parametrize("address", ["10.0.0.8", "10.0.0.9"])
def test_a_program_sends_its_token(app: App, address: str) -> None:
    client = app.client(address=address)
    client.headers["Authorization"] = "Bearer nightly-token"
    run = app.instance.get_run_by_id(launched(client, "bank")["run"]["runId"])
    assert run is not None
    assert run.tags["user"] == "token:nightly"
    assert ask(client, WIPE) == 403


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Bearer old-token", "the token old has expired"),
        ("Bearer another", "this token is not known here"),
        ("Bearer ", "this token is not known here"),
        (f"Bearer {digest_of('nightly-token')}", "this token is not known here"),
        ("Basic bmlnaHRseS10b2tlbg==", "one token is accepted"),
        ("nightly-token", "one token is accepted"),
    ],
)
def test_a_wrong_token_is_refused_even_from_the_proxy(app: App, header: str, reason: str) -> None:
    client = as_person(app, "ada")
    answer = client.post("/graphql", json={"query": WIPE}, headers={"Authorization": header})
    assert (answer.status_code, knows_stock(app)) == (401, True)
    assert answer.text.startswith(reason)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_with_tokens_alone_no_proxy_is_believed(
    workspace: WorkspaceProcessContext, home: Path
) -> None:
    app = app_with_login(workspace, home, way="tokens", settings=SETTINGS)
    assert as_person(app, "ada").get("/board").status_code == 401
    authorized = {"Authorization": "Bearer nightly-token"}
    assert app.client().get("/board", headers=authorized).status_code == 200
