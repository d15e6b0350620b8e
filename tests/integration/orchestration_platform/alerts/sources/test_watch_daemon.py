"""What the daemon and the webserver find: ticks, freshness, code locations."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
import sqlalchemy as sa
from tests.support.servers import wait_until_it_answers
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.policies.unknown_names import unknown_names
from orchestration_platform.alerts.sources.collect import Collector
from orchestration_platform.alerts.workspace.described import described
from orchestration_platform.alerts.workspace.webserver import Workspace
from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.xdist_group("watched dagster")


INSTANCE = """
telemetry: {enabled: false}
run_retries: {enabled: false}
"""
SHOP = """
from datetime import timedelta
from pathlib import Path
import dagster as dg

@dg.asset(
    group_name="stock",
    owners=["team:shop"],
    tags={"tier": "gold"},
    metadata={"runbook": dg.MetadataValue.url("https://wiki.example.com/shelves")},
)
def shelves(): ...

@dg.op
def count(): ...

@dg.job(owners=["team:tills", "ada@example.com"], metadata={"Runbook_URL": "ring the till"})
def closing():
    count()

@dg.asset(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(seconds=61)))
def bread(): ...

@dg.asset(
    freshness_policy=dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=1), fail_window=timedelta(hours=4)
    )
)
def milk(): ...

