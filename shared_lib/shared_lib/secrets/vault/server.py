"""The server: its address and how to verify it."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from shared_lib.configuration.environment import current_environment
from shared_lib.secrets.errors import SecretsMisconfiguredError

ADDRESS_VARIABLE = "VAULT_ADDR"
_YES = ("1", "t", "true")
_NO = ("", "0", "f", "false")


@dataclass(frozen=True)
class VaultServer:
    """The server's address, namespace and trusted certificates.

    Attributes:
        address: its URL, without the path of the API.
        namespace: the namespace of all paths; empty for the root.
        trusted: a file of certificates to trust, ``True`` for the machine's own, ``False`` to
            accept any server.
    """

    address: str
    namespace: str
    trusted: str | bool


def vault_server(address: str = "", namespace: str = "") -> VaultServer:
    """Return the server that the arguments name, or the usual variables if they are empty.

    ``VAULT_ADDR``, ``VAULT_NAMESPACE``, ``VAULT_CACERT`` and ``VAULT_SKIP_VERIFY`` mean the same
    as for Vault's own command.

    Raises:
        SecretsMisconfiguredError: the address is missing or not a URL, the certificate file does
            not exist, or qa or production would use http or skip verification.
    """
    address = (address or os.environ.get(ADDRESS_VARIABLE, "")).rstrip("/")
    if not address:
        raise SecretsMisconfiguredError(
            f"no Vault address: set {ADDRESS_VARIABLE}, for example https://vault.example.com:8200"
        )
    parts = urlsplit(address)
    if not _is_of_a_server(parts):
        raise SecretsMisconfiguredError(
            f"{ADDRESS_VARIABLE} is not the URL of a server: write scheme, host and port, for "
            "example https://vault.example.com:8200"
        )
    if parts.scheme != "https" and current_environment().is_deployed:
        raise SecretsMisconfiguredError(
            f"{ADDRESS_VARIABLE} is {address} and {current_environment()} uses only https, because "
            "anyone on the way reads tokens and secrets sent by http: write https://"
        )
    return VaultServer(
        address=address,
        namespace=namespace or os.environ.get("VAULT_NAMESPACE", ""),
        trusted=_trusted(),
    )


def _is_of_a_server(parts: SplitResult) -> bool:
    try:
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(
        parts.hostname and port != 0 and parts.username is None
    )


def _trusted() -> str | bool:
    skip = os.environ.get("VAULT_SKIP_VERIFY", "").lower()
    if skip not in (*_YES, *_NO):
        raise SecretsMisconfiguredError(
            "VAULT_SKIP_VERIFY is neither true nor false: write true, false or nothing"
        )
    if skip in _YES:
        if current_environment().is_deployed:
            raise SecretsMisconfiguredError(
                f"VAULT_SKIP_VERIFY is set and {current_environment()} does not skip "
                "verification: unset it and name the server's certificate authority in VAULT_CACERT"
            )
        return False
    authority = os.environ.get("VAULT_CACERT", "")
    if authority and not Path(authority).is_file():
        raise SecretsMisconfiguredError(
            f"VAULT_CACERT: there is no file {authority}: put the certificate authority's "
            "certificate there, as PEM"
        )
    return authority or True
