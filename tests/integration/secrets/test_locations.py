"""The real locations: their definitions do not depend on Vault, and show none of its values."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.secrets.conftest import Bao
from tests.integration.secrets.file_server import FileServer
from tests.integration.secrets.test_canary import SERVED, leaks, run, written_to

from shared_lib.definitions_check import workspace_modules
from shared_lib.environment import REPOSITORY_ROOT

# What the webserver is sent of each location, byte for byte, with the network cut off. Dagster has
# no public name for that.
SNAPSHOTS = """
import importlib, sys
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value
from shared_lib.definitions_check import cut_off_network

cut_off_network()
for module in sys.argv[1:]:
    repository = importlib.import_module(module).defs.get_repository_def()
    print(module, serialize_value(RepositorySnap.from_def(repository)))
"""


def snapshots(environment: dict[str, str]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VAULT_")}
    ran = subprocess.run(
        [sys.executable, "-c", SNAPSHOTS, *workspace_modules().values()],
        cwd=REPOSITORY_ROOT,
        # sets are served in the order of their hashes
        env={**kept, **environment, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture
def sealed_server(tmp_path: Path) -> Iterator[FileServer]:
    server = FileServer(tmp_path)
    try:
        server.set_up()
        server.seal()
        yield server
    finally:
        server.kill()


def test_what_is_served_of_a_location_is_the_same_whatever_becomes_of_vault(
    bao: Bao, sealed_server: FileServer
) -> None:
    dead = {**bao.variables, "VAULT_ADDR": "http://127.0.0.1:9"}
    sealed = {**bao.variables, "VAULT_ADDR": sealed_server.address}

    served = {
        name: snapshots(environment)
        for name, environment in (
            ("unconfigured", {}),
            ("up", {**bao.variables, "SECRETS_BACKEND": "vault"}),
            ("down", {**dead, "SECRETS_BACKEND": "vault"}),
            ("sealed", {**sealed, "SECRETS_BACKEND": "vault"}),
        )
    }

    assert len(served["unconfigured"]) > 100_000
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in served.items()}
    assert len(set(digests.values())) == 1, digests
    assert "canary" not in served["up"]


CANARIES = {
    "gocardless/api": {"secret_id": "canary-gc-id-5d1f", "secret_key": "canary-gc-key-88ab"},
    "orchestration_platform/slack": {"token": "xoxb-canary-slack-c0ffee-123456"},
}


def test_no_secret_is_written_or_served_by_the_real_locations(
    bao: Bao, parsed_platform: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, values in CANARIES.items():
        bao.write(path, **values)
    instance = (REPOSITORY_ROOT / "dagster.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(
        instance.replace("python_logs:\n", "python_logs:\n  python_log_level: DEBUG\n")
    )
    for name, value in {
        "DAGSTER_HOME": str(tmp_path),
        "PLATFORM_DATA_DIRECTORY": str(tmp_path / "data"),
        "SECRETS_BACKEND": "vault",
        # nobody answers there: what asks the API fails with its credentials in hand
        "GOCARDLESS_API_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)

    ran = {
        location: run(
            *("dagster", "asset", "materialize", "-m", f"{location}.definitions"),
            *("--select", "*" if location != "simulation" else "simulation_config"),
            home=tmp_path,
        )
        for location in workspace_modules()
    }
    served = [
        run("dagster-graphql", "-m", module, "-t", SERVED, home=tmp_path)
        for module in workspace_modules().values()
    ]

    assert ran["gocardless"].returncode != 0
    everything = [
        *written_to(tmp_path),
        *((name, text.encode()) for name, end in ran.items() for text in (end.stdout, end.stderr)),
        *(("GraphQL", answer.stdout.encode()) for answer in served),
    ]
    text = b"".join(content for _, content in everything)
    assert b"secrets_reachable" in text
    assert b"2 secrets are found" in text
    for values in CANARIES.values():
        for canary in values.values():
            assert not leaks(everything, canary)