@dg.sensor(minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def deliveries():
    if Path("sensor_fails").exists():
        raise ConnectionError("no answer from the supplier")

defs = dg.Definitions(assets=[shelves, bread, milk], jobs=[closing], sensors=[deliveries])
"""
BROKEN = 'raise ImportError("no module named tills")\n'
MENDED = "import dagster as dg\ndefs = dg.Definitions()\n"

RELOAD = """
mutation { reloadRepositoryLocation(repositoryLocationName: "tills") { __typename } }
"""


@dataclass(frozen=True)
class RunningDagster:
    """A webserver and a daemon with a valid location and one that does not load."""

    home: Path
    url: str

    def reload(self) -> None:
        requests.post(
            f"{self.url}/graphql", json={"query": RELOAD}, timeout=PATIENCE_SECONDS
        ).raise_for_status()


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDagster]:
    home = tmp_path_factory.mktemp("watched")
    (home / "dagster.yaml").write_text(INSTANCE)
    (home / "shop.py").write_text(SHOP)
    (home / "tills.py").write_text(BROKEN)
    (home / "workspace.yaml").write_text(
        "load_from:\n"
        + "".join(
            f"  - python_file: {{relative_path: {name}.py, location_name: {name}}}\n"
            for name in ("shop", "tills")
        )
    )
    # two programs that make the same tables at once get into each other's way
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        dg.DagsterInstance.get().dispose()
    port = reserved_port()
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "FRESHNESS_DAEMON_INTERVAL_SECONDS": "2",
        "PYTHONWARNINGS": "ignore",
    }
    programs = ("dagster_webserver", "-h", "127.0.0.1", "-p", str(port)), ("dagster._daemon", "run")
    running: list[subprocess.Popen[bytes]] = []
    with (home / "log").open("wb") as log:
        for program in programs:
            command = [sys.executable, "-m", *program, "-w", str(home / "workspace.yaml")]
            running.append(
                subprocess.Popen(
                    command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT
                )
            )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(
            f"{url}/server_info", running[0], home / "log", seconds=PATIENCE_SECONDS
        )
        yield RunningDagster(home, url)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


Until = Callable[[Callable[[list[Any]], bool]], list[Any]]


@pytest.fixture
def watching(
    dagster: RunningDagster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Until]]:
    """Makes a collector for a policy; what it makes passes until something is to be seen."""
    monkeypatch.setenv("DAGSTER_HOME", str(dagster.home))
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", dagster.url)
    database = Database(f"sqlite:///{tmp_path / 'alerts.db'}")
    with dg.DagsterInstance.get() as instance:

        def make(*event_types: str, targets: Any = ()) -> Until:
            policy = {
                "name": "p",
                "enabled": True,
                "event_types": event_types,
                "alert_targets": targets,
                "notification_service": {"log": {}},
            }
            policies = AlertPolicies.model_validate({"alert_policies": [policy]}).alert_policies

            def until(is_seen: Callable[[list[Any]], bool]) -> list[Any]:
                rows: list[Any] = []

                def looked() -> bool:
                    collector = Collector(
                        instance, database, policies, alert_channel="#a", ui_url=""
                    )
                    collector.collect(until=float("inf"))
                    assert collector.errors == []
                    with database.transaction() as connection:
                        rows[:] = connection.execute(sa.select(INCIDENTS))
                    return is_seen(rows)

                log = dagster.home / "log"
                wait_until(looked, seconds=PATIENCE_SECONDS, why_not=log.read_text)
                return rows

            until(lambda _rows: True)
            return until

        yield make


def has_one(rows: list[Any]) -> bool:
    return len(rows) == 1


def is_over(rows: list[Any]) -> bool:
    return rows[0].recovered_at is not None


def policies_for(*targets: tuple[str, Any]) -> list[Policy]:
    kinds = {"run": "JOB_FAILURE", "sch": "TICK_FAILURE", "cod": "CODE_LOCATION_ERROR"}
    documents = [
        {
            "name": f"p{number}",
            "enabled": True,
            "event_types": [kinds.get(kind[:3], "ASSET_MATERIALIZATION_FAILURE")],
            "alert_targets": [{kind: target}],
            "notification_service": {"log": {}},
        }
        for number, (kind, target) in enumerate(targets)
    ]
    return AlertPolicies.model_validate({"alert_policies": documents}).alert_policies


def test_names_that_no_location_has_are_reported(
    dagster: RunningDagster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", dagster.url)
    right = policies_for(
        ("run_result_target", {"jobs": [{"location_name": "shop", "job_name": "__ASSET_JOB"}]}),
        ("run_result_target", {"jobs": [{"location_name": "tills", "job_name": "any"}]}),
        ("run_result_target", {"location_names": ["tills"]}),
        ("schedule_or_sensor_target",
         {"schedules_or_sensors": [{"location_name": "shop", "name": "deliveries"}]}),
        ("asset_group_target", {"location_name": "shop", "asset_group": "stock"}),
        # an asset of the location that does not load, perhaps
        ("asset_key_target", {"asset_key": ["coins"]}),
    )  # fmt: skip
    wrong = policies_for(
        ("run_result_target", {"jobs": [{"location_name": "shop", "job_name": "stocktaking"}]}),
        ("run_result_target", {"jobs": [{"location_name": "shops", "job_name": "stocktaking"}]}),
        ("schedule_or_sensor_target",
         {"schedules_or_sensors": [{"location_name": "shop", "name": "delivery"}]}),
        ("schedule_or_sensor_target", {"location_names": ["office"]}),
        ("code_location_target", {"location_names": ["till"]}),
        ("asset_group_target", {"location_name": "shop", "asset_group": "shelf"}),
    )  # fmt: skip
    names = Workspace().names()
    assert names is not None
    assert unknown_names(right, names) == []
    assert unknown_names(wrong, names) == [
        "p0: shop has no job stocktaking",
        "p1: there is no code location shops, did you mean shop?",
        "p2: shop has no schedule or sensor delivery, did you mean deliveries?",
        "p3: there is no code location office",
        "p4: there is no code location till, did you mean tills?",
        "p5: shop has no asset group shelf",
    ]

    complete = replace(names, locations={"shop": names.locations["shop"]})
    assets = policies_for(
        ("asset_key_target", {"asset_key": ["bread"]}),
        ("asset_key_target", {"asset_key": ["breads"]}),
        ("asset_selection_target", {"asset_selection": 'group:"stock"'}),
        ("asset_selection_target", {"asset_selection": 'owner:"team:hr"'}),
    )
    assert unknown_names(assets, complete) == [
        "p1: there is no asset breads, did you mean bread?",
        "p3: no asset matches asset_selection 'owner:\"team:hr\"'",
    ]


def test_a_sensor_that_fails_is_reported_until_it_works_again(
    dagster: RunningDagster, watching: Callable[..., Until]
) -> None:
    flag = dagster.home / "sensor_fails"
    target = {"location_name": "shop", "name": "deliveries"}
    until = watching(
        "TICK_FAILURE",
        targets=[{"schedule_or_sensor_target": {"schedules_or_sensors": [target]}}],
    )
    flag.touch()
    until(has_one)
    [row] = until(lambda rows: rows[0].occurrences > 1)
    alert = Alert.from_json(row.facts)
    assert (alert.kind, alert.subject, alert.location) == ("Sensor", "deliveries", "shop")
    [problem] = alert.problems
    assert problem.error_class == "ConnectionError"
    assert problem.message == "no answer from the supplier"
    assert "shop.py:" in problem.place
    assert row.recovered_at is None
    flag.unlink()
    until(is_over)


def test_a_code_location_that_does_not_load_is_reported_until_it_loads(
    dagster: RunningDagster, watching: Callable[..., Until]
) -> None:
    until = watching("CODE_LOCATION_ERROR")
    [row] = until(has_one)
    alert = Alert.from_json(row.facts)
    assert (alert.kind, alert.subject) == ("Code location", "tills")
    assert "no module named tills" in alert.problems[0].message
    assert "tills.py:" in alert.problems[0].place
    assert "tills.py" in alert.problems[0].trace

    (dagster.home / "tills.py").write_text(MENDED)
    dagster.reload()
    until(is_over)
    (dagster.home / "tills.py").write_text(BROKEN)
    dagster.reload()
    until(lambda rows: len(rows) == 2)


def test_an_asset_is_known_with_its_group_and_owners(
    dagster: RunningDagster, watching: Callable[..., Until]
) -> None:
    selection = 'group:stock and owner:"team:shop" and code_location:shop'
    until = watching(
        "ASSET_MATERIALIZATION_SUCCESS",
        targets=[{"asset_selection_target": {"asset_selection": selection}}],
    )
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("elsewhere"))
        instance.report_runless_asset_event(dg.AssetMaterialization("shelves"))
    [row] = until(has_one)
    alert = Alert.from_json(row.facts)
    assert alert.subject == "shelves"
    assert alert.owners == ("team:shop",)


def test_what_the_definitions_say_about_a_job_and_an_asset_is_in_the_alert(
    watching: Callable[..., Until],
) -> None:
    watching("JOB_FAILURE")
    workspace = Workspace()
    tags = {"team": "shop", "dagster/partition": "1", "user": "ada"}
    of_job = failure(job_name="closing", subject="closing", owners=())
    job = described(of_job, tags, workspace)
    assert (job.owners, job.runbook) == (("team:tills", "ada@example.com"), "ring the till")
    assert job.tags == (("team", "shop"),)

    of_asset = replace(of_job, event_type="ASSET_MATERIALIZATION_FAILURE", assets=("shelves",))
    asset = described(of_asset, tags, workspace)
    # of an asset, its own owners are notified
    assert (asset.owners, asset.runbook) == (("team:shop",), "https://wiki.example.com/shelves")
    assert asset.tags == (("team", "shop"), ("tier", "gold"))

    both = described(replace(of_job, assets=("shelves",)), tags, workspace)
    assert both.owners == ("team:tills", "ada@example.com", "team:shop")
    assert both.runbook == "https://wiki.example.com/shelves"
    assert Alert.from_json(both.to_json()) == both


def test_a_webserver_that_is_away_leaves_what_was_known_of_locations(
    watching: Callable[..., Until], monkeypatch: pytest.MonkeyPatch
) -> None:
    until = watching("CODE_LOCATION_ERROR")
    until(has_one)
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", f"http://127.0.0.1:{reserved_port()}")
    found = Workspace()
    assert found.locations() is None
    assert "CODE_LOCATION_ERROR is not monitored: Dagster at" in found.problems[0]
    [row] = until(has_one)
    assert row.recovered_at is None


def test_an_asset_that_is_too_old_is_reported_until_it_is_made_again(
    dagster: RunningDagster, watching: Callable[..., Until]
) -> None:
    until = watching("ASSET_FRESHNESS_FAIL", "ASSET_FRESHNESS_PASS")
    made = dg.AssetMaterialization("bread")
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(made)
        record = instance.get_latest_materialization_event(dg.AssetKey("bread"))
        assert record is not None
        until(lambda rows: [row.event_type for row in rows] == ["ASSET_FRESHNESS_PASS"])
        _make_older(dagster.home, record.timestamp, by_seconds=3600)
        rows = until(lambda rows: len(rows) == 2)
        alert = Alert.from_json(rows[1].facts)
        assert (alert.event_type, alert.subject) == ("ASSET_FRESHNESS_FAIL", "bread")
        assert alert.location == "shop"
        assert rows[1].recovered_at is None
        instance.report_runless_asset_event(made)
        until(lambda rows: rows[1].recovered_at is not None)


def _make_older(home: Path, timestamp: float, *, by_seconds: float) -> None:
    """As if it had been made some time ago: Dagster allows no policy shorter than a minute."""
    with sqlite3.connect(home / "history" / "runs" / "index.db") as connection:
        changed = connection.execute(
            "update asset_keys set last_materialization = replace(last_materialization, ?, ?)",
            (repr(timestamp), repr(timestamp - by_seconds)),
        )
        assert changed.rowcount
    connection.close()


def test_an_asset_that_is_about_to_be_too_old_is_reported_until_it_is_too_old(
    dagster: RunningDagster, watching: Callable[..., Until]
) -> None:
    until = watching("ASSET_FRESHNESS_WARN", "ASSET_FRESHNESS_FAIL")
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("milk"))
        record = instance.get_latest_materialization_event(dg.AssetKey("milk"))
        assert record is not None
        _make_older(dagster.home, record.timestamp, by_seconds=2 * 3600)
        [row] = until(has_one)
        alert = Alert.from_json(row.facts)
        assert (alert.event_type, alert.subject) == ("ASSET_FRESHNESS_WARN", "milk")
        assert alert.problems[0].message == (
            "it is about to be older than its freshness policy allows"
        )
        assert alert.last_success_at is not None
        _make_older(dagster.home, record.timestamp - 2 * 3600, by_seconds=3 * 3600)
        warned, failed = until(lambda rows: len(rows) == 2)
    assert failed.event_type == "ASSET_FRESHNESS_FAIL"
    # it is in one state at a time
    assert (warned.recovered_at is not None, failed.recovered_at) == (True, None)
    assert Alert.from_json(warned.latest).instead == "it is too old"
