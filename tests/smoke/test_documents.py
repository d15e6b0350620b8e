"""The site has every page, each soon read, true to the models, with the messages of the code."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration_platform.alerts.policies import policy
from orchestration_platform.housekeeping import settings
from shared_lib.configuration.documents import Reference
from shared_lib.configuration.validated_yaml import check_document
from shared_lib.discovery import documents
from shared_lib.discovery.configuration import LocationConfiguration
from simulation.config import documents as simulation_documents
from simulation.config.loading import CONFIGURATION_FILE, load_scenario, merged

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
# what one reads in ten minutes
WORDS = 2200
REFERENCES = (
    *documents.REFERENCES,
    *simulation_documents.REFERENCES,
    policy.reference(),
    settings.reference(),
)


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
    written = sorted(path.relative_to(DOCS).as_posix() for path in PAGES)
    assert sorted(pages(site["nav"])) == written


def test_no_page_takes_longer_than_ten_minutes() -> None:
    words = {page: len(re.findall(r"\w[\w.'/-]*", page.read_text())) for page in PAGES}
    assert {page: count for page, count in words.items() if count > WORDS} == {}


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.path.name)
def test_a_page_of_the_reference_has_the_fields_of_the_models(reference: Reference) -> None:
    assert reference.path.read_text(encoding="utf-8") == reference.text(), "run `make docs`"


def test_each_page_that_a_file_names_exists() -> None:
    named = subprocess.run(
        ["git", "grep", "--untracked", "-ohIE", r"\bdocs/[a-z_/]+\.md"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert len(named) > 50
    assert {page for page in named if not (REPOSITORY / page).is_file()} == set()


def examples(pages: str) -> list[Any]:
    """The blocks of YAML of some pages of docs, without those of dbt's own files."""
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in sorted(DOCS.glob(pages))
        for number, block in enumerate(
            re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        )
        if not block.startswith("# dbt_project/")
    ]


@pytest.mark.parametrize(
    "example", [*examples("orchestration/*.md"), *examples("how_to/first_hour.md")[1:]]
)
def test_an_example_of_orchestration_yaml_is_valid(example: str) -> None:
    checked = check_document(yaml.safe_load(example), LocationConfiguration)
    assert isinstance(checked, LocationConfiguration), checked


@pytest.mark.parametrize(
    "example", [*examples("simulation/*.md"), *examples("how_to/first_hour.md")[:1]]
)
def test_an_example_of_scenarios_is_valid(example: str, tmp_path: Path) -> None:
    shipped = yaml.safe_load(CONFIGURATION_FILE.read_text())
    changed = yaml.safe_load(example)
    written = tmp_path / "simulation_config.yaml"
    written.write_text(yaml.safe_dump(merged(shipped, changed)))
    for scenario in changed.get("scenarios", {"baseline": {}}):
        load_scenario(scenario, path=written)


@pytest.mark.parametrize("example", examples("alerts/*.md"))
def test_an_example_of_a_policy_is_valid(example: str, tmp_path: Path) -> None:
    # a part of a policy is completed by what it does not show
    whole = {
        "name": "shown",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"log": {}},
    }
    written = yaml.safe_load(example)
    if "slack" in written:
        written = {"notification_service": written}
    if "alert_policies" not in written:
        beside = {name: written.pop(name) for name in ("maintenance_windows",) if name in written}
        written = {"alert_policies": [whole | written], **beside}
    file = tmp_path / "alert_policies.yaml"
    file.write_text(yaml.safe_dump(written))
    assert policy.load_policies(file)


def messages() -> list[str]:
    text = (DOCS / "troubleshooting.md").read_text()
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def source() -> str:
    """All code that writes messages, with each text that is written in parts as one line."""
    paths = [
        path
        for folder in ("code_locations", "shared_lib", "new_location", "dbt_project/models")
        for pattern in ("*.py", "*.sql")
        for path in (REPOSITORY / folder).rglob(pattern)
    ]
    return re.sub(r"\"\s+f?\"", "", "\n".join(path.read_text() for path in paths))


@pytest.mark.parametrize("message", messages())
def test_a_message_of_the_troubleshooting_is_in_the_code(message: str, source: str) -> None:
    assert message in source
