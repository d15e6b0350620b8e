"""Debian's Chromium, without a window and without asking its maker for anything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_EXECUTABLE = shutil.which("chromium")
_OFFLINE = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_browser = pytest.mark.skipif(_EXECUTABLE is None, reason="chromium is not installed")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser that is closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_EXECUTABLE, args=_OFFLINE)
        try:
            yield browser
        finally:
            browser.close()
