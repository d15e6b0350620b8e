"""The planning page in a browser: its figures are those of an ordinary run of what it saves."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.end_to_end.browser import needs_browser, open_browser
from tests.integration.simulation.conftest import FIVE_YEARS, Finished

from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from simulation.config import CONFIGURATION_FILE
from simulation.plan.__main__ import main
from simulation.plan.figures import Figures, read_figures
from simulation.seek.target import MEASURES

_CONFIGURED = Path(__file__).with_name("configured.py")
_PATIENCE = PATIENCE_SECONDS * 1000
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)


@dataclass(frozen=True)
class Served:
    """A running ``python -m simulation.plan`` on the finished run, and what it may save in."""

    url: str
    configuration: Path


def configured(file: Path, module: str, *arguments: str) -> list[str]:
    return [sys.executable, str(_CONFIGURED), str(file), module, *arguments]


@pytest.fixture(scope="module")
def served(
    parsed_platform: Path, finished: Finished, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The page, which Ctrl-C ends without a trace."""
    home = tmp_path_factory.mktemp("plan")
    shutil.copytree(finished.data, parsed_platform / "data", dirs_exist_ok=True)
    file, output, scratch = home / "simulation_config.yaml", home / "plan.txt", home / "scratch"
    shutil.copy(CONFIGURATION_FILE, file)
    scratch.mkdir()
    with output.open("w") as log:
        process = subprocess.Popen(
            configured(file, "simulation.plan", "--port", "0"),
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(scratch)},
        )
    try:

        def is_ready() -> bool:
            assert process.poll() is None, output.read_text()
            return "http://" in output.read_text()

        wait_until(is_ready, seconds=PATIENCE_SECONDS, why_not=output.read_text, pause_seconds=0.05)
        (url,) = re.findall(r"plan on baseline: (http://127\.0\.0\.1:\d+) ", output.read_text())
        yield Served(url, file)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0, output.read_text()
        assert "Traceback" not in output.read_text()
        assert list(scratch.iterdir()) == []
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def shown(page: Page, row: str) -> dict[str, list[float]]:
    """The exact values of a row of each measure, by year."""
    return {
        measure: [
            float(value)
            for value in page.locator(f"#{measure} tr.{row} data").evaluate_all(
                "cells => cells.map(cell => cell.value)"
            )
        ]
        for measure in MEASURES
    }


def departments(page: Page, year: int) -> dict[str, list[float]]:
    """Headcount, leavers and payroll of each department as planned."""
    found = {}
    for row in page.locator(f"#departments-{year} tbody tr").all():
        values = row.locator("data").evaluate_all("cells => cells.map(cell => cell.value)")
        found[row.locator("th").inner_text()] = [float(values[place]) for place in (0, 2, 4)]
    return found


def figures(warehouse: Path, scenario: str) -> Figures:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return read_figures(connection, scenario, FIVE_YEARS)


def by_measure(found: Figures) -> dict[str, list[float]]:
    return {name: [found.by_year[year][name] for year in FIVE_YEARS] for name in MEASURES}


