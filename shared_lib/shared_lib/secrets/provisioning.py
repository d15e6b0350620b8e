"""``python -m shared_lib.secrets.provisioning``: apply the files of ``deploy/vault`` to a server.

Writes the key/value mount, the policies and the AppRoles of the code locations; a second call
changes nothing. ``VAULT_ADDR`` names the server; ``VAULT_TOKEN`` must be allowed to configure it.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Literal

import hvac
import hvac.exceptions
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import load_yaml, validate_document
from shared_lib.secrets.errors import SecretError, SecretsMisconfiguredError
from shared_lib.secrets.vault.login import new_client
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.server import vault_server

DIRECTORY = REPOSITORY_ROOT / "deploy" / "vault"
_TIMEOUT_SECONDS = 10.0


class AppRole(BaseModel):
    """One AppRole: lifetimes as Vault durations, and the limits of its tokens and secret ids.

    Attributes:
        token_ttl: how long a token is valid before it is renewed or replaced.
        token_max_ttl: how long it can be renewed.
        token_type: ``batch`` tokens cannot be renewed or revoked, and end with their first life.
        token_num_uses: requests that a token is good for; 0 for any number.
        token_bound_cidrs: the networks from which a token is accepted; empty for any.
        secret_id_ttl: how long a secret id is valid.
        secret_id_num_uses: logins that a secret id is good for; 0 for any number.
        secret_id_bound_cidrs: the networks from which it logs in; empty for any.
    """

    model_config = ConfigDict(extra="forbid")

    token_ttl: str
    token_max_ttl: str
    secret_id_ttl: str
    token_type: Literal["default", "service", "batch"] = "default"  # noqa: S105 - a kind
    token_num_uses: int = Field(default=0, ge=0)
    token_bound_cidrs: list[IPvAnyNetwork] = []
    secret_id_num_uses: int = Field(default=0, ge=0)
    secret_id_bound_cidrs: list[IPvAnyNetwork] = []


class AppRoles(BaseModel):
    """The file ``approles.yaml``."""

    model_config = ConfigDict(extra="forbid")

    mount: str
    key_value_mount: str
    roles: dict[str, AppRole]


def load_approles(directory: Path = DIRECTORY) -> AppRoles:
    """Return the AppRoles that ``directory`` describes.

    Raises:
        ConfigurationError: the file is missing or wrong; the text names file, line and field.
    """
    path = directory / "approles.yaml"
    return validate_document(load_yaml(path), AppRoles, path=path)


def provision(client: hvac.Client, *, directory: Path = DIRECTORY) -> AppRoles:
    """Apply ``directory`` to the server of ``client``, whose token may configure it.

    Returns:
        The AppRoles that now exist.

    Raises:
        ConfigurationError: a file is missing or wrong.
        hvac.exceptions.VaultError: the server refuses a request.
    """
    approles = load_approles(directory)
    sys_: Any = client.sys
    _enable(sys_, "secrets", approles.key_value_mount)
    _enable(sys_, "auth", approles.mount)
    for name, role in approles.roles.items():
        policy = (directory / "policies" / f"{name}.hcl").read_text(encoding="utf-8")
        sys_.create_or_update_policy(name=name, policy=policy)
        client.auth.approle.create_or_update_approle(
            name,
            token_policies=[name],
            token_ttl=role.token_ttl,
            token_max_ttl=role.token_max_ttl,
            token_type=role.token_type,
            token_num_uses=role.token_num_uses,
            token_bound_cidrs=[str(network) for network in role.token_bound_cidrs],
            secret_id_ttl=role.secret_id_ttl,
            secret_id_num_uses=role.secret_id_num_uses,
            secret_id_bound_cidrs=[str(network) for network in role.secret_id_bound_cidrs],
            mount_point=approles.mount,
        )
    return approles


def _enable(sys_: Any, kind: Literal["secrets", "auth"], mount: str) -> None:
    if kind == "secrets":
        if f"{mount}/" not in sys_.list_mounted_secrets_engines()["data"]:
            sys_.enable_secrets_engine("kv", path=mount, options={"version": "2"})
    elif f"{mount}/" not in sys_.list_auth_methods()["data"]:
        sys_.enable_auth_method("approle", path=mount)


def main() -> int:
    """Run the command line."""
    argparse.ArgumentParser(
        prog="python -m shared_lib.secrets.provisioning", description=__doc__
    ).parse_args()
    token = os.environ.get("VAULT_TOKEN")
    if not token:
        raise SecretsMisconfiguredError(
            "VAULT_TOKEN is not set: set it to a token that may write policies and auth methods"
        )
    server = vault_server()
    client = new_client(server, patience=Patience(), timeout_seconds=_TIMEOUT_SECONDS)
    client.token = token
    try:
        approles = provision(client)
    except hvac.exceptions.Forbidden as error:
        raise SecretsMisconfiguredError(
            f"Vault at {server.address} denies this to the token in VAULT_TOKEN: it must hold a "
            "token that may write policies and auth methods"
        ) from error
    except hvac.exceptions.VaultError as error:
        message = f"Vault at {server.address} refuses {DIRECTORY.name}: {error.text or error}"
        raise SecretsMisconfiguredError(message) from error
    print(f"{server.address}: policies and AppRoles of {', '.join(approles.roles)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SecretError as error:
        sys.exit(str(error))
