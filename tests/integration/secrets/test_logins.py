"""Every way of logging in, to a real server."""

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.integration.secrets.conftest import Bao
from tests.integration.secrets.fault_proxy import FaultProxy

from sandboxes.certificates import Authority
from sandboxes.serving import Handler, serving
from shared_lib.secrets import (
    LoginRefusedError,
    SecretsMisconfiguredError,
    SecretsResource,
    redact,
)
from shared_lib.secrets.vault.authentication import FromEnvironment, chosen_method
from shared_lib.secrets.vault.login import Identity
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.server import vault_server
from shared_lib.secrets.vault.session import VaultSession

LogInBy = Callable[..., SecretsResource]
PATH, VALUE = "gocardless/api", "canary-id-0001"


def read(secrets: SecretsResource) -> str:
    return secrets.get(PATH)["secret_id"].reveal()


def fresh_token(bao: Bao) -> str:
    return bao.root.auth.token.create(policies=["gocardless"], ttl="1h")["auth"]["client_token"]


class SigningKey:
    """An identity provider's key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def sign(self, **claims: object) -> str:
        now = int(datetime.now(UTC).timestamp())
        parts = {"alg": "RS256", "typ": "JWT"}, {"iat": now, "exp": now + 60, **claims}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def enabled(bao: Bao) -> Iterator[Callable[[str], str]]:
    mounted = []

    def enable(kind: str) -> str:
        bao.root.sys.enable_auth_method(kind)
        mounted.append(kind)
        return kind

    yield enable
    for kind in mounted:
        bao.root.sys.disable_auth_method(kind)


def test_a_token_from_the_variable(
    bao: Bao, log_in_by: LogInBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = log_in_by("token")
    with pytest.raises(SecretsMisconfiguredError, match="in the variable VAULT_TOKEN"):
        read(secrets)
    monkeypatch.setenv("VAULT_TOKEN", fresh_token(bao))
    assert read(secrets) == VALUE


def test_a_token_from_an_agents_file_is_read_anew_when_the_old_one_dies(
    bao: Bao, log_in_by: LogInBy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # another token in the variable is not taken instead
    monkeypatch.setenv("VAULT_TOKEN", "wrong-token-of-the-machine")
    file = tmp_path / "token"
    first, second = fresh_token(bao), fresh_token(bao)
    file.write_text(f"{first}\n")
    secrets = log_in_by("token", token_file=file).model_copy(update={"cache_seconds": 0.0})
    assert read(secrets) == VALUE
    file.write_text(second)
    bao.root.auth.token.revoke(first)
    assert read(secrets) == VALUE
    bao.root.auth.token.revoke(second)
    with pytest.raises(LoginRefusedError, match="the token is wrong or has expired"):
        read(secrets)
    assert redact(f"{first} {second}") == "[secret vault token] [secret vault token]"


def test_a_token_that_was_given_is_kept_alive(
    bao: Bao, log_in_by: LogInBy, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bao.root.auth.token.create(policies=["gocardless"], period="2s")["auth"]
    monkeypatch.setenv("VAULT_TOKEN", made["client_token"])
    secrets = log_in_by("token").model_copy(update={"cache_seconds": 0.0})
    ends = time.monotonic() + 3.5
    while time.monotonic() < ends:
        assert read(secrets) == VALUE
        time.sleep(0.1)
    renewals = proxy.seen.count("POST /v1/auth/token/renew-self")
    assert 1 <= renewals <= 3


def test_an_approle_with_a_wrapped_secret_id(bao: Bao, log_in_by: LogInBy, tmp_path: Path) -> None:
    role_id = bao.root.auth.approle.read_role_id("gocardless")["data"]["role_id"]
    wrapped = bao.root.auth.approle.generate_secret_id("gocardless", wrap_ttl="60s")
    file = tmp_path / "wrapped"
    file.write_text(wrapped["wrap_info"]["token"])
    secrets = log_in_by("approle", role_id=role_id, secret_id_file=file, wrapped="true")
    assert read(secrets) == VALUE
    # the identity remembers the secret id: the wrapping token is used up
    again = log_in_by("approle", role_id=role_id, secret_id_file=file, wrapped="true", mount="x")
    with pytest.raises(LoginRefusedError, match="provide a new wrapping token"):
        read(again)


def test_a_jwt_of_a_ci_service(
    bao: Bao, log_in_by: LogInBy, enabled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey()
    enabled("jwt")
    bao.root.auth.jwt.configure(jwt_validation_pubkeys=[key.public], default_role="ci")
    bao.root.auth.jwt.create_role(
        name="ci",
        role_type="jwt",
        user_claim="sub",
        allowed_redirect_uris=[],
        bound_audiences=["vault"],
        bound_claims={"repository": "platform"},
        token_policies=["gocardless"],
    )
    secrets = log_in_by("jwt", role="ci")
    monkeypatch.setenv("VAULT_JWT", key.sign(sub="job", aud="vault", repository="another"))
    with pytest.raises(LoginRefusedError, match="jwt role ci at auth/jwt"):
        read(secrets)
    monkeypatch.setenv("VAULT_JWT", key.sign(sub="job", aud="vault", repository="platform"))
    assert read(secrets) == VALUE


def test_a_user_and_password(
    bao: Bao, log_in_by: LogInBy, enabled: Callable[[str], str], tmp_path: Path
) -> None:
    enabled("userpass")
    bao.root.auth.userpass.create_or_update_user("ann", password="s3same!", policies="gocardless")
    file = tmp_path / "password"
    file.write_text("sesame?\n")
    secrets = log_in_by("userpass", username="ann", password_file=file)
    with pytest.raises(LoginRefusedError, match="userpass user ann at auth/userpass"):
        read(secrets)
    file.write_text("s3same!\n")
    assert read(secrets) == VALUE


def test_a_pods_service_account(
    bao: Bao, log_in_by: LogInBy, enabled: Callable[[str], str], tmp_path: Path
) -> None:
    account = "system:serviceaccount:data:dagster"
    identity = {"namespace": "data", "serviceaccount": {"name": "dagster", "uid": "1"}}
    jwt = SigningKey().sign(**{"sub": account, "kubernetes.io": identity, "iss": "kubernetes"})
    (tmp_path / "token").write_text(jwt)
    reviewed: list[str] = []

    class Reviewer(Handler):
        def do_POST(self) -> None:
            asked = json.loads(self.body())
            reviewed.append(asked["spec"]["token"])
            user = {"username": account, "uid": "1", "groups": []}
            status = {"authenticated": True, "user": user}
            self.respond(201, json.dumps({"status": status}).encode())

    with serving(Reviewer) as reviewer:
        enabled("kubernetes")
        bao.root.auth.kubernetes.configure(
            kubernetes_host=reviewer,
            kubernetes_ca_cert=Authority("cluster", tmp_path).certificate.read_text(),
            token_reviewer_jwt=jwt,
            disable_local_ca_jwt=True,
        )
        bao.root.auth.kubernetes.create_role(
            name="platform",
            bound_service_account_names=["dagster"],
            bound_service_account_namespaces=["data"],
            policies=["gocardless"],
        )
        secrets = log_in_by("kubernetes", role="platform", token_file=tmp_path / "token")
        assert read(secrets) == VALUE
    assert reviewed == [jwt]


def test_an_aws_identity_signs_like_botocore(
    log_in_by: LogInBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []

    class Recorder(Handler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.body()))
            self.respond(403, b'{"errors": ["denied"]}')

    credentials = botocore.credentials.Credentials("AKIAEXAMPLE", "canary-aws-key", "canary-aws-st")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", str(credentials.token))
    with serving(Recorder) as url:
        monkeypatch.setenv("VAULT_ADDR", url)
        for kind in ("variables", "botocore"):
            secrets = log_in_by("aws", role="platform", server_id="vault.here", credentials=kind)
            with pytest.raises(LoginRefusedError, match="aws role platform at auth/aws"):
                read(secrets)
    assert len(sent) == 2
    assert redact("canary-aws-key canary-aws-st") == (
        "[secret vault AWS secret key] [secret AWS session token]"
    )
    for login in sent:
        assert login["role"] == "platform"
        listed = json.loads(base64.b64decode(login["iam_request_headers"]))
        headers = {name: values[0] for name, values in listed.items()}
        signature = headers.pop("Authorization")
        assert headers["X-Vault-AWS-IAM-Server-ID"] == "vault.here"
        request = botocore.awsrequest.AWSRequest(
            method=login["iam_http_request_method"],
            url=base64.b64decode(login["iam_request_url"]).decode(),
            data=base64.b64decode(login["iam_request_body"]),
            headers=headers,
        )
        request.context["timestamp"] = headers["X-Amz-Date"]
        signer = botocore.auth.SigV4Auth(credentials, "sts", "us-east-1")
        text = signer.string_to_sign(request, signer.canonical_request(request))
        assert signature.endswith(f"Signature={signer.signature(text, request)}")


def test_without_botocore_the_error_names_the_extra(
    log_in_by: LogInBy, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = log_in_by("aws", role="platform", credentials="botocore")
    for name in [name for name in sys.modules if name.split(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(SecretsMisconfiguredError, match=r"install shared-lib\[aws\]"):
        read(secrets)
    assert proxy.seen == []


def test_a_client_without_a_method_sends_nothing(
    log_in_by: LogInBy, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = log_in_by("token")
    monkeypatch.delenv("VAULT_AUTH_METHOD")
    with pytest.raises(SecretsMisconfiguredError, match="set VAULT_AUTH_METHOD to one of"):
        read(secrets)
    assert proxy.seen == []


def test_threads_that_need_a_login_at_once_share_it(proxy: FaultProxy) -> None:
    method = chosen_method(FromEnvironment(), location="gocardless")
    session = VaultSession(vault_server(), Identity(method), patience=Patience(), timeout_seconds=5)
    together = threading.Barrier(20)

    def ask(_: int) -> object:
        together.wait()
        return session.ask(lambda client: client.auth.token.lookup_self()["data"]["id"])

    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(ask, range(20)))) == 1
    assert len(proxy.logins()) == 1
