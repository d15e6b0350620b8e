"""The report as a reader sees it, in a browser that has no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Route,
    expect,
)
from tests.end_to_end.browser import needs_browser, open_browser
from tests.support.report_marts import (
    Movement,
    Scenario,
    add_department,
    add_findings,
    recorded_configuration,
    report_marts,
)
from tests.unit.simulation.planning.planted_history import written

from simulation.history_pages.making import fit_history
from simulation.report import charts, write_index, write_report

# Headcount and payroll: the start and two years; flows of two years without reductions
# in force; three bands of tenure, one of age, two levels; and two levels in each
# of the years.
DRAWN = [3, 3, 3, 3, 4, 4, 3, 1, 2, 4]

pytestmark = [needs_browser, pytest.mark.xdist_group("report page")]


class Reading:
    """An open page, and what happened while it was read."""

    def __init__(self, page: Page):
        self.page = page
        self.requests: list[str] = []
        self.sent: list[str] = []
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)
        page.route("**/*", self._answer)

    def _hear(self, message: ConsoleMessage) -> None:
        self.complaints.append(message.text)

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def _answer(self, route: Route) -> None:
        self.sent.append(route.request.url)
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            route.abort()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        report_marts(),
        scenario_id="baseline",
        path=tmp_path_factory.mktemp("report") / "report.html",
    )


@pytest.fixture
def reading(browser: Browser, report: Path) -> Iterator[Reading]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    reading = Reading(page)
    page.goto(report.as_uri())
    yield reading
    page.close()


def drawn_marks(page: Page) -> list[int]:
    """Return for each visible chart how many of its marks have an area."""
    return page.eval_on_selector_all(
        "figure.chart svg",
        """charts => charts.filter(chart => chart.checkVisibility()).map(chart =>
            [...chart.querySelectorAll("path[role='graphics-symbol']")].filter(mark => {
                const box = mark.getBoundingClientRect();
                return box.width > 0 && box.height > 0;
            }).length)""",
    )


def bar_colours(page: Page) -> set[str]:
    return set(
        page.eval_on_selector_all(
            "figure.chart svg path[aria-roledescription='bar']",
            "marks => marks.map(mark => getComputedStyle(mark).fill)",
        )
    )


def test_nothing_but_the_file_is_asked_for_and_nothing_is_complained_of(
    reading: Reading, report: Path
):
    reading.page.wait_for_load_state("networkidle")

    assert reading.requests == [report.as_uri()]
    assert reading.complaints == []


def test_every_chart_is_drawn(reading: Reading):
    assert drawn_marks(reading.page) == DRAWN
    assert "rgb(0, 0, 0)" not in bar_colours(reading.page)


def texts_outside(page: Page) -> list[str]:
    """Return the texts that a chart's frame cuts."""
    return page.eval_on_selector_all(
        "figure.chart svg",
        """charts => charts.filter(chart => chart.checkVisibility()).flatMap(chart => {
            const frame = chart.getBoundingClientRect();
            return [...chart.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - 2 || box.right > frame.right + 2
                    || box.top < frame.top - 2 || box.bottom > frame.bottom + 2;
            }).map(text => text.textContent);
        })""",
    )


def test_no_text_of_a_chart_leaves_its_picture(reading: Reading):
    assert texts_outside(reading.page) == []


def test_no_number_of_a_panel_is_cut_wherever_its_axis_ends(reading: Reading):
    panels = [
        charts.flows(
            [
                [
                    charts.Flow("Experienced terminations", end, f"{end:+,}", "")
                    for end in (most, -900)
                ]
            ],
            axis_format=",d",
        )[0]
        for most in range(2000, 3000, 50)
    ]
    reading.page.eval_on_selector(
        "figure.panels", "(figure, panels) => figure.innerHTML = panels.join('')", panels
    )

    assert texts_outside(reading.page) == []


def test_a_mark_shows_its_meaning(reading: Reading):
    page = reading.page
    hires = page.locator("figure.chart svg [aria-label^='2025, hires: +200']")

    # a page that scrolls hides the words, so the pointer comes after the scroll
    hires.scroll_into_view_if_needed()
    page.wait_for_function("() => new Promise(done => requestAnimationFrame(() => done(true)))")
    hires.hover()

    expect(page.locator("#tooltip")).to_be_visible()
    expect(page.locator("#tooltip")).to_have_text("2025, hires: +200 employees")

    page.get_by_role("heading", name="407 joined and 346 left").hover()
    expect(page.locator("#tooltip")).to_be_hidden()


def test_dark_and_light_have_no_colour_in_common(reading: Reading):
    page = reading.page
    body = "getComputedStyle(document.body)"
    light = bar_colours(page) | {page.evaluate(f"{body}.backgroundColor + {body}.color")}

    page.emulate_media(color_scheme="dark")

    dark = bar_colours(page) | {page.evaluate(f"{body}.backgroundColor + {body}.color")}
    assert len(light) > 4
    assert light.isdisjoint(dark)


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_page_fits_its_window(reading: Reading, width: int):
    reading.page.set_viewport_size({"width": width, "height": 900})

    assert reading.page.evaluate("document.documentElement.scrollWidth") == width


