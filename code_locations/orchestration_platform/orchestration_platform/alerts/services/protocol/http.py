"""What HTTP answers of services mean, where they keep to the customs."""

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
# The message is at fault; whatever else is 4xx, such as a wrong key, can be put right.
_CONTENT_STATUSES = frozenset({400, 413, 415, 422})


def checked_address(address: str, *, what: str) -> str:
    """``address``, when what is secret may travel there.

    Raises:
        ServiceUnavailableError: it is neither https nor this machine. Does not show the address,
            which may be secret itself.
    """
    parts = urlsplit(address)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
        raise ServiceUnavailableError(f"{what} is no https address: write one that is")
    return address


def address_from(variable: str, default: str) -> str:
    """The address that the environment's ``variable`` names, or ``default``."""
    return (os.environ.get(variable) or default).rstrip("/")


def post(
    name: str, url: str, *, what: str, remedy: str, timeout_seconds: float, **request: Any
) -> "Response":
    """The answer to a POST that was taken.

    Args:
        name: the service, for people.
        url: where to; secret.
        what: the url, for people.
        remedy: what to do when the service does not know us.
        timeout_seconds: for a connection, and for the answer.
        request: as for ``requests.post``.

    Raises:
        MessageRefusedError: the service does not want this message.
        ServiceUnavailableError: it did not take the message now.
    """
    import requests

    address = checked_address(url, what=what)
    try:
        answer = requests.post(address, timeout=timeout_seconds, allow_redirects=False, **request)
    except requests.RequestException as error:
        # The error's own text has the address.
        reason = f"{name} did not answer: {type(error).__name__}"
        raise ServiceUnavailableError(reason, is_unsure=True) from None
    retry_after = answer.headers.get("Retry-After")
    judge(name, answer.status_code, retry_after=retry_after, remedy=remedy)
    return answer


def judge(name: str, status: int, *, retry_after: str | None, remedy: str) -> None:
    """Nothing when ``status`` says that the service has the message.

    Args:
        name: the service, for people.
        status: of the answer.
        retry_after: what the header says, in seconds.
        remedy: what to do when the service does not know us.

    Raises:
        MessageRefusedError: the service does not want this message.
        ServiceUnavailableError: it did not take the message now.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - success in HTTP
        return
    said = f"{name} answered {status}"
    if status == _TOO_MANY:
        raise ServiceUnavailableError(
            f"{name} asks to wait", retry_after=retry_seconds(retry_after)
        )
    if status in _CONTENT_STATUSES:
        raise MessageRefusedError(said)
    if status >= _SERVER_ERROR:
        raise ServiceUnavailableError(said, is_unsure=True)
    raise ServiceUnavailableError(f"{said}: {remedy}")


def retry_seconds(text: str | None) -> float:
    """What a ``Retry-After`` header means; half a minute when it is not a number."""
    text = text or ""
    return float(text) if text.replace(".", "", 1).isdigit() else _DEFAULT_RETRY_SECONDS
