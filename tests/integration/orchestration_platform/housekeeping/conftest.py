"""An instance as the repository configures it, on SQLite and on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    DATABASES,
    Postgres,
    postgres_instance,
    running_postgres,
    sqlite_instance,
    sqlite_template,
)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_ENVIRONMENT", "ci")
        return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as found:
        yield found


@pytest.fixture(params=DATABASES)
def instance(
    empty_sqlite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    if request.param == "sqlite":
        made = sqlite_instance(empty_sqlite, tmp_path, monkeypatch)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        made = postgres_instance(server, tmp_path, monkeypatch)
    with made as found:
        yield found
