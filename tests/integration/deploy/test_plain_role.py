"""Postgres as production has it: a role without rights beyond its database, and TLS verified."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import psycopg
import pytest
import sqlalchemy as sa
import yaml
from tests.integration.orchestration_platform.housekeeping.history import run, stored
from upath import UPath

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.backup.create import create
from orchestration_platform.backup.restore import restore, verify_backup
from orchestration_platform.housekeeping.old_rows import job_runs_url
from orchestration_platform.housekeeping.retention import apply_retention
from orchestration_platform.housekeeping.settings import load_settings
from orchestration_platform.web.audit import Audit
from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.database import database_url as web_database_url
from orchestration_platform.web.login.person import Person
from sandboxes.certificates import Authority
from sandboxes.postgres import PASSWORD, connect, postgres_server, program
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dagster_client.job_runs import JobRuns
from shared_lib.storage.postgres import NoConnectionError

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="Postgres is not installed")

DEPLOY = REPOSITORY_ROOT / "deploy"
ROLE_PASSWORD = "of the plain role"


@dataclass(frozen=True)
class Server:
    """A Postgres with a certificate for 127.0.0.1, and what its client needs."""

    port: int
    client: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority("ca", directory)
    Authority("another", directory)
    with postgres_server(authority.issue("server", directory)) as port:
        (directory / "dagster_password").write_text(ROLE_PASSWORD)
        subprocess.run(
            [DEPLOY / "postgres" / "create_dagster.sh"],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": "127.0.0.1",
                "PGPORT": str(port),
                "PGPASSWORD": PASSWORD,
                "POSTGRES_USER": "postgres",
                "DAGSTER_PASSWORD_FILE": str(directory / "dagster_password"),
            },
            check=True,
        )
        passfile = directory / "pgpass"
        passfile.write_text(f"*:{port}:*:dagster:{ROLE_PASSWORD}\n")
        passfile.chmod(0o600)
        yield Server(port, directory)


@pytest.fixture
def home(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance's directory, with the variables of compose.yaml."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["x-instance"]
    for name, value in {
        "DAGSTER_ENVIRONMENT": "ci",
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(server.port),
        "DAGSTER_POSTGRES_USER": compose["DAGSTER_POSTGRES_USER"],
        "DAGSTER_POSTGRES_DB": compose["DAGSTER_POSTGRES_DB"],
        "PGSSLMODE": compose["PGSSLMODE"],
        "PGSSLROOTCERT": str(server.client / "ca.pem"),
        "PGPASSFILE": str(server.client / "pgpass"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    configured = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump({"storage": configured["storage"]}))
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def test_all_that_the_platform_does_needs_no_superuser(
    server: Server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    (data / "reports").mkdir(parents=True)
    with duckdb.connect(str(data / "gocardless.duckdb")) as warehouse:
        warehouse.execute("create table transactions as select range from range(9)")
    with dg.DagsterInstance.get() as instance:
        instance.upgrade()  # as `dagster instance migrate`
        old = run(instance, "counting", days_ago=400)
        last = run(instance, "counting", days_ago=0)
        with Database(database_url(instance)).transaction() as connection:
            (rights,) = connection.execute(
                sa.text(
                    "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, ssl"
                    " from pg_roles, pg_stat_ssl"
                    " where rolname = current_user and pid = pg_backend_pid()"
                )
            ).all()
        assert tuple(rights) == (False, False, False, False, False, True)
        Audit(WebDatabase(web_database_url(instance))).begin(Person("ada", ()), "launchRun", {})
        JobRuns(job_runs_url(instance)).begin("counting", {}, requested_by="ada")
        backup = create(
            instance, data, UPath(tmp_path / "backups"), keep=1, wait_seconds=0.0, on_wait=print,
            now=datetime.now(UTC),
        )  # fmt: skip
        verify_backup(backup)
        report = apply_retention(instance, load_settings().retention, is_dry=False)
        assert report.deleted == {("counting", "SUCCESS"): 1}
        assert stored(instance) == {last}

    with connect(server.port, "postgres", PASSWORD) as superuser:
        superuser.execute("create database restored owner dagster")
    monkeypatch.setenv("DAGSTER_POSTGRES_DB", "restored")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(home / "dagster.yaml", elsewhere)
    restore(backup, elsewhere, tmp_path / "restored")
    with dg.DagsterInstance.from_config(str(elsewhere)) as restored:
        assert stored(restored) == {old, last}
        assert len(Audit(WebDatabase(web_database_url(restored))).entries(9)) == 1
        assert len(JobRuns(job_runs_url(restored)).latest()) == 1


def test_the_role_reaches_its_own_database_alone(server: Server, home: Path) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host="127.0.0.1", port=server.port, user="dagster", dbname="postgres")
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="dagster", dbname="dagster", autocommit=True
    ) as connection:
        for refused in (
            "create database mine",
            "create role mine",
            "copy (select 1) to program 'true'",
            "select * from pg_authid",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused.encode())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "PGSSLROOTCERT",
            "{client}/another.pem",
            r"no authority in the file of PGSSLROOTCERT \(.*another.pem\) vouches for the server",
        ),
        ("PGSSLROOTCERT", "{client}/no.pem", r"PGSSLROOTCERT \(.*no.pem\) names a file that does"),
        ("DAGSTER_POSTGRES_HOST", "localhost", "the certificate is another host's: use a host"),
        ("PGPASSFILE", "{client}/no", r"the file of PGPASSFILE \(.*/no\) has no line for this"),
        ("PGPASSWORD", "wrong", r"the file of PGPASSFILE \(.*pgpass\) has another password"),
    ],
)
def test_a_server_that_does_not_prove_who_it_is_is_refused_in_words(
    server: Server,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.setenv(variable, value.format(client=server.client))
    with pytest.raises(NoConnectionError, match=message) as raised:
        dg.DagsterInstance.get()
    host = os.environ["DAGSTER_POSTGRES_HOST"]
    assert f"no connection to Postgres at {host}:{server.port} as dagster: " in str(raised.value)
    assert ROLE_PASSWORD not in str(raised.value)


def test_a_server_without_tls_is_refused_in_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it is refused before it asks who connects
    with monkeypatch.context() as patch:
        for name in ("PGSSLMODE", "PGSSLROOTCERT"):
            patch.delenv(name)
        running = ExitStack()
        port = running.enter_context(postgres_server())
    with running:
        monkeypatch.setenv("DAGSTER_POSTGRES_PORT", str(port))
        with pytest.raises(NoConnectionError, match=r"the server has no TLS, and PGSSLMODE"):
            dg.DagsterInstance.get()
