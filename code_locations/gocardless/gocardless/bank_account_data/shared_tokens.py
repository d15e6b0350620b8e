"""The tokens of a lake: in its Postgres, encrypted, requested by one process for all.

Postgres has nothing that a reader could use: the key is derived from the credentials, which it does
not have. Nor does a row reveal whose it is.
"""

import base64
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import ValidationError

from gocardless.bank_account_data.tokens import Sharing, TokenPair
from shared_lib.warehouse.lake.catalog import LockBusyError, RunStatement, open_catalog

_log = logging.getLogger(__name__)

# An asker that gets no answer has given up by then.
WAIT_SECONDS = 600.0

_TABLES = """
create schema if not exists bank;
create table if not exists bank.tokens (
    credentials text primary key,  -- a digest, which reveals nothing of them
    sealed bytea not null,
    expires_at timestamptz not null  -- the access token; the refresh token lives longer
);
"""


class TokensBusyError(RuntimeError):
    """Another process has been asking for a token for too long."""


class _Sealed:
    """The row of some credentials."""

    def __init__(self, run: RunStatement, name: str, cipher: Fernet) -> None:
        self._run, self._name, self._cipher = run, name, cipher

    def read(self) -> TokenPair | None:
        rows = self._run(
            "select sealed from bank.tokens where credentials = %(name)s", {"name": self._name}
        )
        if not rows:
            return None
        try:
            pair = TokenPair.model_validate_json(self._cipher.decrypt(bytes(rows[0][0])))
        except (InvalidToken, ValidationError) as error:
            _log.warning(
                "the tokens in bank.tokens of the lake's Postgres cannot be read (%s): "
                "they are requested anew and replaced",
                type(error).__name__,
            )
            return None
        pair.redact()
        return pair

    def write(self, pair: TokenPair) -> None:
        # those of other credentials are of a time before a rotation
        self._run("delete from bank.tokens where credentials <> %(name)s", {"name": self._name})
        self._run(
            "insert into bank.tokens values (%(name)s, %(sealed)s, %(expires_at)s) "
            "on conflict (credentials) do update set "
            "sealed = excluded.sealed, expires_at = excluded.expires_at",
            {
                "name": self._name,
                "sealed": self._cipher.encrypt(pair.model_dump_json().encode()),
                "expires_at": pair.access.expires_at,
            },
        )


def sharing_of(url: str, *, wait_seconds: float = WAIT_SECONDS) -> Sharing:
    """Share the tokens of the API at ``url`` with the processes that have the same credentials.

    A token is for that address only: with another one, it cannot be decrypted.

    Args:
        url: the base URL.
        wait_seconds: how long to wait for a process that is asking.
    """

    @contextmanager
    def shared(credentials: Mapping[str, str]) -> Iterator[_Sealed]:
        secret = "\0".join(credentials[key] for key in sorted(credentials)).encode()
        name = _derived(secret, url, "name").hex()
        cipher = Fernet(base64.urlsafe_b64encode(_derived(secret, url, "key")))
        with open_catalog() as catalog:
            catalog.create(_TABLES)
            try:
                with catalog.locked(f"bank token {name}", wait_seconds=wait_seconds) as run:
                    yield _Sealed(run, name, cipher)
            except LockBusyError as error:
                raise TokensBusyError(
                    f"another process has been asking GoCardless for a token for "
                    f"{wait_seconds:g} s: let it finish or stop it, then run again"
                ) from error

    return shared


def _derived(secret: bytes, url: str, purpose: str) -> bytes:
    """Return 32 bytes that only somebody with the secret can compute, others for each purpose."""
    info = f"gocardless tokens of {url}: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
