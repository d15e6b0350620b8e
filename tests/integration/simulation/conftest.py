"""Finished runs that several tests look at or start from, each made once for the session."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.simulation.launching import Ended, run_job, run_to_its_end

from shared_lib.configuration.environment import REPOSITORY_ROOT

FIVE_YEARS = range(2025, 2030)


@dataclass(frozen=True)
class Finished:
    """A finished run: how its command ended, and a copy of what it left."""

    ended: Ended
    data: Path
    instance: Path

    @property
    def warehouse(self) -> Path:
        return self.data / "simulation.duckdb"


@pytest.fixture(scope="session")
def finished(parsed_platform: Path) -> Finished:
    """Five years of the baseline on 1,000 generated employees, run from the command line."""
    data = _empty(parsed_platform)
    ended = run_to_its_end("--generate", "1000", directory=parsed_platform)
    assert ended.status == 0, ended.progress
    assert data.is_dir()
    return _kept(parsed_platform, "finished", ended)


@pytest.fixture(scope="session")
def finished_with_another_seed(parsed_platform: Path) -> Finished:
    """The same with another random seed, which only the configuration file can say."""
    from simulation.assets import preparation
    from simulation.config import CONFIGURATION_FILE, load_scenario

    _empty(parsed_platform)
    file = parsed_platform / "simulation_config.yaml"
    text = CONFIGURATION_FILE.read_text(encoding="utf-8")
    file.write_text(text.replace("random_seed: 42", "random_seed: 43"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            preparation,
            "load_scenario",
            lambda name, *, changes: load_scenario(name, path=file, changes=changes),
        )
        result = run_job(
            "multi_year_simulation", years=FIVE_YEARS, request={"generated_size": 1000}
        )
    assert result.success
    return _kept(parsed_platform, "another seed", Ended(0, "", ""))


@pytest.fixture
def begin_with(platform: Path) -> Callable[[Finished], Path]:
    """Puts what a finished run left into the platform; returns the warehouse there."""

    def restore(run: Finished) -> Path:
        shutil.copytree(run.data, platform, dirs_exist_ok=True)
        return platform / "simulation.duckdb"

    return restore


def _empty(home: Path) -> Path:
    for directory in (home / "data", home / "dagster"):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    shutil.copy(REPOSITORY_ROOT / "dagster.local.yaml", home / "dagster" / "dagster.yaml")
    return home / "data"


def _kept(home: Path, name: str, ended: Ended) -> Finished:
    for directory in ("data", "dagster"):
        shutil.copytree(home / directory, home / name / directory)
    return Finished(ended, home / name / "data", home / name / "dagster")
