"""The platform as its users open it: ``dagster dev``, and a browser that clicks.

Both simulations are launched from the pages of their jobs. The numbers follow from the rules of
a year, with the shipped configuration and 500 employees at the start.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
)
from tests.end_to_end.browser import needs_browser, open_browser
from tests.end_to_end.webserver import REPOSITORY, DagsterDev

from shared_lib.definitions_check import workspace_modules

# A page may wait for a code server, which shares two cores with everything else.
PAGE_MILLISECONDS = 60_000
RUN_MILLISECONDS = 180_000
# the daemon looks for backfills every 30 s, and for queued runs every 5 s
BACKFILL_MILLISECONDS = 300_000

SMALL_CENSUS = "ops: {simulation_config: {config: {generated_size: 500}}}"

# Year, headcount at its start and end.
YEARS = [(2025, 500, 515), (2026, 515, 530), (2027, 530, 546)]
# the 500 of the start and 100 hires: ceil((515 - 440) / 0.75)
ROWS_OF_2025 = 600

BACKFILL = """
query Backfill($id: String!) { partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status numPartitions runs(limit: 10) {
        id jobName status tags { key value }
    } }
    ... on PythonError { message }
} }
"""

pytestmark = [needs_browser, pytest.mark.xdist_group("dagster dev")]

expect.set_options(timeout=PAGE_MILLISECONDS)


@pytest.fixture(scope="module")
def dagster_dev(
    parsed_platform: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DagsterDev]:
    """One server for the module, on an empty platform: its start takes 30 s."""
    data, instance = parsed_platform / "data", parsed_platform / "dagster"
    for directory in (data, instance):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    shutil.copy(REPOSITORY / "dagster.local.yaml", instance / "dagster.yaml")
    server = DagsterDev(tmp_path_factory.mktemp("dagster_dev") / "output.log")
    try:
        server.wait_until_loaded(set(workspace_modules()))
        yield server
    finally:
        stubborn = server.stop()
    assert stubborn == [], "deaf to SIGINT"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def console() -> list[str]:
    """What the page complained of to the browser."""
    return []


@pytest.fixture
def page(
    browser: Browser, dagster_dev: DagsterDev, console: list[str], tmp_path: Path
) -> Iterator[Page]:
    page = browser.new_page(base_url=dagster_dev.url, viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PAGE_MILLISECONDS)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":  # its warnings are about the UI's own GraphQL cache
            console.append(f"{message.text} ({message.location['url']})")

    page.on("console", hear)
    page.on("pageerror", lambda error: console.append(f"exception: {error}"))
    # A new instance asks every reader once to subscribe to a newsletter. The button moves while
    # the dialog grows, which a click of the mouse would wait for.
    page.add_locator_handler(
        page.get_by_role("button", name="Skip", exact=True),
        lambda skip: skip.dispatch_event("click"),
    )
    yield page
    page.close()


def test_all_locations_load_without_error_or_warning(
    page: Page, dagster_dev: DagsterDev, console: list[str]
) -> None:
    page.goto("/deployment/locations")
    names = set(workspace_modules())
    assert len(names) >= 3
    for name in names:
        expect(page.locator(f'a[href="/locations/{name}/"]')).to_be_visible()
    expect(page.get_by_text("Loaded", exact=True)).to_have_count(len(names))
    expect(
        page.get_by_text(re.compile("error|warning|failed", re.IGNORECASE)).filter(visible=True)
    ).to_have_count(0)
    assert_silent(dagster_dev, console)


def test_a_year_launched_from_its_job_page_shows_rows_columns_and_checks(
    page: Page, dagster_dev: DagsterDev, console: list[str]
) -> None:
    launched = launch(
        page,
        job="single_year_simulation",
        years=["2025"],
        button="Launch 1 run",
        mutation="LaunchPipelineExecution",
    )
    page.goto(f"/runs/{launched['launchPipelineExecution']['run']['id']}")
    assert outcome(page) == "Success"

    page.goto("/assets/fct_workforce_snapshot")
    row_count = page.get_by_text("Row count", exact=True).locator("xpath=..")
    expect(row_count).to_have_text(re.compile(rf"Row count\s*{ROWS_OF_2025}$"))
    for name, kind in {
        "employee_id": "varchar",
        "hire_date": "date",
        "level": "integer",
        "detailed_status": "varchar",
        "prorated_compensation": "decimal",
    }.items():
        expect(column(page, name)).to_contain_text(kind)
    assert results_of_checks(page, "fct_workforce_snapshot") == {"Succeeded"}
    assert results_of_checks(page, "int_employee_years") == {"Succeeded"}
    assert results_of_checks(page, "simulated_years") == {"Succeeded"}
    assert_silent(dagster_dev, console)


def test_a_range_of_years_becomes_one_run(
    page: Page, dagster_dev: DagsterDev, console: list[str], parsed_platform: Path
) -> None:
    launched = launch(
        page,
        job="multi_year_simulation",
        years=[str(year) for year, *_ in YEARS],
        button="Launch backfill",
        mutation="LaunchPartitionBackfill",
    )
    backfill = launched["launchPartitionBackfill"]["backfillId"]
    page.goto(f"/runs/b/{backfill}")
    status = page.get_by_text("Status", exact=True).locator("xpath=..")
    expect(status).to_have_text(
        re.compile("Succeeded|Failed|Canceled"), timeout=BACKFILL_MILLISECONDS
    )

    found = dagster_dev.query(BACKFILL, id=backfill)["partitionBackfillOrError"]
    assert found["status"] == "COMPLETED_SUCCESS", found
    assert len(found["runs"]) == 1, found["runs"]
    run = found["runs"][0]
    assert (run["jobName"], run["status"]) == ("multi_year_simulation", "SUCCESS")
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == "baseline|2025"
    assert tags["dagster/asset_partition_range_end"] == "baseline|2027"
    assert (tags["scenario"], tags["years"]) == ("baseline", "2025-2027")
    assert years_in_the_warehouse(parsed_platform / "data" / "simulation.duckdb") == YEARS

    page.goto("/assets/simulation_report")
    picture = page.locator('img[src^="/reports/baseline-"]')
    expect(picture).to_have_attribute("alt", re.compile("^Headcount "))
    assert picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 0
    assert_silent(dagster_dev, console)


def assert_silent(dagster_dev: DagsterDev, console: list[str]) -> None:
    """Neither the browser nor the server, since its start, has had anything to warn of."""
    assert not console, "\n".join(console)
    complaints = dagster_dev.complaints()
    assert not complaints, "\n".join(complaints)


def launch(page: Page, *, job: str, years: list[str], button: str, mutation: str) -> dict[str, Any]:
    """Launch ``job`` for ``years`` from its page; returns what the server answered."""
    page.goto(f"/locations/simulation/jobs/{job}")
    # the number follows, because what is only observed is beside them
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog").filter(has_text="Partition selection")
    dialog.get_by_text("Select a partition or create one").click()
    search = page.get_by_placeholder("Filter partitions")
    for key in (f"baseline|{year}" for year in years):
        search.fill(key)
        # the dropdown, which shows only this key, is last in the page
        page.get_by_text(key, exact=True).filter(visible=True).last.click()
    page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(dialog.get_by_text(re.compile(rf"^{len(years)} partitions?$"))).to_be_visible()
    configure(page, dialog, SMALL_CENSUS)

    def answers(response: Response) -> bool:
        return f'"operationName":"{mutation}"' in (response.request.post_data or "")

    with page.expect_response(answers) as answer:
        dialog.get_by_role("button", name=button, exact=True).click()
    return answer.value.json()["data"]


def configure(page: Page, dialog: Locator, config: str) -> None:
    dialog.get_by_text("Config", exact=True).click()
    dialog.get_by_role("button", name="Add config").click()
    editor = page.get_by_role("dialog").filter(has_text="Config Editor")
    editor.locator(".CodeMirror").first.click()
    page.keyboard.insert_text(config)
    expect(editor.locator(".CodeMirror-line")).to_have_text(config)
    expect(editor.get_by_text("No errors")).to_be_visible()
    editor.get_by_role("button", name="Save config").click()
    expect(dialog.get_by_text("Config saved")).to_be_visible()


def outcome(page: Page) -> str:
    """How the run, whose page is open, ended; the page follows it without a reload."""
    ended = page.get_by_text(re.compile("^(Success|Failure|Canceled)$")).first
    ended.wait_for(timeout=RUN_MILLISECONDS)
    return ended.inner_text()


def column(page: Page, name: str) -> Locator:
    """The row of a column in the table schema of an asset's page."""
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def results_of_checks(page: Page, asset: str) -> set[str]:
    """What the checks of an asset came to, from their list on its page."""
    page.goto(f"/assets/{asset}")
    page.get_by_role("tab", name="Checks").click()
    heading = page.get_by_text(re.compile(r"^Checks \(\d+\)$"))
    count = int(re.sub(r"\D", "", heading.inner_text()))
    states = page.get_by_text(re.compile("^(Succeeded|Failed|Not Evaluated|In progress)$"))
    expect(states).to_have_count(count)
    return set(states.all_inner_texts())


def years_in_the_warehouse(path: Path) -> list[tuple[int, int, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "with ledger as ("
            "select simulation_year, count(*) filter (where termination_date is null) as actives "
            "from intermediate.int_employee_years where scenario_id = 'baseline' group by all) "
            "select simulation_year, start_headcount, actives "
            "from ledger left join marts.fct_year_summary using (simulation_year) order by all"
        ).fetchall()
