"""A lake for the bank, and processes that begin with all that a run imports."""

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from tests.integration.simulation.conftest import lake, postgres_port

__all__ = ["lake", "postgres_port"]


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Starts processes as copies of one that has imported what a run needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.gocardless.lake.bank_processes"])
    return context


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of a platform without a warehouse."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    monkeypatch.delenv("SECRETS_BACKEND", raising=False)
    return tmp_path / "data"


@pytest.fixture
def variables(lake: Path, data: Path) -> Mapping[str, str]:
    """What a process needs to reach the lake: it began before the test."""
    return dict(os.environ)
