"""Keeps the logs of a failed end-to-end test."""

from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Error, Page
from tests.end_to_end.webserver import DagsterDev


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save the page and the server's last words, and name the files in the failure."""
    if call.excinfo is not None and call.when == "call":
        for evidence in _evidence(item.funcargs):
            call.excinfo.value.add_note(evidence)
    return (yield)


def _evidence(fixtures: dict[str, Any]) -> list[str]:
    server, page = fixtures.get("dagster_dev"), fixtures.get("page")
    if not isinstance(server, DagsterDev) or not isinstance(page, Page):
        return []
    directory = fixtures["tmp_path"]
    log, picture = directory / "dagster_dev.log", directory / "page.png"
    log.write_text(server.log_tail(), encoding="utf-8")
    try:
        page.screenshot(path=picture)
    except Error as error:
        return [f"the platform's output: {log}", f"no screenshot: {error.message}"]
    return [f"the platform's output: {log}", f"screenshot: {picture}, of {page.url}"]
