"""A repository of its own, with the product's files as they are, whose base is committed."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from preview import dbt_project
from preview.dbt_project import Project
from tests.conftest import REPOSITORY

FOLDERS = ("code_locations", "shared_lib", "dbt_project", "preview", "workspace.yaml")

Change = Callable[[str, str, str], None]


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files on a branch main, with one commit."""
    directory = tmp_path_factory.mktemp("committed")
    listed = git(REPOSITORY, "ls-files", "-co", "--exclude-standard", "-z", "--", *FOLDERS)
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, directory / name)
    shutil.copy(REPOSITORY / ".gitignore", directory)
    git(directory, "init", "--quiet", "--initial-branch", "main")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "Base")
    return directory


@pytest.fixture
def repository(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, on a platform without warehouses."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    return Path(shutil.copytree(committed, tmp_path / "repository"))


@pytest.fixture
def change(repository: Path) -> Change:
    """Replaces a text, which must be there, in a file of the working tree."""

    def replace(path: str, before: str, after: str) -> None:
        file = repository / path
        text = file.read_text(encoding="utf-8")
        assert before in text, path
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    return replace


@pytest.fixture(scope="session")
def parsed_base(committed: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The base's models, parsed once."""
    return dbt_project.parse(committed, tmp_path_factory.mktemp("base") / "dbt")
