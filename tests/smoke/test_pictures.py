"""Every picture that README and docs show is drawn by `make pictures`, and it draws no other.

That the picture of the report has the figures of today is a test of a whole run, in
tests/integration/simulation/test_readme.py.
"""

import re
from pathlib import Path

from tests.end_to_end.dagster_pictures import NAMES
from tests.end_to_end.pictures import PICTURE, PLAN_PICTURE, README

_PAGES = (README, *sorted((README.parent / "docs").rglob("*.md")))
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)|<img[^>]+src=[\"']([^\"']+)")


def shown() -> set[Path]:
    """The pictures of the pages, by their files."""
    return {
        (page.parent / (markdown or html)).resolve()
        for page in _PAGES
        for markdown, html in _PICTURE.findall(page.read_text(encoding="utf-8"))
        if "://" not in (markdown or html)
    }


def test_the_command_draws_every_picture_that_is_shown():
    drawn = {PICTURE, PLAN_PICTURE, *(PICTURE.parent / name for name in NAMES)}
    assert shown() == drawn
    assert set(PICTURE.parent.iterdir()) == drawn
