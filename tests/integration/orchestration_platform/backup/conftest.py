"""A platform with something in every part, on SQLite and on Postgres, and a second, empty one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    DATABASES,
    Postgres,
    postgres_instance,
    sqlite_instance,
)
from upath import UPath


@dataclass(frozen=True)
class Platform:
    """An instance and its data directory."""

    instance: dg.DagsterInstance
    data: Path

    @property
    def home(self) -> Path:
        return Path(self.instance.root_directory)


@pytest.fixture(params=DATABASES)
def instances(
    empty_sqlite: Path, request: pytest.FixtureRequest
) -> Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]]:
    """Makes an empty instance in a directory."""
    if request.param == "sqlite":
        return lambda home, patch: sqlite_instance(empty_sqlite, home, patch)
    server: Postgres = request.getfixturevalue("postgres")
    return lambda home, patch: postgres_instance(server, home, patch)


@pytest.fixture
def platform(
    instances: Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Platform]:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    data = tmp_path / "data"
    (data / "reports").mkdir(parents=True)
    (data / "reports" / "baseline.html").write_text("<p>12 % more</p>")
    (data / "answers").mkdir()
    (data / "answers" / "account.json").write_text('{"booked": []}')
    with duckdb.connect(str(data / "gocardless.duckdb")) as connection:
        connection.execute("create schema unified")
        connection.execute("create table unified.transactions as select range id from range(1000)")
    # a name that folders within a home have too
    home = tmp_path / "storage" / "home"
    home.mkdir(parents=True)
    with instances(home, monkeypatch) as instance:
        yield Platform(instance, data)


@pytest.fixture
def place(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "backups")
