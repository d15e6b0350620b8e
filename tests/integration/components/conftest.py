"""A project of Dagster's ``dg``, as another team has it."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

Project = Callable[[Mapping[str, str]], Path]

EXAMPLES = Path(__file__).parents[3] / "examples/orchestration.yaml"

_PROJECT = """\
[project]
name = "shop"
version = "0"

[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "shop"
"""
_DEFINITIONS = """\
from pathlib import Path

import dagster as dg


@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Makes a project of the given files, by their path below ``defs``, and returns its folder."""
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    # else dg explains its telemetry at the beginning of what it prints into a new home
    home = tmp_path / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "shop"
        package = root / "src" / "shop"
        written = {
            root / "pyproject.toml": _PROJECT,
            package / "__init__.py": "",
            package / "definitions.py": _DEFINITIONS,
            package / "defs" / "__init__.py": "",
            **{package / "defs" / name: text for name, text in files.items()},
        }
        for path, text in written.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(str(package.parent))
        return root

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] in {"shop", "examples"}]:
        del sys.modules[name]


@pytest.fixture
def loaded(project: Project) -> Callable[[Mapping[str, str]], dg.Definitions]:
    """Makes a project of the given files and loads it."""
    return lambda files: dg.load_from_defs_folder(path_within_project=project(files))
