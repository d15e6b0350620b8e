"""Log in: get a token with a configured method."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hvac
import hvac.exceptions

from shared_lib.secrets.errors import LoginRefusedError, NotVaultError, SecretsMisconfiguredError
from shared_lib.secrets.file_access import require_private
from shared_lib.secrets.redaction.registry import know
from shared_lib.secrets.vault.answers import part
from shared_lib.secrets.vault.authentication import (
    AppRoleMethod,
    AwsMethod,
    CertificateMethod,
    JwtMethod,
    KubernetesMethod,
    Method,
    TokenMethod,
    UserpassMethod,
)
from shared_lib.secrets.vault.credentials import credential
from shared_lib.secrets.vault.redirects import SameServerSession
from shared_lib.secrets.vault.retrying import Patience, PatientAdapter
from shared_lib.secrets.vault.server import VaultServer


@dataclass(frozen=True)
class Login:
    """The result of a login.

    Attributes:
        token: the token; a secret.
        lifetime_seconds: the token's lifetime; ``None`` if it never expires.
        renewable: whether the server extends the lifetime on request.
    """

    token: str
    lifetime_seconds: float | None
    renewable: bool

    def __repr__(self) -> str:
        return f"Login(lifetime_seconds={self.lifetime_seconds}, renewable={self.renewable})"


def new_client(
    server: VaultServer,
    *,
    patience: Patience,
    timeout_seconds: float,
    certificate: tuple[str, str] | None = None,
) -> hvac.Client:
    """Return an hvac client without a token."""
    session = SameServerSession()
    session.verify, session.cert = server.trusted, certificate
    client = hvac.Client(
        url=server.address,
        # Not None, or hvac would automatically read VAULT_TOKEN and the home directory.
        token="",
        verify=server.trusted,
        cert=certificate,
        namespace=server.namespace or None,
        # declared as whole seconds, but passed to requests, which accepts fractions
        timeout=timeout_seconds,  # pyright: ignore[reportArgumentType]
        session=session,
        adapter=PatientAdapter,
    )
    cast("PatientAdapter", client.adapter).patience = patience
    return client


class Identity:
    """The platform's identity in Vault, and what it must remember to log in again."""

    def __init__(self, method: Method) -> None:
        """Use the identity that ``method`` describes."""
        self.method = method
        self._unwrapped_secret_id: str | None = None

    @property
    def description(self) -> str:
        """Method, role and mount, for messages."""
        match self.method:
            case TokenMethod():
                return "the token"
            case AppRoleMethod() as method:
                name = f"role {method.role_id or f'of {method.role_id_file}'}"
            case UserpassMethod() as method:
                name = f"user {method.username}"
            case method:
                name = f"role {method.role}" if method.role else "any role"
        return f"{method.method} {name} at auth/{method.mount}"

    @property
    def certificate(self) -> tuple[str, str] | None:
        """The files of the client certificate and its key, if that is the method."""
        if isinstance(self.method, CertificateMethod):
            return self.method.certificate_file, self.method.key_file
        return None

    def log_in(self, client: hvac.Client) -> Login:
        """Get a token.

        Raises:
            LoginRefusedError: the server refuses; the text names method, role and mount.
            SecretsMisconfiguredError: something that the method needs is missing.
            SecretError: the server is unreachable, sealed or busy.
        """
        client.token = ""
        try:
            login = self._ask(client)
        except hvac.exceptions.VaultError as error:
            kind = type(error).__name__
        else:
            know(login.token, name="vault token")
            return login
        raise LoginRefusedError(
            f"Vault at {client.url} rejects the login of {self.description} ({kind}): "
            f"{_remedy(self.method)}"
        )

    def _ask(self, client: hvac.Client) -> Login:
        auth: Any = client.auth
        match self.method:
            case TokenMethod():
                return self._token(client, self.method)
            case AppRoleMethod() as method:
                if not (method.role_id or method.role_id_file):
                    raise SecretsMisconfiguredError(
                        "no role id for Vault is configured: set VAULT_AUTH_ROLE_ID, or "
                        "VAULT_AUTH_ROLE_ID_FILE to a file that holds it (docs/secrets.md)"
                    )
                answer = auth.approle.login(
                    role_id=method.role_id
                    or credential(method.role_id_file, "", "the role id", is_private=False),
                    secret_id=self._secret_id(client, method),
                    mount_point=method.mount,
                    use_token=False,
                )
            case KubernetesMethod() as method:
                jwt = credential(
                    method.token_file, "", "the service account's token", is_private=False
                )
                answer = auth.kubernetes.login(
                    role=method.role, jwt=jwt, mount_point=method.mount, use_token=False
                )
            case JwtMethod() as method:
                jwt = credential(method.token_file, "VAULT_JWT", "the JWT")
                answer = auth.jwt.jwt_login(
                    role=method.role, jwt=jwt, path=method.mount, use_token=False
                )
            case UserpassMethod() as method:
                answer = auth.userpass.login(
                    username=method.username,
                    password=credential(
                        method.password_file, "VAULT_PASSWORD", "the password", is_phrase=True
                    ),
                    mount_point=method.mount,
                    use_token=False,
                )
            case CertificateMethod() as method:
                answer = _certificate_login(client, method)
            case AwsMethod() as method:
                answer = auth.aws.iam_login(
                    **_aws_credentials(method),
                    header_value=method.server_id or None,
                    role=method.role,
                    mount_point=method.mount,
                    use_token=False,
                )
        return _granted(answer)

    def _token(self, client: hvac.Client, method: TokenMethod) -> Login:
        client.token = credential(method.token_file, "VAULT_TOKEN", "the token")
        found = part(client.auth.token.lookup_self(), "data", kind=dict)
        lifetime = part(found, "ttl", kind=int) or None
        return Login(client.token, lifetime, bool(found.get("renewable")))

    def _secret_id(self, client: hvac.Client, method: AppRoleMethod) -> str:
        if self._unwrapped_secret_id is not None:
            return self._unwrapped_secret_id
        held = credential(method.secret_id_file, "VAULT_SECRET_ID", "the secret id")
        if not method.wrapped:
            return held
        # A wrapping token works only once, so nobody else can have seen the secret id.
        client.token = held
        secret_id = part(client.sys.unwrap(), "data", "secret_id", kind=str)
        client.token = ""
        know(secret_id, name="vault secret id")
        self._unwrapped_secret_id = secret_id
        return secret_id


