"""The site has every page, and the messages of its troubleshooting are those of the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose `!!python/name` tags name functions."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _, name, __: name)


def pages(entry: Any) -> Iterator[str]:
    """The files that a part of the navigation names."""
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from pages(part)


def test_the_navigation_has_each_page_once() -> None:
    site = yaml.load((REPOSITORY / "mkdocs.yml").read_text(), _Loader)
    written = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(pages(site["nav"])) == written


def messages() -> list[str]:
    text = (DOCS / "troubleshooting.md").read_text()
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def source() -> str:
    """All code that writes messages, with each text that is written in parts as one line."""
    paths = [
        path
        for folder in ("code_locations", "shared_lib", "dbt_project/models")
        for pattern in ("*.py", "*.sql")
        for path in (REPOSITORY / folder).rglob(pattern)
    ]
    return re.sub(r"\"\s+f?\"", "", "\n".join(path.read_text() for path in paths))


@pytest.mark.parametrize("message", messages())
def test_a_message_of_the_troubleshooting_is_in_the_code(message: str, source: str) -> None:
    assert message in source
