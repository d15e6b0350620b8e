"""Files with credentials that other users may read are refused, or reported on a laptop."""

import logging
import os
from contextlib import nullcontext
from pathlib import Path

import hvac
import pytest

from shared_lib.secrets import SecretsMisconfiguredError
from shared_lib.secrets.env_backend import EnvBackend
from shared_lib.secrets.file_access import require_private
from shared_lib.secrets.vault.authentication import (
    AppRoleMethod,
    CertificateMethod,
    JwtMethod,
    KubernetesMethod,
    Method,
    TokenMethod,
    UserpassMethod,
)
from shared_lib.secrets.vault.login import Identity

HELD = "canary-held-4711"


class ReachedError(Exception):
    """The login was about to be sent."""


def method_with(kind: str, file: Path) -> Method:
    match kind:
        case "token":
            return TokenMethod(token_file=str(file))
        case "approle":
            return AppRoleMethod(role_id="r", secret_id_file=str(file))
        case "wrapped":
            return AppRoleMethod(role_id="r", secret_id_file=str(file), wrapped=True)
        case "jwt":
            return JwtMethod(role="r", token_file=str(file))
        case "userpass":
            return UserpassMethod(username="u", password_file=str(file))
        case _:
            certificate = file.with_name("certificate.pem")
            certificate.write_text("public")
            return CertificateMethod(certificate_file=str(certificate), key_file=str(file))


def log_in(method: Method) -> None:
    client = hvac.Client(url="http://127.0.0.1:9", token="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            client.adapter, "request", lambda *_, **__: (_ for _ in ()).throw(ReachedError())
        )
        Identity(method).log_in(client)


KINDS = ("token", "approle", "wrapped", "jwt", "userpass", "cert")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o666])
@pytest.mark.parametrize("environment", ["qa", "production"])
def test_a_file_that_others_may_read_is_refused_where_others_work(
    kind: str, mode: int, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    file = tmp_path / "held"
    file.write_text(HELD)
    file.chmod(mode)
    with pytest.raises(SecretsMisconfiguredError) as refused:
        log_in(method_with(kind, file))
    text = str(refused.value)
    assert f"chmod 600 {file}" in text
    assert f"{mode:04o}" in text
    assert HELD not in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_production_accepts_a_file_of_its_owner_alone_also_through_a_link(
    kind: str, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    file = tmp_path / "held"
    file.write_text(HELD)
    file.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(file)
    for path in (file, link):
        with pytest.raises(ReachedError):
            log_in(method_with(kind, path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_laptop_reports_it_once_and_goes_on(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "local")
    file = tmp_path / "held"
    file.write_text(HELD)
    file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(ReachedError):
                log_in(method_with(kind, file))
    (record,) = caplog.records
    assert f"chmod 600 {file}" in record.getMessage()


OURS, ANOTHER = os.getegid() or 10_001, 54_321


@pytest.mark.parametrize(
    ("mode", "user", "group", "is_private"),
    [
        (0o440, 0, OURS, True),  # as Kubernetes mounts a secret for a pod with fsGroup
        (0o400, 0, OURS, True),
        (0o440, 0, ANOTHER, False),
        (0o440, ANOTHER, OURS, False),
        (0o444, 0, OURS, False),
        (0o460, 0, OURS, False),
        (0o642, 0, OURS, False),
        (0o440, 0, 0, False),
    ],
)
def test_a_file_of_root_for_our_group_is_private(
    mode: int, user: int, group: int, *, is_private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    monkeypatch.setattr(os, "getgroups", lambda: [OURS])
    state = os.stat_result((mode, 0, 0, 1, user, group, 0, 0, 0, 0))
    expectation = nullcontext() if is_private else pytest.raises(SecretsMisconfiguredError)
    with expectation:
        require_private(Path("/run/secret"), state, meaning="the token")


def test_the_token_that_kubernetes_writes_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    file = tmp_path / "token"
    file.write_text(HELD)
    file.chmod(0o644)
    with pytest.raises(ReachedError):
        log_in(KubernetesMethod(role="r", token_file=str(file)))


def test_a_dotenv_file_that_others_may_read_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_text("GOCARDLESS_API__SECRET_ID=x\n")
    file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert EnvBackend(dotenv_file=file).read("gocardless/api") == {"secret_id": "x"}
    assert f"chmod 600 {file}" in caplog.text