def _certificate_login(client: hvac.Client, method: CertificateMethod) -> Any:
    for file in (method.certificate_file, method.key_file):
        if not Path(file).is_file():
            raise SecretsMisconfiguredError(
                f"the TLS login needs the file {file}, which does not exist: create it or set "
                "VAULT_AUTH_CERTIFICATE_FILE and VAULT_AUTH_KEY_FILE"
            )
    key = Path(method.key_file)
    require_private(key, key.stat(), meaning="the client's key")
    named = {"name": method.role} if method.role else {}
    # hvac's own call requires the certificates again; the client already presents them.
    return client.adapter.post(f"/v1/auth/{method.mount}/login", json=named)


def _granted(answer: Any) -> Login:
    token = part(answer, "auth", "client_token", kind=str)
    if not (token and token.isascii() and token.isprintable()):
        raise NotVaultError(
            "the server does not answer as Vault does: the field auth.client_token is not a "
            "token: check VAULT_ADDR"
        )
    lifetime = part(answer, "auth", "lease_duration", kind=int)
    return Login(token, lifetime or None, part(answer, "auth", "renewable", kind=bool))


def _aws_credentials(method: AwsMethod) -> dict[str, str | None]:
    if method.credentials == "variables":
        return {
            "access_key": credential("", "AWS_ACCESS_KEY_ID", "the AWS access key"),
            "secret_key": credential("", "AWS_SECRET_ACCESS_KEY", "the AWS secret key"),
            "session_token": _session_token(os.environ.get("AWS_SESSION_TOKEN")),
        }
    try:
        import botocore.session
    except ImportError:
        raise SecretsMisconfiguredError(
            "VAULT_AUTH_CREDENTIALS=botocore needs the package botocore: install shared-lib[aws], "
            "or set VAULT_AUTH_CREDENTIALS=variables"
        ) from None

    found = botocore.session.get_session().get_credentials()
    if found is None:
        raise SecretsMisconfiguredError(
            "botocore finds no AWS credentials: give the task or machine a role, or set the "
            "usual AWS variables"
        )
    frozen = found.get_frozen_credentials()
    know(frozen.secret_key, name="AWS secret key")
    return {
        "access_key": frozen.access_key,
        "secret_key": frozen.secret_key,
        "session_token": _session_token(frozen.token),
    }


def _session_token(token: str | None) -> str | None:
    if token:
        know(token, name="AWS session token")
    return token or None


def _remedy(method: Method) -> str:
    match method:
        case TokenMethod():
            return "the token is wrong or has expired, provide a new one"
        case AppRoleMethod(wrapped=True):
            return (
                "provide a new wrapping token; if nobody used the old one, somebody else did and "
                "the secret id must be destroyed"
            )
        case AppRoleMethod():
            return "check that the role exists there and the secret id is its own and still valid"
        case UserpassMethod():
            return "check user name and password"
        case _:
            return "check that the role exists there and admits this identity"
