"""The platform runs as defined in deploy/: Postgres, three code servers, webserver and daemon."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from dagster_graphql import DagsterGraphQLClient
from tests.integration.deploy.production import (
    CODE_SERVERS,
    DATABASE_PASSWORD,
    MAY_MOUNT,
    Production,
)

from sandboxes.postgres import PASSWORD, postgres_server, program
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.dagster_client import DagsterClient, JobRuns, Webserver
from shared_lib.definitions_check import workspace_modules

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed")

LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
} } } }
"""
CHECKS = """
query Run($id: ID!) { runOrError(runId: $id) { ... on Run { events: eventConnection { events {
    ... on AssetCheckEvaluationEvent { evaluation { checkName success description } }
} } } } }
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with postgres_server() as port:
        platform = Production(tmp_path_factory.mktemp("production") / "platform", port)
        platform.create_database()
        try:
            # the order of a machine that starts: webserver and daemon wait for nobody
            for service in (*CODE_SERVERS, "webserver", "daemon"):
                platform.start(service)
            for service in (*CODE_SERVERS, "webserver"):
                platform.wait_until_healthy(service)
            yield platform
        finally:
            stubborn = platform.stop()
    assert stubborn == [], "deaf to SIGTERM"


def ask(production: Production, query: str, **variables: Any) -> Any:
    answer = requests.post(
        f"{production.url}/graphql",
        json={"query": query, "variables": variables},
        timeout=PATIENCE_SECONDS,
    ).json()
    assert "errors" not in answer, answer
    return answer["data"]


def wait_until_loaded(production: Production) -> dict[str, str]:
    found: dict[str, str] = {}

    def are_loaded() -> bool:
        for entry in ask(production, LOCATIONS)["workspaceOrError"]["locationEntries"]:
            location = entry["locationOrLoadError"] or {}
            found[entry["name"]] = location.get("__typename", "loading")
        return set(found.values()) == {"RepositoryLocation"}

    wait_until(are_loaded, seconds=180, why_not=lambda: (found, production.log("webserver")))
    return found


def test_a_run_of_platform_health_completes_in_postgres(production: Production) -> None:
    assert set(wait_until_loaded(production)) == set(workspace_modules())
    library = DagsterGraphQLClient(production.url.removeprefix("http://"))

    run_id = library.submit_job_execution(
        "__ASSET_JOB",
        repository_location_name="orchestration_platform",
        repository_name="__repository__",
        asset_selection=["platform_health"],
    )
    client = DagsterClient(
        Webserver(url=production.url),
        job_runs=JobRuns(f"sqlite:///{production.directory / 'job_runs.db'}"),
    )
    end = client.wait_for_run(run_id, timeout_seconds=180)

    assert end.status == "SUCCESS", production.log("orchestration-platform")
    assert production.health("daemon").returncode == 0, production.log("daemon")
    events = ask(production, CHECKS, id=run_id)["runOrError"]["events"]["events"]
    found = [event["evaluation"] for event in events if event]
    (check,) = [check for check in found if check["checkName"] == "daemons_alive"]
    assert check["success"], check
    port = production.environment("daemon")["DAGSTER_POSTGRES_PORT"]
    with psycopg.connect(
        host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname="dagster"
    ) as database:
        rows = database.execute("select status from runs where run_id = %s", [run_id]).fetchall()
        (rights,) = database.execute(
            "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " from pg_roles where rolname = 'dagster'"
        ).fetchall()
    assert rows == [("SUCCESS",)]
    assert rights == (False,) * 5
    assert list(production.home.rglob("*.db")) == []
    printed = list((production.directory / "compute_logs").rglob("*.err"))
    assert any(run_id in str(path) for path in printed)


@pytest.mark.skipif(not MAY_MOUNT, reason="this machine lets no process mount folders")
def test_the_run_was_made_with_a_read_only_root(production: Production) -> None:
    mounts = Path(f"/proc/{production.processes['simulation'].pid}/mounts").read_text()
    found = {line.split()[1]: line.split()[3].split(",")[0] for line in mounts.splitlines()}
    assert found[str(production.home)] == "ro"
    assert {*production.home.iterdir()} == {
        production.home / name
        for name in ("dagster.yaml", "workspace.yaml", "logs", ".logs_queue", "storage")
    }


def test_what_the_processes_print_has_no_password(production: Production) -> None:
    logs = {path.stem: path.read_text(errors="replace") for path in logs_of(production)}
    assert set(logs) == {*CODE_SERVERS, "webserver", "daemon"}
    assert [name for name, text in logs.items() if PASSWORD in text] == []
    assert [name for name, text in logs.items() if DATABASE_PASSWORD in text] == []


def logs_of(production: Production) -> list[Path]:
    return list(production.directory.glob("*.log"))
