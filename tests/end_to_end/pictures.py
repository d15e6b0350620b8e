"""``make pictures``: what README shows, from a fresh run in a temporary home.

Writes the picture of the report, the table of the years below it, and the pictures of the planning
page, the assets, the board and an alert, for which a second run fails. The pictures of the report
and of the planning page carry their figures as a comment, so that a test can compare what they show
with a run of today.
"""

import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
from playwright.sync_api import Page, expect
from tests.end_to_end.browser import open_browser
from tests.end_to_end.dagster_pictures import take_pictures

from simulation.report import LATEST, years_table

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
PICTURE = REPOSITORY / "docs" / "images" / "report.png"
PLAN_PICTURE = PICTURE.with_name("plan.png")

# The table in README: its head, and all lines up to an empty one.
_TABLE = re.compile(r"^\| Year \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
_WIDTH = 1200


def table_of(text: str) -> str:
    """The table of the years in README's text.

    Raises:
        ValueError: it has none, or several.
    """
    (table,) = _TABLE.findall(text)
    return table


def with_comment(png: bytes, comment: str) -> bytes:
    """The picture with a comment, as readable text, before the chunk that ends it."""
    chunk = b"iTXtComment\0\0\0\0\0" + comment.encode()
    length, checksum = len(chunk) - 4, zlib.crc32(chunk)
    return png[:-12] + length.to_bytes(4) + chunk + checksum.to_bytes(4) + png[-12:]


def _run(home: Path) -> dict[str, str]:
    """Simulate the baseline, as `make run` does, with everything that it writes below a folder.

    Returns the variables that lead there.
    """
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").write_bytes(
        (REPOSITORY / "dagster.local.yaml").read_bytes()
    )
    environment = {
        "PLATFORM_DATA_DIRECTORY": str(home / "data"),
        "DAGSTER_HOME": str(home / "dagster"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_DUCKDB_PATH": str(home / "data" / "simulation.duckdb"),
    }
    for command in (("shared_lib.discovery.dbt", "prepare"), ("simulation.run",)):
        subprocess.run(
            [sys.executable, "-m", *command],
            check=True,
            cwd=REPOSITORY,
            env=os.environ | environment,
        )
    return environment


def _picture(report: Path) -> bytes:
    """The report from its head to the end of its second section."""
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": _WIDTH, "height": 900}, color_scheme="light")
        page.goto(report.as_uri())
        height = (
            page.locator("main > section")
            .nth(1)
            .evaluate("section => section.getBoundingClientRect().bottom + window.scrollY")
        )
        return page.screenshot(
            full_page=True, clip={"x": 0, "y": 0, "width": _WIDTH, "height": height + 24}
        )


@contextmanager
def changed_plan(environment: Mapping[str, str]) -> Iterator[Page]:
    """The planning page, on which the growth of a year and the merit budget are changed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulation.plan", "--port", "0"],
        cwd=REPOSITORY, env=os.environ | environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address, "the page is not served"
        with open_browser() as browser:
            page = browser.new_page(viewport={"width": _WIDTH, "height": 900}, color_scheme="light")
            page.goto(address[0])
            growth = page.locator(".assumption", has_text="target growth rate")
            growth.get_by_text("By year").click()
            growth.get_by_label("target growth rate 2027").fill("-0.05")
            page.get_by_label("merit budget", exact=True).fill("0.03")
            page.get_by_role("button", name="Simulate").click()
            expect(page.locator("#status")).to_contain_text("Simulated in")
            yield page
    finally:
        process.terminate()
        process.wait()


def figures_of(plan: Page) -> str:
    """The planned figures by year, a line for each row of the page's table."""
    rows = plan.locator("table").first.locator("tr").all_inner_texts()
    return "\n".join(" | ".join(row.split("\t")) for row in rows)


def plan_picture(environment: Mapping[str, str]) -> bytes:
    """The top of the planning page, with its figures as a comment."""
    with changed_plan(environment) as page:
        return with_comment(page.screenshot(), figures_of(page))


def main() -> None:
    """Write the pictures and the table."""
    text = README.read_text(encoding="utf-8")
    before = table_of(text)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        environment = _run(home)
        with duckdb.connect(str(home / "data" / "simulation.duckdb"), read_only=True) as connection:
            table = years_table(connection, "baseline")
        picture = _picture((home / "data" / "reports" / LATEST).resolve())
        plan = plan_picture(environment)
        with open_browser() as browser:
            others = take_pictures(browser.new_page(color_scheme="light"), home, environment)
    for name, png in others.items():
        (PICTURE.parent / name).write_bytes(png)
    PLAN_PICTURE.write_bytes(plan)
    PICTURE.write_bytes(with_comment(picture, table))
    README.write_text(text.replace(before, table), encoding="utf-8")


if __name__ == "__main__":
    main()
