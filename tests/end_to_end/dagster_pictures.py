"""Pictures of Dagster, the board and an alert, after a run and one that failed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.end_to_end.webserver import REPOSITORY, DagsterDev

from shared_lib.definitions_check import workspace_modules

NAMES = ("asset_graph.png", "board.png", "alert.png")

_GRAPH = '/asset-groups~code_location%3A"simulation"/'
_OPEN_GROUPS = ("inputs", "intermediate", "marts", "results")
# fewer employees than are stored: refused, since it would replace the stored years
_REFUSED = '{"ops": {"simulation_config": {"config": {"generated_size": 500}}}}'
_WAIT_MILLISECONDS = 60_000


def take_pictures(page: Page, home: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Open the platform of a folder; return each picture by its name, of ``NAMES``."""
    page.set_default_timeout(_WAIT_MILLISECONDS)
    expect.set_options(timeout=_WAIT_MILLISECONDS)
    os.environ.update(environment)
    dagster = DagsterDev(home / "dagster_dev.log")
    try:
        dagster.wait_until_loaded(set(workspace_modules()))
        graph = _asset_graph(page, dagster)
        run_id = _failed_run(dagster)
        board = _board(page, dagster)
        alert = _alert(page, run_id, home / "alert.html")
        return dict(zip(NAMES, (graph, board, alert), strict=True))
    finally:
        dagster.stop()


def _asset_graph(page: Page, dagster: DagsterDev) -> bytes:
    page.set_viewport_size({"width": 2000, "height": 1220})
    page.add_locator_handler(
        page.get_by_role("button", name="Skip", exact=True),
        lambda skip: skip.dispatch_event("click"),
    )
    expanded = ",".join(f"global@global:simulation_{group}" for group in _OPEN_GROUPS)
    page.goto(f"{dagster.url}{_GRAPH}?expanded={expanded}")
    expect(page.get_by_text("simulation_report", exact=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def _failed_run(dagster: DagsterDev) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "shared_lib.dagster_client", "trigger", "single_year_simulation",
         "--partition", "baseline|2025", "--config", _REFUSED, "--wait"],
        cwd=REPOSITORY, env=os.environ | {"DAGSTER_WEBSERVER_URL": dagster.url},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    run_id = ended.stdout.strip()
    assert run_id, "the run was refused before it existed"
    assert ended.returncode, f"run {run_id} should have failed"
    return run_id


def _board(page: Page, dagster: DagsterDev) -> bytes:
    page.set_viewport_size({"width": 1200, "height": 1000})
    page.goto(f"{dagster.url}/board")
    return page.screenshot()


def _alert(page: Page, run_id: str, path: Path) -> bytes:
    command = ("orchestration_platform.alerts", "preview", run_id, "--page", str(path))
    subprocess.run([sys.executable, "-m", *command], check=True, cwd=REPOSITORY)
    page.set_viewport_size({"width": 1000, "height": 400})
    page.goto(path.as_uri())
    # without the thread, whose traceback has this machine's paths
    thread = page.get_by_text("in the thread").bounding_box()
    assert thread
    return page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": 1000, "height": thread["y"] - 16}
    )
