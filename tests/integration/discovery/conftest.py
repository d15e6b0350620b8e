"""A location that uses every feature, loaded again for each test."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from shared_lib.discovery import Location, load_location
from shared_lib.warehouse import Warehouse

HERE = Path(__file__).parent
EXAMPLES = Path(__file__).parents[3] / "examples/orchestration.yaml"
TRIALS = "asset_modules: [demonstration.trials]\n"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "sees(*keys): the keys of orchestration.yaml whose effect the test sees"
    )


@pytest.fixture
def demonstration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Location]:
    """Loads the location of examples with environment variables."""
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))

    def load(**variables: str) -> Location:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_location(EXAMPLES)

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "examples"]:
        del sys.modules[name]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Location]:
    """Loads a file with the given text, which has the assets of ``demonstration.trials``."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))

    def load(text: str) -> Location:
        file = tmp_path / "orchestration.yaml"
        file.write_text(TRIALS + text)
        return load_location(file, resources={"warehouse": Warehouse(location="examples")})

    return load


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An empty instance with real storage in memory: to make the files takes half a second."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found
