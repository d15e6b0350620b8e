"""What the HTTP answers of services mean, for services that follow the conventions."""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from requests import Response

TIMEOUT_SECONDS = 10.0

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DEFAULT_RETRY_SECONDS = 30.0
_TOO_MANY = 429
_SERVER_ERROR = 500
# The message is at fault; any other 4xx, such as a wrong key, can be fixed.
_CONTENT_STATUSES = frozenset({400, 413, 415, 422})


def checked_address(address: str, *, what: str) -> str:
    """Return ``address`` if secrets may travel there.

    Raises:
        ServiceUnavailableError: it is neither https nor this machine. Does not show the address,
            which may itself be secret.
    """
    parts = urlsplit(address)
    if not may_carry_secrets(parts.hostname or "", is_encrypted=parts.scheme == "https"):
        raise ServiceUnavailableError(f"{what} is not an https address: write one that is")
    return address


def may_carry_secrets(host: str, *, is_encrypted: bool) -> bool:
    """Return whether secrets may travel to ``host``: encrypted, or within this machine."""
    return bool(host) and (is_encrypted or host in _LOOPBACK)


def address_from(variable: str, default: str) -> str:
    """Return the address in the environment's ``variable``, or ``default``."""
    return (os.environ.get(variable) or default).rstrip("/")


def post(
    name: str, url: str, *, what: str, remedy: str, timeout_seconds: float, **request: Any
) -> "Response":
    """Return the answer to a POST that was accepted.

    Args:
        name: the name of the service, for people.
        url: the address; secret.
        what: the name of the url, for people.
        remedy: what to do if the service rejects our credentials.
        timeout_seconds: for a connection, and for the answer.
        request: passed on to ``requests.post``.

    Raises:
        MessageRefusedError: the service does not want this message.
        ServiceUnavailableError: it did not accept the message now.
    """
    import requests

    address = checked_address(url, what=what)
    try:
        answer = requests.post(address, timeout=timeout_seconds, allow_redirects=False, **request)
    except requests.RequestException as error:
        # The error's own text contains the address.
        reason = f"{name} did not answer: {type(error).__name__}"
        raise ServiceUnavailableError(reason, is_unsure=True) from None
    retry_after = answer.headers.get("Retry-After")
    judge(name, answer.status_code, retry_after=retry_after, remedy=remedy)
    return answer


def judge(name: str, status: int, *, retry_after: str | None, remedy: str) -> None:
    """Check that ``status`` means that the service has the message.

    Args:
        name: the name of the service, for people.
        status: the status of the answer.
        retry_after: the value of the header, in seconds.
        remedy: what to do if the service rejects our credentials.

    Raises:
        MessageRefusedError: the service does not want this message.
        ServiceUnavailableError: it did not accept the message now.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - success in HTTP
        return
    reason = f"{name} answered {status}"
    if status == _TOO_MANY:
        raise ServiceUnavailableError(
            f"{name} asks to wait", retry_after=retry_seconds(retry_after)
        )
    if status in _CONTENT_STATUSES:
        raise MessageRefusedError(reason)
    if status >= _SERVER_ERROR:
        raise ServiceUnavailableError(reason, is_unsure=True)
    raise ServiceUnavailableError(f"{reason}: {remedy}")


def retry_seconds(text: str | None) -> float:
    """Return the seconds in a ``Retry-After`` header; half a minute if it is not a number."""
    text = text or ""
    return float(text) if text.replace(".", "", 1).isdigit() else _DEFAULT_RETRY_SECONDS
