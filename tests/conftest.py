"""What every test may rely on: a platform of its own, away from the developer's data."""

import gc
import logging
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from shared_lib.dbt.compiled import Statement

# Where this is started in the background, interrupts are ignored, and so would every process that
# it starts: the tests of what Ctrl-C does would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# An example may take as long as the machine needs: by default 0.2 s, which a busy one exceeds.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")

REPOSITORY = Path(__file__).parents[1]

# Fixtures that take long to make and serve many tests: those tests go to one worker.
_SHARED = {
    "finished": "simulation",
    "finished_with_another_seed": "simulation",
    "parsed_bank": "bank",
    "parsed_shop": "shop",
    "compiled_project": "compiled project",
    "bao": "vault",
    "file_server": "file server",
    "production": "production",
    "reports": "locations",
    "people": "census",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "serial: measures time, so it runs when no other test does")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Do not search for garbage among modules and tests, which live as long as the process.

    That was half of what importing them costs each worker, and again a part of each test.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# before pytest-xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        assert isinstance(item, pytest.Function)
        for group in _groups(item):
            item.add_marker(pytest.mark.xdist_group(group))


def _groups(item: pytest.Function) -> set[str]:
    """What the test shares with others: else each worker would make it for its part of them."""
    shared = {_SHARED[name] for name in item.fixturenames if name in _SHARED}
    if shared or item.get_closest_marker("xdist_group"):
        return shared
    if "parsed_platform" in item.fixturenames:
        return {"parsed platform"}
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    if any(definitions[-1].scope == "module" for definitions in fixtures):
        return {item.path.relative_to(REPOSITORY / "tests").as_posix()}
    return set()


@pytest.fixture(scope="session", autouse=True)
def _dagsters_migrations_are_read_once() -> Iterator[None]:
    """Dagster reads some 80 scripts for each storage that it opens, which costs 30 ms of CPU."""
    from alembic.script import ScriptDirectory

    read = ScriptDirectory.from_config
    found: dict[str | None, ScriptDirectory] = {}

    def read_once(config: Any) -> ScriptDirectory:
        location = config.get_main_option("script_location")
        if location not in found:
            found[location] = read(config)
        return found[location]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", read_once)
        yield


SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def parsed_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose path dbt has parsed the simulation's project for, once for the session.

    dbt parses anew, which takes 5 s, whenever the path of the warehouse changes.
    """
    home = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_ENVIRONMENT", "ci")
        patch.setenv("PLATFORM_DATA_DIRECTORY", str(home / "data"))
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        patch.setenv("DBT_TARGET_PATH", str(home / "target"))
        patch.setenv("DBT_DUCKDB_PATH", str(home / "data" / "simulation.duckdb"))
        from tests.support.empty_platform import prepare_platform

        from shared_lib.dbt.project import target_directory
        from shared_lib.discovery.dbt.preparation import parse

        parse("simulation", target_directory("simulation"))
        prepare_platform(home)
        yield home


@pytest.fixture
def platform(parsed_platform: Path) -> Path:
    """An empty platform: no warehouse, no runs. Returns its data directory."""
    from tests.support.empty_platform import empty_platform

    return empty_platform(parsed_platform)


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120,000 generated employees."""
    from simulation.census.generation import generate_census

    path = tmp_path_factory.mktemp("census") / "census.parquet"
    generate_census(path, size=120_000, seed=7, as_of=date(2024, 12, 31))
    return path


@pytest.fixture(scope="session")
def compiled_project(tmp_path_factory: pytest.TempPathFactory, census: Path) -> Path:
    """A dbt target directory after a real run of the simulation's five years, on a fresh file."""
    import duckdb
    from tests.support.replay import YEARS, settings_with

    from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
    from shared_lib.discovery.dbt.sections import selection_of
    from simulation.census.tables import create_tables as create_census_tables
    from simulation.state.runs import open_run, record_request
    from simulation.state.tables import create_tables

    home = tmp_path_factory.mktemp("compiled")
    with duckdb.connect(str(home / "simulation.duckdb")) as connection:
        create_tables(connection)
        create_census_tables(connection)
        connection.execute(
            "insert into raw.baseline_workforce_validated (scenario_id, employee_id, birth_date, "
            "hire_date, level, department, annual_compensation) select 'baseline', employee_id, "
            "birth_date, hire_date, level, department, annual_compensation "
            "from read_parquet(?) limit 100",
            [str(census)],
        )
        record_request(connection, scenario_id="baseline", settings=settings_with(), resume=False)
        open_run(connection, run_id="compile", first_year=YEARS[0], last_year=YEARS[-1])
    subprocess.run(
        [
            DBT_EXECUTABLE,
            "--quiet",
            "build",
            *selection_of("simulation"),
            "--resource-type",
            "model",
            "--resource-type",
            "seed",
            "--profiles-dir",
            ".",
            "--event-time-start",
            f"{YEARS[0]}-01-01",
            "--event-time-end",
            f"{YEARS[-1] + 1}-01-01",
        ],
        cwd=PROJECT_DIRECTORY,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(home / "simulation.duckdb"),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "target"),
        },
        check=True,
    )
    return home / "target"


@pytest.fixture(scope="session")
def statements(compiled_project: Path) -> "tuple[Statement, ...]":
    """The compiled project, five years of it."""
    from tests.support.replay import YEARS

    from shared_lib.dbt.compiled import load_statements

    return load_statements(compiled_project, years=YEARS)


@pytest.fixture(scope="session")
def payroll_directory() -> Path:
    """The real payroll exports; tests that read them are skipped where they are not."""
    directory = SHARED_DATA / "payroll"
    if not directory.is_dir():
        pytest.skip(f"the payroll exports are not at {directory}")
    return directory


@pytest.fixture(autouse=True)
def _dg_in_a_test_changes_no_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dg` marks its process as one of development, where components parse dbt projects anew."""
    monkeypatch.setenv("DAGSTER_IS_DEV_CLI", "")
    monkeypatch.delenv("DAGSTER_IS_DEV_CLI")


@pytest.fixture(autouse=True)
def _no_logger_writes_to_what_an_earlier_test_captured() -> None:
    """A command that logs to stderr leaves a handler with the stream of its test, now closed."""
    for logger in logging.root.manager.loggerDict.values():
        for handler in list(getattr(logger, "handlers", ())):
            if getattr(getattr(handler, "stream", None), "closed", False):
                logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def _secrets_of_a_test_are_forgotten_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a secret that is a plain word vanishes from the messages of every later test."""
    from shared_lib.secrets.redaction import registry

    monkeypatch.setattr(registry, "_names", dict(registry._names))
    monkeypatch.setattr(registry, "_compiled", None)