@needs_browser
def test_figures_of_the_page_are_those_of_a_run_of_the_scenario_that_it_saves(
    served: Served, browser: Browser, begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    warehouse = begin_with(finished)
    stored = by_measure(figures(warehouse, "baseline"))
    page = browser.new_page(viewport=DESK)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(served.url)
    assert shown(page, "stored") == shown(page, "planned") == stored

    status = page.locator("#status")
    page.get_by_label("merit budget", exact=True).fill("0.02")
    page.get_by_label("merit budget", exact=True).blur()
    expect(status).to_contain_text("Simulated in", timeout=_PATIENCE)
    merit = shown(page, "planned")
    assert merit["headcount"] == stored["headcount"]
    assert merit["payroll"][0] < stored["payroll"][0]

    growth = page.locator(".assumption", has_text="target growth rate")
    growth.get_by_text("By year").click()
    growth.get_by_label("target growth rate 2026").fill("-0.1")
    growth.get_by_label("target growth rate 2026").blur()
    expect(page.locator("#headcount tr.change data").nth(1)).not_to_have_text(
        "0", timeout=_PATIENCE
    )
    shrunk = departments(page, FIVE_YEARS[-1])
    page.get_by_text("Growth by department").click()
    page.get_by_label("Sales", exact=True).fill("0.05")
    page.get_by_label("Sales", exact=True).blur()
    sales = page.locator(f"#departments-{FIVE_YEARS[-1]} tbody tr", has_text="Sales")
    expect(sales.locator("data").first).not_to_have_text(
        f"{shrunk['Sales'][0]:,.0f}", timeout=_PATIENCE
    )
    planned, of_departments = shown(page, "planned"), departments(page, FIVE_YEARS[-1])
    assert of_departments["Sales"][0] > shrunk["Sales"][0]
    assert shown(page, "stored") == stored
    for measure, changes in shown(page, "change").items():
        pairs = zip(planned[measure], stored[measure], strict=True)
        assert changes == [after - before for after, before in pairs]

    page.get_by_label("Name").fill("plan_a")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved pre")).to_have_text("make run SCENARIO=plan_a", timeout=_PATIENCE)
    assert shown(page, "planned") == planned
    page.get_by_label("merit budget", exact=True).fill("0.03")
    page.get_by_label("merit budget", exact=True).blur()
    expect(page.locator("#saved pre"), "what is shown is no longer what is saved").to_have_count(
        0, timeout=_PATIENCE
    )
    assert complaints == []
    page.close()
    subprocess.run(
        configured(served.configuration, "simulation.run", "--scenario", "plan_a"), check=True
    )

    ran = figures(warehouse, "plan_a")
    assert planned == by_measure(ran)
    assert of_departments == {
        name: [each.headcount, each.leavers, each.payroll]
        for name, each in ran.departments[FIVE_YEARS[-1]].items()
    }
    assert by_measure(figures(warehouse, "baseline")) == stored


@needs_browser
def test_the_page_can_be_read_and_used_by_everyone(served: Served, browser: Browser) -> None:
    for scheme in ("light", "dark"):
        look(browser, served.url, scheme)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(served.url)
    page.get_by_label("merit budget", exact=True).fill("0,02")
    page.get_by_role("button", name="Simulate").click()
    problem = page.locator('[id="problem-compensation.merit_budget"]')
    expect(problem).to_contain_text("'0,02' is not allowed, allowed is a number from 0")
    page.get_by_label("merit budget", exact=True).fill("0.02")
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator("#status")).to_contain_text("Simulated in", timeout=_PATIENCE)
    assert page.locator("#payroll tr.change data").first.inner_text().startswith("\N{MINUS SIGN}")
    page.context.close()


def look(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> None:
    """Look for what keeps people from reading the page, before and after a wrong value."""
    # the page's own policy would refuse the script that looks at it
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport=DESK)
    page = context.new_page()
    page.goto(url)
    page.get_by_text("Growth by department").click()
    for label, text in (("", ""), ("cola rate", "0.9")):
        if label:
            field = page.get_by_label(label, exact=True)
            field.fill(text)
            field.blur()
            expect(field).to_have_attribute("aria-invalid", "true", timeout=_PATIENCE)
        found = Axe().run(page).response["violations"]
        assert [one for one in found if one["impact"] in {"serious", "critical"}] == []
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        page.set_viewport_size(DESK)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    context.close()


def test_a_scenario_that_is_not_stored_is_refused_with_the_command_that_computes_it(
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    platform: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--port", "0"]) == 2
    assert "compute the scenario with make run SCENARIO=baseline" in capsys.readouterr().err
    begin_with(finished)
    assert main(["--scenario", "hiring_freze", "--port", "0"]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "did you mean hiring_freeze?" in message
    assert "compute it with: make run SCENARIO=hiring_freeze" in message
    assert main(["--port", "99999"]) == 2
    assert "port 99999 of 127.0.0.1" in capsys.readouterr().err
    assert (platform / "simulation.duckdb").exists()
