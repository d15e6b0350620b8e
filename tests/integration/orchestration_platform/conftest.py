"""An instance as the repository configures it, on SQLite or on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    Postgres,
    postgres_instance,
    running_postgres,
    sqlite_instance,
    sqlite_template,
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of the session."""
    with running_postgres() as found:
        yield found


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_ENVIRONMENT", "ci")
        return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def instance(
    empty_sqlite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[dg.DagsterInstance]:
    """On SQLite, or on Postgres where a test requests it."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    # where links lead to otherwise
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    if getattr(request, "param", "sqlite") == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        made = postgres_instance(server, tmp_path, monkeypatch)
    else:
        made = sqlite_instance(empty_sqlite, tmp_path, monkeypatch)
    with made as found:
        yield found
