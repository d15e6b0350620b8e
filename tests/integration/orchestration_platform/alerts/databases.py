"""Where Dagster and the alerts keep everything in a test: files, or one Postgres for them all."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from sandboxes.postgres import (
    PASSWORD,
    connect,
    postgres_server,
    program,
)

REPOSITORY = Path(__file__).parents[4]
DATABASES = ["sqlite", "postgres"]

# Makes a test, or all of a module, run on each of them.
on_both_databases = pytest.mark.parametrize("instance", DATABASES, indirect=True)

_TEMPLATE = "dagster_template"


@dataclass(frozen=True)
class Postgres:
    """A server, and databases in it."""

    port: int

    def new_database(self) -> str:
        """An empty one; returns its name."""
        return self._created(f"alerts_{time.monotonic_ns()}", "")

    def dagster_database(self, home: Path) -> str:
        """One with Dagster's tables, which are made once and copied; returns its name."""
        with connect(self.port, "postgres", PASSWORD) as connection:
            found = connection.execute(
                "select 1 from pg_database where datname = %s", (_TEMPLATE,)
            ).fetchone()
        if found is None:
            self._created(_TEMPLATE, "")
            with (
                pytest.MonkeyPatch.context() as patch,
                _configured(home, self.variables(_TEMPLATE), patch) as instance,
            ):
                instance.get_runs(limit=1)
                instance.get_latest_materialization_event(dg.AssetKey("none"))
                instance.all_instigator_state()
        return self._created(f"alerts_{time.monotonic_ns()}", f" template {_TEMPLATE}")

    def _created(self, name: str, how: str) -> str:
        with connect(self.port, "postgres", PASSWORD) as connection:
            connection.execute(f"create database {name}{how}".encode())
        return name

    def url(self, database: str, driver: str = "postgresql") -> str:
        """The address of a database."""
        return f"{driver}://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def variables(self, database: str) -> Mapping[str, str]:
        """The variables that production's configuration reads."""
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_USER": "postgres",
            "PGPASSWORD": PASSWORD,
            "DAGSTER_POSTGRES_DB": database,
        }

    @property
    def files(self) -> Path:
        """Its directory."""
        with connect(self.port, "postgres", PASSWORD) as connection:
            found = connection.execute("show data_directory").fetchone()
        assert found is not None
        return Path(found[0])


def pg_ctl(files: Path, *command: str) -> None:
    """Start Postgres, or end it in the middle of what it does."""
    account: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
    subprocess.run(
        [str(program("pg_ctl")), "-D", files, "-w", "-l", files / "log", *command],
        check=True, stdout=subprocess.DEVNULL, cwd=files, **account,
    )  # fmt: skip


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server that nobody else uses."""
    if program("initdb") is None:
        pytest.skip("there is no Postgres on this machine")
    with postgres_server() as port:
        postgres = Postgres(port)
        files = postgres.files
        yield postgres
        # which may not be the process any more that was started there
        pg_ctl(files, "stop", "-m", "fast")


def sqlite_template(home: Path) -> Path:
    """``home`` with Dagster's empty tables: to make them takes five times as long as to copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        shutil.copy(REPOSITORY / "dagster.local.yaml", home / "dagster.yaml")
        with dg.DagsterInstance.get():
            pass
    return home


@contextmanager
def sqlite_instance(
    template: Path, home: Path, patch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance as the repository configures it, on a copy of ``template``."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    patch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as found:
        yield found


@contextmanager
def postgres_instance(
    postgres: Postgres, home: Path, patch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance with production's storage and an empty database."""
    database = postgres.dagster_database(home)
    with _configured(home, postgres.variables(database), patch) as found:
        yield found


@contextmanager
def _configured(
    home: Path, variables: Mapping[str, str], patch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    for variable, value in {**variables, "DAGSTER_HOME": str(home)}.items():
        patch.setenv(variable, value)
    production = yaml.safe_load((REPOSITORY / "deploy" / "dagster.yaml").read_text("utf-8"))
    kept = {key: production[key] for key in ("storage", "run_retries", "telemetry")}
    (home / "dagster.yaml").write_text(yaml.safe_dump(kept))
    with dg.DagsterInstance.get() as found:
        yield found
