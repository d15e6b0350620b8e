"""Follow only redirects that take credentials to the server that they were sent to."""

from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from shared_lib.configuration.environment import Environment, current_environment
from shared_lib.secrets.errors import NotVaultError
from shared_lib.secrets.redaction.registry import redact

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SameServerSession(requests.Session):
    """An HTTP session that follows one redirect, to the same host by HTTPS.

    Like Vault's own client it keeps the method and the body, follows no second redirect, and none
    from HTTPS to HTTP. Vault's client also follows to another host; this one does not, because
    ``requests`` would send the token, and the login's role id and secret id, to whatever the
    answer names. In ``local`` and ``ci`` a server on loopback may redirect within itself.
    """

    # requests declares each option by name; all are passed on
    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Send a request.

        Raises:
            NotVaultError: the server redirects to another one, or twice.
            requests.RequestException: there is no answer.
        """
        options["allow_redirects"] = False
        answer = super().request(method, url, **options)
        location = self.get_redirect_target(answer)
        if location is None:
            return answer
        target = _target(answer, location)
        answer = super().request(method, target, **{**options, "params": None})
        if self.get_redirect_target(answer) is not None:
            raise NotVaultError(
                f"{_origin(urlsplit(target))} redirects again after a first redirect: set "
                "VAULT_ADDR to the active server's own address"
            )
        return answer


def _target(answer: requests.Response, location: str) -> str:
    """Return the URL to follow.

    Raises:
        NotVaultError: it is of another server.
    """
    asked = urlsplit(answer.url)
    try:
        # The URL as requests will use it: its parser and urllib's disagree on some hosts.
        url = requests.Request("GET", urljoin(answer.url, location)).prepare().url or ""
        target = urlsplit(url)
        is_same = target.hostname == asked.hostname and target.username is None
        is_same_port = target.port == asked.port
    except (ValueError, requests.RequestException) as error:
        raise NotVaultError(
            f"{_origin(asked)} redirects to an address that is not a URL "
            f"({type(error).__name__}): check VAULT_ADDR"
        ) from None
    is_local = (
        asked.hostname in _LOOPBACK
        and asked.scheme == target.scheme == "http"
        and is_same_port
        and current_environment() in (Environment.LOCAL, Environment.CI)
    )
    if is_same and (target.scheme == "https" or is_local):
        return url
    raise NotVaultError(
        f"{_origin(asked)} redirects to {redact(_origin(target))}: credentials are sent only to "
        "the same host by https: set VAULT_ADDR to the https address of the server itself"
    )


def _origin(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc.rsplit('@', 1)[-1]}"
