"""Finished runs that several tests look at or start from, each made once for the session."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql
from tests.integration.simulation.launching import Ended, run_job, run_to_its_end
from tests.support.empty_platform import empty_platform

from sandboxes.postgres import PASSWORD, connect, postgres_server, program

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
    data = empty_platform(parsed_platform)
    ended = run_to_its_end("--generate", "1000", directory=parsed_platform)
    assert ended.status == 0, ended.progress
    assert data.is_dir()
    return _kept(parsed_platform, "finished", ended)


@pytest.fixture(scope="session")
def finished_with_another_seed(parsed_platform: Path) -> Finished:
    """The same with another random seed, which only the configuration file can say."""
    from simulation.assets import preparation
    from simulation.config import CONFIGURATION_FILE, load_scenario

    empty_platform(parsed_platform)
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


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """A Postgres for the catalogs of lakes."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as port:
        yield port


@pytest.fixture(scope="session")
def project_of_lake(parsed_platform: Path) -> Path:
    """Where dbt has parsed the simulation's project for the lake, once for the session."""
    from shared_lib.dbt.project import target_directory
    from shared_lib.discovery.dbt.preparation import parse

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE", "lake")
        patch.setenv("DBT_TARGET_PATH", str(parsed_platform / "target of lake"))
        parse("simulation", target_directory("simulation"))
    return parsed_platform / "target of lake"


@pytest.fixture
def lake(postgres_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty lake, to which the variables lead; returns the directory of its files."""
    name = f"lake_{tmp_path.name}"
    with connect(postgres_port, "postgres", PASSWORD) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    lead_to_lake(monkeypatch, port=postgres_port, database=name, data=tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def platform_of_lake(
    platform: Path, project_of_lake: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty platform whose tables are in an empty lake; returns its data directory."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(project_of_lake))
    return platform


def lead_to_lake(patch: pytest.MonkeyPatch, *, port: int, database: str, data: Path) -> None:
    """Set the variables of a lake."""
    patch.setenv("WAREHOUSE", "lake")
    patch.setenv("WAREHOUSE_CATALOG", f"postgresql://postgres@127.0.0.1:{port}/{database}")
    patch.setenv("WAREHOUSE_CATALOG_SECRET", "lake/catalog")
    patch.setenv("LAKE_CATALOG__PASSWORD", PASSWORD)
    patch.setenv("WAREHOUSE_DATA", str(data))


def _kept(home: Path, name: str, ended: Ended) -> Finished:
    for directory in ("data", "dagster"):
        shutil.copytree(home / directory, home / name / directory)
    return Finished(ended, home / name / "data", home / name / "dagster")
