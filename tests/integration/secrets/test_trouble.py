"""Server errors and expiring tokens: the caller waits a little, or gets a remedy."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.secrets.conftest import Bao
from tests.integration.secrets.fault_proxy import Dropped, FaultProxy, Refusal

from sandboxes.certificates import Authority
from sandboxes.vault.file_server import FileServer
from sandboxes.vault.server import LocalServer, give_credentials
from shared_lib.secrets import (
    SecretsResource,
    VaultBusyError,
    VaultSealedError,
    VaultUnreachableError,
)
from shared_lib.secrets.vault.retrying import Patience

PATH = "gocardless/api"


def read(secrets: SecretsResource) -> str:
    return secrets.get(PATH)["secret_id"].reveal()


@pytest.mark.parametrize(
    "fault",
    [Dropped(), *(Refusal(status) for status in (412, 429, 472, 473, 500, 502, 503, 504))],
    ids=lambda fault: str(getattr(fault, "status", "dropped")),
)
def test_passing_faults_are_retried(
    fault: Dropped | Refusal, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: 0.01)
    secrets = SecretsResource(location="gocardless")
    proxy.faults.extend([fault] * 3)
    assert read(secrets) == "canary-id-0001"
    assert len(proxy.logins()) == 4


def test_a_server_that_asks_for_time_gets_it(proxy: FaultProxy) -> None:
    proxy.faults.append(Refusal(429, {"Retry-After": "1"}))
    started = time.monotonic()
    assert read(SecretsResource(location="gocardless")) == "canary-id-0001"
    assert time.monotonic() - started >= 1


def test_a_server_that_asks_for_more_time_than_there_is_ends_the_wait(proxy: FaultProxy) -> None:
    proxy.faults.append(Refusal(503, {"Retry-After": "3600"}))
    started = time.monotonic()
    with pytest.raises(VaultBusyError, match="answers 503, still after 30 s"):
        read(SecretsResource(location="gocardless", patience_seconds=30))
    assert time.monotonic() - started < 15


def test_a_persistent_error_is_reported_in_time(proxy: FaultProxy) -> None:
    proxy.faults.extend([Refusal(500)] * 1000)
    started = time.monotonic()
    with pytest.raises(VaultBusyError, match="look at the server's log"):
        read(SecretsResource(location="gocardless", patience_seconds=1))
    assert time.monotonic() - started < 15
    assert len(proxy.seen) < 20, "it was hammered"


def test_pauses_grow_are_capped_and_differ() -> None:
    patience = Patience(total_seconds=60, first_pause_seconds=0.1, longest_pause_seconds=2)
    for attempt, longest in ((0, 0.1), (1, 0.2), (3, 0.8), (5, 2.0), (5000, 2.0)):
        pauses = {patience.pause(attempt) for _ in range(50)}
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(pauses) > 25


def test_a_revoked_token_is_replaced_once_and_nobody_notices(bao: Bao, proxy: FaultProxy) -> None:
    secrets = SecretsResource(location="gocardless", cache_seconds=0)
    read(secrets)
    for accessor in bao.root.list("auth/token/accessors")["data"]["keys"]:
        found = bao.root.auth.token.lookup_accessor(accessor)["data"]
        if found["policies"] != ["root"]:
            bao.root.auth.token.revoke_accessor(accessor)
    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(lambda _: read(secrets), range(20))) == {"canary-id-0001"}
    assert len(proxy.logins()) == 2


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    server = FileServer(tmp_path_factory.mktemp("file-server"))
    try:
        server.set_up()
        yield server
    finally:
        server.kill()


@pytest.fixture
def file_server(_server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """A server that can be sealed and killed, with the locations' AppRoles."""
    monkeypatch.setenv("VAULT_CACERT", str(_server.authority.certificate))

    class WithAuthority(LocalServer):
        client = staticmethod(_server.client)

    running = WithAuthority(_server.address, _server.root_token)
    for name, value in give_credentials(running, _server.directory).items():
        monkeypatch.setenv(name, value)
    return _server


def test_sealed_and_killed_servers_are_waited_for_in_mid_run(file_server: FileServer) -> None:
    secrets = SecretsResource(location="gocardless", cache_seconds=0, patience_seconds=10)
    assert read(secrets) == "example-secret-id"
    with ThreadPoolExecutor(1) as threads:
        file_server.seal()
        waiting = threads.submit(read, secrets)
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        file_server.unseal()
        assert waiting.result() == "example-secret-id"

        file_server.kill()
        waiting = threads.submit(read, secrets)
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        file_server.start()
        file_server.unseal()
        assert waiting.result() == "example-secret-id"


def test_a_server_that_stays_sealed_is_reported(file_server: FileServer) -> None:
    file_server.seal()
    try:
        with pytest.raises(VaultSealedError, match="unseal it with `vault operator unseal`"):
            read(SecretsResource(location="gocardless", patience_seconds=0.5))
    finally:
        file_server.unseal()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_a_certificate_of_another_authority_is_refused_at_once(
    file_server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority("stranger", tmp_path)
    for trusted in (str(stranger.certificate), ""):
        monkeypatch.setenv("VAULT_CACERT", trusted)
        started = time.monotonic()
        with pytest.raises(VaultUnreachableError, match="is not trusted: set VAULT_CACERT"):
            read(SecretsResource(location="gocardless", patience_seconds=60))
        assert time.monotonic() - started < 30
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "1")
    assert read(SecretsResource(location="gocardless")) == "example-secret-id"


def test_a_client_certificate_logs_in(
    file_server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = file_server.client()
    root.sys.enable_auth_method("cert")
    root.auth.cert.create_ca_certificate_role(
        name="platform",
        certificate=file_server.authority.certificate.read_text(),
        token_policies=["gocardless"],
    )
    for variable in ("VAULT_AUTH_ROLE_ID_FILE", "VAULT_AUTH_SECRET_ID_FILE"):
        monkeypatch.delenv(variable)
    certificate, key = file_server.authority.issue("client", tmp_path)
    monkeypatch.setenv("VAULT_AUTH_METHOD", "cert")
    monkeypatch.setenv("VAULT_AUTH_ROLE", "platform")
    monkeypatch.setenv("VAULT_AUTH_CERTIFICATE_FILE", str(certificate))
    monkeypatch.setenv("VAULT_AUTH_KEY_FILE", str(key))
    assert read(SecretsResource(location="gocardless")) == "example-secret-id"
