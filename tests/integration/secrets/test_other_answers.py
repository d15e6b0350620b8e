"""What answers at the address is not Vault, sends clients elsewhere, or is not to be trusted."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.integration.secrets.answering import Answer, Answering, answering

from sandboxes.certificates import Authority, server_context
from shared_lib.secrets import (
    LoginRefusedError,
    NotVaultError,
    SecretError,
    SecretsMisconfiguredError,
    SecretsResource,
    VaultBusyError,
    VaultUnreachableError,
)
from shared_lib.secrets.vault.retrying import Patience

TOKEN, ROLE_ID, SECRET_ID = "canary-token-7731", "canary-role-1f3e", "canary-secret-id-90ab"
# the role id names the identity in messages
CREDENTIALS = (TOKEN, SECRET_ID)
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = f"<!doctype html><title>Sign in</title>{SECRET_ID} {TOKEN}".encode()

LOGIN = Answer(
    body=json.dumps(
        {"auth": {"client_token": TOKEN, "lease_duration": 3600, "renewable": True}}
    ).encode()
)
MOUNT = Answer(body=b'{"data": {"type": "kv", "options": {"version": "2"}}}')
SECRET = Answer(body=b'{"data": {"data": {"secret_id": "the-value"}, "metadata": {}}}')


def vault(_method: str, path: str) -> Answer:
    """The answers of Vault to a login and a read."""
    return LOGIN if path.endswith("/login") else MOUNT if "/mounts/" in path else SECRET


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_BACKEND", "vault")
    monkeypatch.setenv("VAULT_AUTH_METHOD", "approle")
    monkeypatch.setenv("VAULT_AUTH_ROLE_ID", ROLE_ID)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)


def read(address: str, *, patience_seconds: float = 0.05) -> str:
    secrets = SecretsResource(
        location="gocardless", address=address, patience_seconds=patience_seconds
    )
    return secrets.get("gocardless/api")["secret_id"].reveal()


def refusal(address: str, kind: type[SecretError] = NotVaultError) -> str:
    with pytest.raises(kind) as refused:
        read(address)
    text = str(refused.value)
    assert not [credential for credential in CREDENTIALS if credential in text], text
    return text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("step", ["/login", "/mounts/", "/data/"])
def test_no_credential_follows_a_redirect_to_another_server(
    status: int, step: str, servers: ExitStack
) -> None:
    other = servers.enter_context(answering(vault))

    def elsewhere(method: str, path: str) -> Answer:
        if step in path:
            return Answer(status, headers={"Location": f"{other.address}{path}?t={TOKEN}"})
        return vault(method, path)

    text = refusal(servers.enter_context(answering(elsewhere)).address)
    assert f"redirects to {other.address}: " in text
    assert not other.received


@pytest.fixture
def with_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    authority = Authority("authority", tmp_path)
    certificate, key = authority.issue("server", tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    monkeypatch.setenv("VAULT_CACERT", str(authority.certificate))
    return {"tls": server_context(both)}


def test_a_redirect_from_https_to_http_or_to_another_name_is_refused(
    with_tls: dict, servers: ExitStack
) -> None:
    plain = servers.enter_context(answering(vault))
    target = plain.address
    # the port of the same server, asked by plain HTTP, and the same port at another name
    secure = servers.enter_context(
        answering(lambda _, path: Answer(307, headers={"Location": target + path}), **with_tls)
    )
    assert "redirects to http://" in refusal(secure.address)
    target = secure.address.replace("https://", "http://")
    assert "redirects to http://" in refusal(secure.address)
    target = secure.address.replace("127.0.0.1", "localhost")
    assert "redirects to https://localhost" in refusal(secure.address)
    assert not plain.received


def moved(method: str, path: str) -> Answer:
    """A standby, which redirects to the active server below another path."""
    if path.startswith("/active"):
        return vault(method, path)
    return Answer(307, headers={"Location": f"/active{path}"})


def test_a_redirect_to_the_same_host_by_https_is_followed_once_with_its_body(
    with_tls: dict, servers: ExitStack
) -> None:
    secure = servers.enter_context(answering(moved, **with_tls))
    assert read(secure.address) == "the-value"
    first, second, *_ = secure.received
    assert first.startswith("POST /v1/auth/approle/login")
    assert second.startswith("POST /active/v1/auth/approle/login")
    assert SECRET_ID in second

    around = servers.enter_context(
        answering(lambda _, path: Answer(307, headers={"Location": f"/x{path}"}), **with_tls)
    )
    assert "redirects again" in refusal(around.address)
    assert len(around.received) == 2


def test_a_redirect_within_a_loopback_server_is_followed_locally_only(
    servers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers.enter_context(answering(moved))
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "qa")
    assert "qa uses only https" in refusal(server.address, SecretsMisconfiguredError)
    assert server.received == []
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "local")
    assert read(server.address) == "the-value"


@pytest.mark.parametrize("environment", ["qa", "production"])
@pytest.mark.parametrize("address", ["http://vault.example.com", "HTTP://127.0.0.1:8200"])
def test_where_others_work_plain_http_is_refused(
    address: str, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    assert f"{environment} uses only https" in refusal(address, SecretsMisconfiguredError)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(200, PAGE, HTML), "200 and an HTML page"),
        (Answer(200, PAGE), "200 and an HTML page"),
        (Answer(403, PAGE, HTML), "403 and an HTML page"),
        (Answer(404, PAGE, HTML), "404 and an HTML page"),
        (Answer(400, b"this is an HTTPS server", {}), "400 and text that is not JSON"),
        (Answer(200, b"\x89PNG\xff\x00", {"Content-Type": "image/png"}), "text that is not JSON"),
        (Answer(200, b""), "200 and an empty body"),
        (Answer(204, b""), "204 and an empty body"),
        (Answer(304, b""), "304 and an empty body"),
        (Answer(404, b"", HTML), "404 and an empty body"),
        (Answer(200, b"null"), "200 and JSON that is null"),
        (Answer(403, b"null"), "403 and JSON that is null"),
        (Answer(404, b"[]"), "404 and JSON that is a list"),
        (Answer(200, json.dumps(TOKEN).encode()), "200 and JSON that is a text"),
        (Answer(200, b"7"), "200 and JSON that is a number"),
        (Answer(200, b'{"errors": ['), "200 and text that is not JSON"),
        (Answer(200, b"{}"), "without the field "),
        (Answer(200, b'{"auth": null, "data": null}'), " is nothing"),
        (Answer(200, b'{"auth": [1], "data": "x"}'), " is a "),
        (Answer(200, PAGE, {"Content-Encoding": "gzip"}), "a body that cannot be decoded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("step", ["/login", "/mounts/", "/data/"])
def test_an_answer_that_is_not_vaults_is_named(
    answer: Answer, found: str, step: str, servers: ExitStack
) -> None:
    server = servers.enter_context(
        answering(lambda method, path: answer if step in path else vault(method, path))
    )
    text = refusal(server.address)
    assert found in text
    assert "check VAULT_ADDR" in text


@pytest.mark.parametrize(
    "auth",
    [
        {"client_token": None, "lease_duration": 1, "renewable": True},
        {"client_token": "", "lease_duration": 1, "renewable": True},
        {"client_token": TOKEN, "lease_duration": "1h", "renewable": True},
        {"client_token": TOKEN, "lease_duration": 1},
        {"client_token": f"{TOKEN}\r\nX-Other: 1", "lease_duration": 1, "renewable": True},
    ],
)
def test_a_login_without_a_usable_token_is_refused(
    auth: dict[str, object], servers: ExitStack
) -> None:
    login = Answer(body=json.dumps({"auth": auth}).encode())
    server = servers.enter_context(
        answering(lambda method, path: login if "/login" in path else vault(method, path))
    )
    assert "auth." in refusal(server.address)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "soon",
            "-5",
            "1.5",
            "1e3",
            "nan",
            "inf",
            "²",
            "5, 7",
            "9" * 400,
            "0x10",
            "5;q=1",
            "\x00",
        ),
        *("Wed, 21 Oct 2015 07:28:00", "Wed, 21 Oct 2015 07:28:00 -0000", "2015-10-21"),
        *("Mon, 01 Jan 99999 00:00:00 GMT", "Fri, 31 Feb 2015 07:28:00 GMT", "Thu, 01 Jan 0000"),
        *("Mon, 01 Jan 2024 00:00:00 +9999999", "Fri, 31 Dec 9999 23:59:59 -2359"),
    ],
)
def test_an_odd_retry_after_is_reported(
    value: str, servers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: 0.01)
    server = servers.enter_context(answering(lambda *_: Answer(503, b"{}", {"Retry-After": value})))
    text = refusal(server.address, VaultBusyError)
    assert f"Retry-After: {value[:20]!r}"[:-1] in text
    assert len(text) < 500


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\xff\xfe\x00s", "is not text in UTF-8"),
        (b"\xef\xbb\xbf" + TOKEN.encode(), "has a byte order mark"),
        (f"{TOKEN}\n{TOKEN}\n".encode(), "has 2 lines"),
        (f"token: {TOKEN}".encode(), "has spaces"),
        (f"{TOKEN}\x00".encode(), "has characters that"),
        (f"{TOKEN}\u00e4".encode(), "has characters that"),
        (TOKEN.encode() * 10_000, "has 170,000 bytes"),
        (None, "does not exist"),
        (Path, "is a directory"),
    ],
)
@pytest.mark.parametrize("kind", ["token", "approle", "jwt"])
def test_a_broken_credential_file_is_named(
    content: bytes | type | None,
    found: str,
    kind: str,
    servers: ExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = servers.enter_context(answering(vault))
    file = tmp_path / "credential"
    if content is Path:
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    monkeypatch.setenv("VAULT_AUTH_METHOD", kind)
    if kind == "approle":
        monkeypatch.setenv("VAULT_AUTH_SECRET_ID_FILE", str(file))
    else:
        monkeypatch.delenv("VAULT_AUTH_ROLE_ID")
        monkeypatch.setenv("VAULT_AUTH_TOKEN_FILE", str(file))
    if kind == "jwt":
        monkeypatch.setenv("VAULT_AUTH_ROLE", "ci")
    text = refusal(server.address, SecretsMisconfiguredError)
    assert str(file) in text
    assert found in text
    assert not server.received


def test_a_body_that_ends_early_is_asked_for_again(
    servers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: 0.01)
    cut = [Answer(200, b"zz\r\nbroken", {"Transfer-Encoding": "chunked", "Connection": "close"})]
    server = servers.enter_context(
        answering(lambda method, path: cut.pop() if cut else vault(method, path))
    )
    assert read(server.address, patience_seconds=5) == "the-value"


def test_a_refusal_of_vault_is_still_its_own(servers: ExitStack) -> None:
    denied = Answer(403, b'{"errors": ["permission denied"]}')
    server = servers.enter_context(answering(lambda *_: denied))
    refusal(server.address, LoginRefusedError)


def test_nothing_of_an_odd_answer_is_logged(
    servers: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    server = servers.enter_context(answering(lambda *_: Answer(503, PAGE, HTML)))
    with caplog.at_level(logging.DEBUG):
        refusal(server.address, VaultBusyError)
    assert not [credential for credential in CREDENTIALS if credential in caplog.text]


def test_a_server_that_speaks_no_http_is_unreachable(with_tls: dict, servers: ExitStack) -> None:
    secure: Answering = servers.enter_context(answering(vault, **with_tls))
    plain = secure.address.replace("https://", "http://")
    assert "cannot reach Vault" in refusal(plain, VaultUnreachableError)
