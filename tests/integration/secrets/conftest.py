"""A real server for the whole session, set up from the files that production applies."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hvac
import pytest
from tests.integration.secrets.fault_proxy import FaultProxy, fault_proxy
from tests.unit.shared_lib.secrets.isolation import _as_if_just_started  # noqa: F401 - a fixture

from sandboxes.ports import reserved_port
from sandboxes.vault.server import LocalServer, give_credentials, local_server
from shared_lib.secrets import SecretsResource

Ask = Callable[..., SecretsResource]


@dataclass(frozen=True)
class Bao:
    """A running server, its root client, and the variables that a platform gets for it."""

    server: LocalServer
    root: hvac.Client
    variables: dict[str, str]
    directory: Path

    def write(self, path: str, **values: str) -> None:
        self.root.secrets.kv.v2.create_or_update_secret(path, secret=values)

    def write_policy(self, name: str, text: str) -> None:
        self.root.sys.create_or_update_policy(name=name, policy=text)


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    directory = tmp_path_factory.mktemp("bao")
    with local_server(port=reserved_port(), log=directory / "server.log") as server:
        variables = give_credentials(server, directory)
        yield Bao(server, server.client(), variables, directory)


@pytest.fixture
def bao(_running: Bao, monkeypatch: pytest.MonkeyPatch) -> Bao:
    """The server, with the environment that ``make vault`` prints."""
    for name, value in _running.variables.items():
        monkeypatch.setenv(name, value)
    _running.write("gocardless/api", secret_id="canary-id-0001", secret_key="canary-key-0001")
    return _running


@pytest.fixture
def proxy(bao: Bao, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy in front of the server that counts requests and disturbs those a test chooses."""
    with fault_proxy(bao.server.address) as proxy:
        monkeypatch.setenv("VAULT_ADDR", proxy.address)
        yield proxy


@pytest.fixture
def log_in_by(bao: Bao, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SecretsResource]:
    """A resource that logs in by another method than the AppRole of ``make vault``."""

    def choose(method: str, **fields: object) -> SecretsResource:
        for name in list(os.environ):
            if name.startswith("VAULT_AUTH_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("VAULT_AUTH_METHOD", method)
        for name, value in fields.items():
            monkeypatch.setenv(f"VAULT_AUTH_{name.upper()}", str(value))
        return SecretsResource(location="gocardless", patience_seconds=2)

    return choose
