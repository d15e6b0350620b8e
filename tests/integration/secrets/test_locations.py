"""The real locations: their definitions do not depend on Vault, and show none of its values."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.secrets.conftest import Bao

from sandboxes.vault.file_server import FileServer
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.definitions_check import workspace_modules

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

SLACK_TOKEN = "token-of-the-bot-6b1f0e"


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
            ("with a token", {"ORCHESTRATION_PLATFORM_SLACK__TOKEN": SLACK_TOKEN}),
            ("up", {**bao.variables, "SECRETS_BACKEND": "vault"}),
            ("down", {**dead, "SECRETS_BACKEND": "vault"}),
            ("sealed", {**sealed, "SECRETS_BACKEND": "vault"}),
        )
    }

    assert len(served["unconfigured"]) > 100_000
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in served.items()}
    assert len(set(digests.values())) == 1, digests
    assert "canary" not in served["up"]
    assert SLACK_TOKEN not in served["with a token"]
