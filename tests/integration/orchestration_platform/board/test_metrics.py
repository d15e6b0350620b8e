"""Each number of /metrics is found again by GraphQL, in the log of events or in the outbox."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_graphql.schema import create_schema
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.orchestration_platform.board import shop

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.board.board import KeptState
from orchestration_platform.board.metrics.documents import PAGE, metrics_page
from orchestration_platform.board.metrics.scrape import METRICS, Scrape

PROMTOOL = shutil.which("promtool")

# of dagster-prometheus-exporter, each with its labels
EXPORTER = {
    "active_runs": {"job_name", "location", "status"},
    "active_run_duration_seconds": {"job_name", "location", "status"},
    "completed_runs_total": {"job_name", "location", "status"},
    "last_run_info": {"job_name", "location", "status"},
    "last_run_duration_seconds": {"job_name", "location", "status"},
    "code_location_load_error": {"location"},
    "daemon_healthy": {"daemon_type", "required"},
    "daemon_last_heartbeat_timestamp_seconds": {"daemon_type"},
    "run_queue_concurrency_key_backlog": {"concurrency_key"},
    "schedule_status": {"schedule_name", "location", "status"},
    "schedule_last_tick_status": {"schedule_name", "location", "status"},
    "schedule_last_tick_timestamp_seconds": {"schedule_name", "location"},
    "sensor_status": {"sensor_name", "location", "status"},
    "sensor_last_tick_status": {"sensor_name", "location", "status"},
    "sensor_last_tick_timestamp_seconds": {"sensor_name", "location"},
    "asset_stale_status": {"asset_key", "status"},
    "asset_last_materialization_status": {"asset_key", "status"},
    "asset_last_materialization_timestamp_seconds": {"asset_key"},
    "op_pool_concurrency_active_slots": {"pool"},
    "op_pool_concurrency_assigned_steps": {"pool"},
    "op_pool_concurrency_pending_steps": {"pool"},
    "op_pool_concurrency_limit": {"pool", "using_default_limit"},
    "exporter_scrape_duration_seconds": {"collector"},
    "exporter_last_scrape_success": {"collector"},
    "exporter_scrape_errors_total": {"collector"},
    "exporter_build_info": {"version"},
}

QUERY = """{
  assetNodes { assetKey { path } staleStatus groupName }
  instance {
    daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } }
    concurrencyLimits {
      concurrencyKey limit usingDefaultLimit activeSlotCount assignedStepCount pendingStepCount
    }
  }
  workspaceOrError { ... on Workspace { locationEntries {
    name locationOrLoadError { __typename }
  } } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
    location { name }
    pipelines { name }
    schedules { name scheduleState { status ticks(limit: 1) { status timestamp } } }
    sensors { name sensorState { status ticks(limit: 1) { status timestamp } } }
  } } }
  runsOrError { ... on Runs { results { jobName status creationTime startTime endTime } } }
}"""

Samples = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]


def parsed(exposition: bytes) -> Samples:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def by(samples: Samples, name: str, *labels: str) -> dict[Any, float]:
    """The values of a metric by some of its labels; by the value alone of one label."""
    found = {}
    for sample, value in samples.get(f"dagster_{name}", {}).items():
        values = tuple(dict(sample)[label] for label in labels)
        found[values[0] if len(labels) == 1 else values] = value
    return found


@pytest.fixture(scope="module")
def scrape(instance: dg.DagsterInstance) -> Scrape:
    return Scrape(Database(database_url(instance)), KeptState())


@pytest.fixture(scope="module")
def exposition(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, scrape: Scrape
) -> bytes:
    """A second scrape, after a run has failed and others wait."""
    scrape.exposition(workspace.create_request_context())
    job, tags = shop.defs.resolve_job_def("nightly"), {".dagster/repository": "__repository__@shop"}
    job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    location = workspace.create_request_context().get_code_location("shop")
    repository = location.get_repository("__repository__")
    for status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED):
        instance.create_run_for_job(
            job,
            tags={**tags, "dagster/concurrency_key": "till"},
            status=status,
            remote_job_origin=repository.get_full_job("nightly").get_remote_origin(),
            job_code_origin=repository.get_full_job("nightly").get_python_origin(),
        )
    instance.event_log_storage.set_concurrency_slots("till", 3)
    instance.report_runless_asset_event(dg.AssetMaterialization("empty"))
    return scrape.exposition(
        workspace.create_request_context(), now=datetime.now(UTC) + timedelta(seconds=60)
    )


@pytest.fixture(scope="module")
def samples(exposition: bytes) -> Samples:
    return parsed(exposition)


@pytest.fixture(scope="module")
def answer(workspace: WorkspaceProcessContext, exposition: bytes) -> dict[str, Any]:
    found = create_schema().execute(QUERY, context_value=workspace.create_request_context())
    assert not found.errors
    assert found.data
    return found.data


def test_all_that_is_served_is_declared_and_nothing_else(samples: Samples) -> None:
    declared = {metric.name: set(metric.labels) for metric in METRICS}
    for name, series in samples.items():
        assert all({label for label, _ in labels} == declared[name] for labels in series), name
    for name, labels in EXPORTER.items():
        assert labels <= declared[f"dagster_{name}"], name
    assert metrics_page() == PAGE.read_text(), "run `make docs`"


@pytest.mark.skipif(not PROMTOOL, reason="Debian's prometheus is not installed")
def test_promtool_accepts_the_metrics(exposition: bytes) -> None:
    checked = subprocess.run(
        [PROMTOOL or "", "check", "metrics"], input=exposition, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr.decode()


def test_runs_are_those_of_graphql(samples: Samples, answer: dict[str, Any]) -> None:
    runs = answer["runsOrError"]["results"]
    active = Counter(
        (run["jobName"], run["status"].lower())
        for run in runs if run["status"] in ("QUEUED", "STARTING", "STARTED")
    )  # fmt: skip
    found = by(samples, "active_runs", "job_name", "status")
    assert {key: number for key, number in found.items() if number} == active
    assert {name for name, _ in found} >= {"nightly", "all_shelves", "sales_job"}
    durations = by(samples, "active_run_duration_seconds", "job_name", "status")
    assert all((durations[key] > 50) == (key in active) for key in found)
    last = {}
    for run in runs:  # the newest first
        if run["endTime"]:
            last.setdefault(run["jobName"], run)
    assert by(samples, "last_run_info", "job_name", "status") == {
        (name, run["status"].lower()): 1 for name, run in last.items()
    }
    seconds = by(samples, "last_run_duration_seconds", "job_name")
    for name, run in last.items():
        assert seconds[name] == pytest.approx(run["endTime"] - run["creationTime"], abs=0.01)
    statuses = {"succeeded": "SUCCESS", "failed": "FAILURE", "canceled": "CANCELED"}
    counts = Counter((run["jobName"], run["status"]) for run in runs)
    for (name, status), number in by(samples, "job_recent_runs", "job_name", "status").items():
        if status in statuses:
            assert number == counts[name, statuses[status]]
    assert by(samples, "job_failing", "job_name") == {
        name: float(run["status"] == "FAILURE") for name, run in last.items()
    }
    good = {}
    for run in runs:
        if run["status"] == "SUCCESS":
            good.setdefault(run["jobName"], run["endTime"])
    assert by(samples, "job_last_success_timestamp_seconds", "job_name") == pytest.approx(good)
    assert by(samples, "run_queue_concurrency_key_backlog", "concurrency_key") == {"till": 1}


def test_a_counter_counts_what_ended_since_the_first_scrape(samples: Samples) -> None:
    found = by(samples, "completed_runs_total", "job_name", "status")
    assert {key: number for key, number in found.items() if number} == {("nightly", "failure"): 1}
    assert found["sales_job", "success"] == 0


def test_assets_are_those_of_graphql(
    samples: Samples, answer: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    nodes = {"/".join(node["assetKey"]["path"]): node for node in answer["assetNodes"]}
    assert by(samples, "asset_stale_status", "asset_key", "status") == {
        (name, node["staleStatus"].lower()): 1 for name, node in nodes.items()
    }
    assert {name for name, _ in by(samples, "asset_health", "asset_key", "health")} == set(nodes)
    last, statuses = {}, {}
    for name in nodes:
        event = instance.get_latest_materialization_event(dg.AssetKey(name))
        if event:
            last[name] = event.timestamp
        [record] = instance.get_asset_records([dg.AssetKey(name)]) or [None]
        run = record and instance.get_run_by_id(record.asset_entry.last_run_id or "")
        if run:
            statuses[name, run.status.value.lower()] = 1
    found = by(samples, "asset_last_materialization_timestamp_seconds", "asset_key")
    assert found == pytest.approx(last)
    assert by(samples, "asset_last_materialization_status", "asset_key", "status") == statuses
    assert by(samples, "asset_freshness_status", "asset_key", "status") == {("prices", "fail"): 1}
    stale = by(samples, "asset_stale_status", "asset_key", "status")
    assert ("label", "stale") in stale


def test_numbers_that_an_asset_publishes_are_metrics(samples: Samples) -> None:
    labels = "asset_key", "location", "table", "row", "column"
    found = by(samples, "asset_published_value", *labels)
    assert found == {("full", "shop", "Tills", "north", "rolls"): 3}


def test_costs_are_the_sums_of_what_the_log_has(
    samples: Samples, answer: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    events = instance.fetch_materializations(dg.AssetKey("full"), limit=100).records
    made = [event.asset_materialization for event in events]
    found = by(samples, "asset_recent_cost", "asset_key", "what")
    of_full = {what: number for (asset, what), number in found.items() if asset == "full"}
    assert of_full.pop("seconds") > 0
    assert of_full == {
        what: sum(one.metadata[what].value for one in made if one)
        for what in ("bytes", "calls", "cpu_seconds")
    }
    of_job = by(samples, "job_recent_cost", "job_name", "what")
    assert of_job["all_shelves", "cpu_seconds"] == of_full["cpu_seconds"]
    nightly = [run for run in answer["runsOrError"]["results"] if run["jobName"] == "nightly"]
    seconds = sum(run["endTime"] - run["startTime"] for run in nightly if run["endTime"])
    assert of_job["nightly", "seconds"] == pytest.approx(seconds, abs=0.01)


def test_the_platform_is_that_of_graphql(samples: Samples, answer: dict[str, Any]) -> None:
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert by(samples, "daemon_healthy", "daemon_type", "required") == {
        (daemon["daemonType"], str(daemon["required"]).lower()): float(bool(daemon["healthy"]))
        for daemon in daemons
    }
    entries = answer["workspaceOrError"]["locationEntries"]
    assert (
        by(samples, "code_location_load_error", "location")
        == {
            entry["name"]: float(entry["locationOrLoadError"]["__typename"] == "PythonError")
            for entry in entries
        }
        == {"shop": 0, "tills": 1}
    )
    for pool in answer["instance"]["concurrencyLimits"]:
        name = pool["concurrencyKey"]
        default = str(pool["usingDefaultLimit"]).lower()
        limits = by(samples, "op_pool_concurrency_limit", "pool", "using_default_limit")
        assert limits == {(name, default): pool["limit"]} == {("till", "false"): 3}
        for metric, field in (
            ("active_slots", "activeSlotCount"),
            ("assigned_steps", "assignedStepCount"),
            ("pending_steps", "pendingStepCount"),
        ):
            assert by(samples, f"op_pool_concurrency_{metric}", "pool") == {name: pool[field]}
    [repository] = answer["repositoriesOrError"]["nodes"]
    for kind in ("schedule", "sensor"):
        states = {item["name"]: item[f"{kind}State"] for item in repository[f"{kind}s"]}
        assert by(samples, f"{kind}_status", f"{kind}_name", "status") == {
            (name, state["status"].lower()): 1 for name, state in states.items()
        }
        ticks = {name: state["ticks"][0] for name, state in states.items() if state["ticks"]}
        assert by(samples, f"{kind}_last_tick_status", f"{kind}_name", "status") == {
            (name, tick["status"].lower()): 1 for name, tick in ticks.items()
        }
        assert by(samples, f"{kind}_last_tick_timestamp_seconds", f"{kind}_name") == {
            name: tick["timestamp"] for name, tick in ticks.items()
        }


def test_what_cannot_be_read_is_counted_and_the_rest_is_served(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    database = Database(f"sqlite:///{instance.root_directory}/broken.db")
    with database.transaction() as connection:
        MESSAGES.drop(connection)
    scrape = Scrape(database, KeptState())
    for failures in (1, 2):
        samples = parsed(scrape.exposition(workspace.create_request_context()))
        assert by(samples, "exporter_last_scrape_success", "collector") == {
            "assets": 1, "runs": 1, "costs": 1, "automation": 1, "alerts": 0, "attention": 0,
        }  # fmt: skip
        errors = by(samples, "exporter_scrape_errors_total", "collector")
        assert errors["alerts"] == failures
        assert by(samples, "asset_health", "asset_key")


def test_incidents_and_messages_are_those_of_the_outbox(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    database = Database(f"sqlite:///{instance.root_directory}/counted.db")
    now = datetime.now(UTC).timestamp()
    states = ["waiting", "delivered", "delivered", "suppressed", "failed"]
    with database.transaction() as connection:
        for number, person in enumerate(("", "ada")):
            connection.execute(INCIDENTS.insert().values(
                policy="all", fingerprint=str(number), location="shop", subject=f"job {number}",
                event_type="JOB_FAILURE", service="log", address="", first_at=now - 60,
                last_at=now, occurrences=1, facts="", latest="", version=1, changed_at=now,
                last_entry_at=0.0, escalations=0, acknowledged_by=person or None,
                acknowledged_at=now - 30 if person else None,
            ))  # fmt: skip
        for number, state in enumerate(states):
            connection.execute(MESSAGES.insert().values(
                key=str(number), incident_id=1, service="log", address="", kind="head", state=state,
                sent_version=1, plain=False, unsure=False, attempts=0, created_at=now - number,
            ))  # fmt: skip
    samples = parsed(Scrape(database, KeptState()).exposition(workspace.create_request_context()))
    open_ = by(samples, "incidents_open", "severity", "acknowledged")
    assert {key: number for key, number in open_.items() if number} == {
        ("error", "yes"): 1, ("error", "no"): 1,
    }  # fmt: skip
    assert by(samples, "alert_recent_messages", "state") == Counter(states)
    assert by(samples, "alerts_waiting") == {(): 1}
    assert by(samples, "incident_acknowledge_seconds") == {(): 30}
    assert by(samples, "alert_oldest_waiting_timestamp_seconds") == pytest.approx({(): now})
