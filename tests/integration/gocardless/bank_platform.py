"""A platform whose API is the sandbox, and whose dbt project has been parsed once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from gocardless.bank_account_data.reachability import BASE_URL_VARIABLE
from gocardless.definitions import defs
from sandboxes.bank.bank import demonstration
from sandboxes.bank.server import RunningSandbox, sandbox_server
from shared_lib.dbt.project import target_directory
from shared_lib.discovery.dbt.preparation import parse


@pytest.fixture(scope="session")
def parsed_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose warehouse path dbt has parsed the project for: it parses anew for another."""
    home = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        _give_platform(patch, home)
        parse("gocardless", target_directory("gocardless"))
    return home


def _give_platform(patch: pytest.MonkeyPatch, home: Path) -> None:
    patch.setenv("DAGSTER_ENVIRONMENT", "ci")
    patch.setenv("PLATFORM_DATA_DIRECTORY", str(home / "data"))
    patch.setenv("DBT_TARGET_PATH", str(home / "target"))


def _give_sandbox(patch: pytest.MonkeyPatch, running: RunningSandbox) -> None:
    patch.delenv("SECRETS_BACKEND", raising=False)
    patch.setenv(BASE_URL_VARIABLE, running.url)
    patch.setenv("GOCARDLESS_API__SECRET_ID", running.state.secret_id)
    patch.setenv("GOCARDLESS_API__SECRET_KEY", running.state.secret_key)


@pytest.fixture
def data(parsed_bank: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty data directory of the platform."""
    shutil.rmtree(parsed_bank / "data", ignore_errors=True)
    (parsed_bank / "data").mkdir()
    _give_platform(monkeypatch, parsed_bank)
    return parsed_bank / "data"


@pytest.fixture
def platform_with_sandbox(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """A platform without data whose API is the sandbox."""
    with sandbox_server(demonstration()) as running:
        _give_sandbox(monkeypatch, running)
        yield running


@pytest.fixture(scope="session")
def synced_warehouse(parsed_bank: Path) -> Path:
    """The warehouse after a run of everything against the sandbox, made once."""
    copy = parsed_bank / "synced.duckdb"
    # what a test before has left there
    shutil.rmtree(parsed_bank / "data", ignore_errors=True)
    (parsed_bank / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch, sandbox_server(demonstration()) as running:
        _give_platform(patch, parsed_bank)
        _give_sandbox(patch, running)
        with dg.instance_for_test() as instance:
            job = defs.resolve_job_def("gocardless_sync_job")
            assert job.execute_in_process(instance=instance).success
    shutil.move(parsed_bank / "data" / "gocardless.duckdb", copy)
    return copy


@pytest.fixture
def synced(synced_warehouse: Path, platform_with_sandbox: RunningSandbox, data: Path) -> Path:
    """The warehouse of a platform that has synced everything once."""
    return Path(shutil.copy(synced_warehouse, data / "gocardless.duckdb"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance without runs."""
    with dg.instance_for_test() as found:
        yield found