def test_printed_page_is_light_and_fits_the_paper(reading: Reading):
    page = reading.page
    page.emulate_media(media="print", color_scheme="dark")
    # A4 less margins of 10 mm, at 96 pixels an inch
    page.set_viewport_size({"width": 718, "height": 1000})

    assert page.evaluate("document.documentElement.scrollWidth") == 718
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def wide_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five years of a million people, in departments with long names."""
    scenario = Scenario(
        movements=tuple(
            Movement(2025 + n, 1_000_000, 160_000, 120_000, 10_000, 30_000, 1_000_000)
            for n in range(5)
        ),
        configuration=recorded_configuration(),
    )
    connection = report_marts(scenario)
    for year in range(2025, 2030):
        add_department(
            connection, scenario, year, "Research and Development of the North", active=5, left=1
        )
    return write_report(
        connection,
        scenario_id="baseline",
        path=tmp_path_factory.mktemp("wide") / "report.html",
    )


def cut_tables(page: Page) -> list[str]:
    """Return the headings of the tables that are wider than their room."""
    return page.eval_on_selector_all(
        "table",
        """tables => tables.filter(table => {
            const room = table.parentElement.getBoundingClientRect();
            const box = table.getBoundingClientRect();
            return box.right > room.right + 1 || box.left < room.left - 1;
        }).map(table => table.tHead.textContent)""",
    )


@pytest.mark.parametrize(("media", "width"), [("screen", 1280), ("print", 718)])
def test_no_column_is_cut(
    browser: Browser, report: Path, wide_report: Path, media: Literal["screen", "print"], width: int
):
    for path in (report, wide_report):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.emulate_media(media=media)
        page.goto(path.as_uri())
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")

        assert cut_tables(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.close()


def test_no_name_and_no_number_of_a_department_is_cut_by_the_edge_of_its_chart(
    browser: Browser, wide_report: Path
):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(wide_report.as_uri())

    names = page.locator("section", has=page.get_by_role("heading", name="Departments")).locator(
        "figure"
    )

    assert names.count() == 4
    for figure in names.all():
        room = figure.locator("svg").evaluate(
            """svg => [...svg.querySelectorAll('text')].flatMap(text => [
                text.getBoundingClientRect().left - svg.getBoundingClientRect().left,
                svg.getBoundingClientRect().right - text.getBoundingClientRect().right])"""
        )
        assert min(room) >= 0
    page.close()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    browser: Browser, tmp_path: Path, color_scheme: Literal["light", "dark"]
):
    scenario = Scenario(configuration=recorded_configuration())
    connection = report_marts(scenario)
    for year in (2025, 2026):
        add_department(connection, scenario, year, "Sales", active=30, left=3)
    add_findings(
        connection,
        scenario,
        ("assumed", False, "pay is taken as annual"),
        ("left out", False, "7 rows set aside"),
        ("rejected", True, "4 rows rejected"),
    )
    report = write_report(connection, scenario_id="baseline", path=tmp_path / "report.html")
    for section in ("The target growth of headcount is", "<h2>Departments</h2>"):
        assert section in report.read_text(encoding="utf-8")
    # the page's own policy would refuse the script that looks at it
    context = browser.new_context(bypass_csp=True, color_scheme=color_scheme)
    page = context.new_page()

    for path in (report, write_index(tmp_path)):
        page.goto(path.as_uri())
        found = Axe().run(page).response["violations"]

        assert [one for one in found if one["impact"] in {"serious", "critical"}] == []
    context.close()


def test_charts_need_no_script(browser: Browser, report: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())

    assert page.locator("figure.chart svg path[aria-roledescription='bar']").count() > 0
    assert page.get_by_role("heading", name="2026: from 1,030 to 1,061").is_visible()
    context.close()


def test_injected_script_does_not_run(browser: Browser, tmp_path: Path):
    scenario = Scenario(
        name="</title><script>console.log('run')</script>",
        reject_values=("<img src=x onerror=\"console.log('run')\">",),
        level_names=("</text></svg><script>console.log('run')</script>", "Manager"),
    )
    path = write_report(
        report_marts(scenario), scenario_id=scenario.name, path=tmp_path / "report.html"
    )
    page = browser.new_page()
    reading = Reading(page)

    page.goto(path.as_uri())

    assert page.title().endswith(scenario.name)
    assert reading.complaints == []
    # and where the escaping did not hold, the page's policy would
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1/x>')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.injected = true'}))"
    )
    assert page.evaluate("window.injected") is None
    assert any("Content Security Policy" in complaint for complaint in reading.complaints)
    assert reading.sent == [path.as_uri()]
    page.close()


def test_the_page_of_a_fit_is_drawn_without_network_script_or_cut_columns(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    paths = written(tmp_path, size=400, rate=0.1, levels=True, ages=True)
    path = fit_history(paths, scenario="ours").page
    # the page's own policy would refuse the script that looks at it
    context = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    reading = Reading(page)
    page.goto(path.as_uri())

    # a bar for each band: tenure, age, level, department, fifth of pay; and for the year's raise
    bars = page.locator("figure.chart svg path[aria-roledescription='bar']")
    assert bars.count() == sum(
        page.locator(f"[data-group='{name}'] tbody tr").count()
        for name in ("tenure", "age", "level", "department", "pay position", "years")
    )
    assert texts_outside(page) == []
    assert cut_tables(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    assert reading.requests == [path.as_uri()]
    assert reading.complaints == []
    found = Axe().run(page).response["violations"]
    assert [one for one in found if one["impact"] in {"serious", "critical"}] == []
    context.close()
