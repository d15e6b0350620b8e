"""The platform's webserver in the process of a test, with two code locations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from starlette.testclient import TestClient

from orchestration_platform.web.hosts import AllowedHosts
from orchestration_platform.web.login.settings import login_settings
from orchestration_platform.web.server import PlatformWebserver

REPOSITORY = Path(__file__).parents[4]

WORKSPACE = """
load_from:
  - python_file: {relative_path: shop.py, location_name: shop}
  - python_file: {relative_path: bank.py, location_name: bank}
"""
# `report` waits in the queue, since no daemon runs
LOCATION = """
from pathlib import Path

import dagster as dg

@dg.op
def noted(): ...

@dg.job(tags={"dagster-k8s/config": '{"container_config": {"tty": false}}'})
def report(): noted()

@dg.asset(key="LOCATION_stock")
def stock(): ...

@dg.asset(key="LOCATION_sales", partitions_def=dg.StaticPartitionsDefinition(["north"]))
def sales(): ...

selling = dg.define_asset_job("selling", selection=[sales])

def note(context):
    Path(__file__).with_name("tried_LOCATION").touch()
    return dg.SkipReason("tried")

tried = dg.ScheduleDefinition(name="tried", job=report, cron_schedule="@daily", execution_fn=note)

defs = dg.Definitions([stock, sales], jobs=[report, selling], schedules=[tried])
"""


class App:
    """The served application, and the instance behind it."""

    def __init__(self, webserver: PlatformWebserver, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._app = webserver.create_asgi_app()

    def client(self, *, address: str = "10.0.0.9", url: str = "http://localhost") -> TestClient:
        """A program or browser at ``address``."""
        return TestClient(self._app, base_url=url, client=(address, 50_000), follow_redirects=False)


@contextmanager
def loaded_workspace(home: Path) -> Iterator[WorkspaceProcessContext]:
    """Two code locations that are loaded, and their instance in ``home``."""
    (home / "dagster.yaml").write_text((REPOSITORY / "dagster.local.yaml").read_text())
    (home / "workspace.yaml").write_text(WORKSPACE)
    for name in ("shop", "bank"):
        (home / f"{name}.py").write_text(LOCATION.replace("LOCATION", name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as instance:
            target = WorkspaceFileTarget([str(home / "workspace.yaml")])
            with WorkspaceProcessContext(instance, target) as context:
                yield context


def app_with_login(
    context: WorkspaceProcessContext,
    home: Path,
    *,
    way: str,
    settings: str,
    hosts: AllowedHosts | None = None,
) -> App:
    """The webserver with ``PLATFORM_LOGIN=way`` and ``settings`` as its file."""
    (home / f"{way}.yaml").write_text(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORM_LOGIN", way)
        patch.setenv("PLATFORM_LOGIN_FILE", str(home / f"{way}.yaml"))
        login = login_settings(host="0.0.0.0", workspace=home / "workspace.yaml")
    served = hosts or AllowedHosts(frozenset({"localhost"}), "http://localhost")
    return App(PlatformWebserver(context, served, login), context.instance)
