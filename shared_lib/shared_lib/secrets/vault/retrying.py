"""Retry requests that a failing or recovering server refuses temporarily."""

import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import hvac.adapters
import requests
import tenacity

from shared_lib.secrets.errors import (
    NotVaultError,
    SecretError,
    VaultBusyError,
    VaultSealedError,
    VaultUnreachableError,
)
from shared_lib.secrets.redaction.registry import redact
from shared_lib.secrets.vault.answers import of_vault

_log = logging.getLogger(__name__)

# 412: a standby that lags; 429: too many requests, or a standby; 472 and 473: standbys.
_FOR_NOW = frozenset((412, 429, 472, 473, 500, 502, 503, 504))
_NOT_INITIALISED = 501
_SEALED_TEXT = "sealed"
_UNTRUSTED_TEXT = "certificate verify failed"
_MOST_DOUBLINGS = 16
_SHOWN_LETTERS = 40


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to keep retrying.

    Attributes:
        total_seconds: the time from the first attempt until the caller gets the error.
        first_pause_seconds: the maximum first pause; each further one may be twice as long.
        longest_pause_seconds: the maximum of our own pauses.
    """

    total_seconds: float = 10.0
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after ``attempt``, which counts from 0.

        Random, so that clients that were refused together do not retry together.
        """
        longest = min(
            self.longest_pause_seconds,
            self.first_pause_seconds * 2 ** min(attempt, _MOST_DOUBLINGS),
        )
        return random.uniform(longest / 2, longest)  # noqa: S311 - no secret depends on it


class _ForNowError(Exception):
    """A temporary failure: another attempt may succeed.

    Attributes:
        trouble: the error to raise if there is no further attempt.
        retry_after: the seconds that the server asks to wait.
    """

    def __init__(self, trouble: SecretError, *, retry_after: float = 0.0) -> None:
        super().__init__(type(trouble).__name__)
        self.trouble = trouble
        self.retry_after = retry_after


class PatientAdapter(hvac.adapters.JSONAdapter):
    """hvac's HTTP layer with retries on 429, 5xx, sealed, standby and lost connections.

    Retries are here, below hvac's API, because its exceptions lack the Retry-After header.
    """

    patience = Patience()

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request until it gets a final answer.

        Raises:
            VaultUnreachableError: no server, or no trustworthy one, answered in time.
            VaultSealedError: the server stayed sealed, or is not initialised.
            VaultBusyError: the server kept answering 429 or 5xx.
            hvac.exceptions.VaultError: the server answered with another error.
        """
        kwargs["raise_exception"] = False
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_ForNowError),
            wait=self._pause,
            stop=tenacity.stop_before_delay(self.patience.total_seconds),
            before_sleep=tenacity.before_sleep_log(_log, logging.INFO),
            reraise=True,
        )
        try:
            return attempts(self._attempt, method, url, args, kwargs)
        except _ForNowError as refused:
            raise refused.trouble from None

    def _pause(self, state: tenacity.RetryCallState) -> float:
        refused = state.outcome.exception() if state.outcome else None
        asked = refused.retry_after if isinstance(refused, _ForNowError) else 0.0
        return max(self.patience.pause(state.attempt_number - 1), asked)

    def _attempt(self, method: str, url: str, args: Any, kwargs: Any) -> Any:
        """Return the answer to one attempt.

        Raises:
            _ForNowError: another attempt may succeed.
        """
        try:
            # JSONAdapter's own would hide the status of what is not JSON
            raw: Any = super(hvac.adapters.JSONAdapter, self)
            answer = cast("requests.Response", raw.request(method, url, *args, **kwargs))
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,  # the body ends early
        ) as error:
            # A broken TLS connection is an SSLError too, and worth another attempt.
            if _UNTRUSTED_TEXT not in str(error):
                raise _ForNowError(self._unreachable(type(error).__name__)) from error
            raise VaultUnreachableError(
                f"the certificate of {self.base_uri} is not trusted: set VAULT_CACERT to the "
                "certificate authority's PEM file, and check that the address is a name in the "
                "certificate"
            ) from None
        except requests.exceptions.ContentDecodingError:
            raise NotVaultError(
                f"{self.base_uri} does not answer as Vault does: it returns a body that cannot be "
                "decoded: check VAULT_ADDR"
            ) from None
        except requests.RequestException as error:
            # without the cause, whose text may have a header with the token
            raise self._unreachable(type(error).__name__) from None
        if answer.ok:
            found = of_vault(answer, method=method, address=self.base_uri)
            return answer if found is None else found
        if answer.status_code == _NOT_INITIALISED:
            raise VaultSealedError(
                f"Vault at {self.base_uri} is not initialised: run `vault operator init`"
            )
        if answer.status_code in _FOR_NOW:
            raise _ForNowError(self._trouble(answer), retry_after=_retry_after(answer))
        of_vault(answer, method=method, address=self.base_uri)
        # hvac binds it to each adapter by name, which pyright cannot see
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
            f"{_asked_wait(answer)}"
        )


def _retry_after(answer: requests.Response) -> float:
    """Return the seconds that the server asks for; 0 if it asks for none or in an unknown form."""
    text = answer.headers.get("Retry-After", "").strip()
    if not text:
        return 0.0
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        # without a zone: HTTP's dates are in UTC
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        _log.info("a Retry-After that is neither seconds nor a date is not followed")
        return 0.0


def _asked_wait(answer: requests.Response) -> str:
    text = answer.headers.get("Retry-After", "").strip()
    return f" (Retry-After: {redact(text)[:_SHOWN_LETTERS]!r})" if text else ""
