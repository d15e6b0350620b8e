"""The list of all reports in a folder, and a link to the newest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from simulation.report.files import replaced

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEX = "index.html"
LATEST = "latest.html"

_FOLDER = Path(__file__).parent
_TEMPLATE = "index.html.j2"
# The title and the description are at the start of a page.
_HEAD_BYTES = 2_000

# How the titles begin.
_REPORT = "Workforce simulation "
_OTHERS = (
    "Workforce comparison ",
    "Workforce ranges ",
    "Workforce fit ",
    "Workforce backtest ",
)


@dataclass(frozen=True, slots=True)
class ListedReport:
    """A report of the list: its file, what its head says of it, and when it was written."""

    name: str
    title: str
    description: str
    written_at: datetime


def write_index(folder: Path) -> Path:
    """Write the list of all reports and of the other pages in a folder, newest first.

    `latest.html` links to the newest report. Both appear complete or not at all. An HTML file with
    another title is left out.

    Returns:
        The path of the list.

    Raises:
        OSError: The folder cannot be read or written.
    """
    reports = listed_reports(folder)
    latest = next((report for report in reports if report.title.startswith(_REPORT)), None)
    if latest is not None:
        with replaced(folder / LATEST) as unfinished:
            unfinished.symlink_to(latest.name)
    with replaced(folder / INDEX) as unfinished:
        unfinished.write_text(_render(reports, latest), encoding="utf-8")
    return folder / INDEX


def listed_reports(folder: Path) -> list[ListedReport]:
    """Return the reports and the other pages in a folder, the newest first."""
    found = []
    for path in folder.glob("*.html"):
        if path.name in {INDEX, LATEST} or path.name.startswith("."):
            continue
        with path.open("rb") as file:
            head = _Head(file.read(_HEAD_BYTES).decode("utf-8", errors="replace"))
        if head.title.startswith((_REPORT, *_OTHERS)):
            written = path.stat().st_mtime_ns
            found.append((written, path.name, head))
    return [
        ListedReport(name, head.title, head.description, datetime.fromtimestamp(at / 1e9, UTC))
        for at, name, head in sorted(found, key=lambda one: one[:2], reverse=True)
    ]


class _Head(HTMLParser):
    """The title and the description in the head of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.description = ""
        self._is_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title"
        values = dict(attrs)
        if tag == "meta" and values.get("name") == "description":
            self.description = values.get("content") or ""

    def handle_endtag(self, tag: str) -> None:
        self._is_title = self._is_title and tag != "title"

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data


def _render(reports: Sequence[ListedReport], latest: ListedReport | None) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(
        reports=reports, latest=LATEST if latest is not None else None
    )
