"""An instance as the repository configures it, on SQLite and on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    DATABASES,
    Postgres,
    postgres_instance,
    sqlite_instance,
)


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
