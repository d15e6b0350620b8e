"""Trying again what a server in trouble, or on its way back, refuses for now."""

import itertools
import logging
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import hvac.adapters
import requests

from shared_lib.secrets.errors import (
    VaultBusyError,
    VaultSealedError,
    VaultUnreachableError,
)

_log = logging.getLogger(__name__)

# 412: a standby has not caught up; 429: too many requests, or a standby; 472 and 473: standbys.
_FOR_NOW = frozenset((412, 429, 472, 473, 500, 502, 503, 504))
_NOT_INITIALISED = 501
_SEALED_TEXT = "sealed"
_UNTRUSTED_TEXT = "certificate verify failed"
_MOST_DOUBLINGS = 16


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to go on.

    Attributes:
        total_seconds: from the first attempt until the caller is told.
        first_pause_seconds: the longest first pause; each next one may be twice as long.
        longest_pause_seconds: no pause of our own is longer.
    """

    total_seconds: float = 10.0
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0

    def pause(self, attempt: int) -> float:
        """Seconds before the attempt that follows ``attempt``, which counts from 0.

        Random, so that clients that were turned away together do not come back together.
        """
        longest = min(
            self.longest_pause_seconds,
            self.first_pause_seconds * 2 ** min(attempt, _MOST_DOUBLINGS),
        )
        return random.uniform(longest / 2, longest)  # noqa: S311 - nothing secret hangs on it


class PatientAdapter(hvac.adapters.JSONAdapter):
    """hvac's HTTP layer, which tries again on 429, 5xx, sealed, standby and lost connections.

    Retries are here, below hvac's API, because its exceptions no longer have the Retry-After.
    """

    patience = Patience()

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request until it is answered for good.

        Raises:
            VaultUnreachableError: nothing, or nothing trustworthy, answered in time.
            VaultSealedError: the server stayed sealed, or is not initialised.
            VaultBusyError: the server went on answering 429 or 5xx.
            hvac.exceptions.VaultError: it answered with another error.
        """
        deadline = time.monotonic() + self.patience.total_seconds
        kwargs["raise_exception"] = False
        for attempt in itertools.count():
            trouble, asked_pause = self._attempt(method, url, args, kwargs)
            if not isinstance(trouble, Exception):
                return trouble
            pause = max(self.patience.pause(attempt), asked_pause)
            if time.monotonic() + pause > deadline:
                raise trouble
            _log.info("%s; trying again in %.1f s", type(trouble).__name__, pause)
            time.sleep(pause)
        raise AssertionError("unreachable: the loop returns or raises")

    def _attempt(self, method: str, url: str, args: Any, kwargs: Any) -> tuple[Any, float]:
        """The answer, or the error to raise unless a later attempt is better, and Retry-After."""
        try:
            answer = super().request(method, url, *args, **kwargs)
        except (requests.ConnectionError, requests.Timeout) as error:
            # A TLS connection that breaks off is an SSLError as well, and worth another attempt.
            trusted = _UNTRUSTED_TEXT not in str(error)
            trouble = self._unreachable(type(error).__name__)
            if trusted:
                return trouble, 0.0
            answer = None
        if answer is None:
            raise VaultUnreachableError(
                f"the certificate of {self.base_uri} is not trusted: set VAULT_CACERT to the "
                "certificate authority's PEM file, and check that the address is a name in the "
                "certificate"
            )
        if not isinstance(answer, requests.Response) or answer.ok:
            return answer, 0.0
        if answer.status_code == _NOT_INITIALISED:
            raise VaultSealedError(
                f"Vault at {self.base_uri} is not initialised: run `vault operator init`"
            )
        if answer.status_code in _FOR_NOW:
            return self._trouble(answer), _retry_after(answer)
        # hvac binds it to each adapter by name, out of sight of pyright
        self._raise_for_error(method, url, answer)  # pyright: ignore[reportAttributeAccessIssue]
        raise AssertionError("unreachable: hvac has raised")

    def _unreachable(self, kind: str) -> VaultUnreachableError:
        return VaultUnreachableError(
            f"cannot reach Vault at {self.base_uri} ({kind}), tried for "
            f"{self.patience.total_seconds:g} s: check VAULT_ADDR, the network, and that the "
            "server runs"
        )

    def _trouble(self, answer: requests.Response) -> VaultSealedError | VaultBusyError:
        if _SEALED_TEXT in answer.text.lower():
            return VaultSealedError(
                f"Vault at {self.base_uri} is sealed, still after "
                f"{self.patience.total_seconds:g} s: unseal it with `vault operator unseal`"
            )
        return VaultBusyError(
            f"Vault at {self.base_uri} answers {answer.status_code}, still after "
            f"{self.patience.total_seconds:g} s: look at the server's log and its rate limits"
        )


def _retry_after(answer: requests.Response) -> float:
    """The seconds that the server asks for; 0 where it asks for none, or not in a known form."""
    text = answer.headers.get("Retry-After", "").strip()
    if not text:
        return 0.0
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        _log.info("a Retry-After that is neither seconds nor a date is not followed")
        return 0.0
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
