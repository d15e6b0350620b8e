"""Under which host names the webserver answers, and which pages may send it changes."""

import ipaddress
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared_lib.configuration.environment import (
    PEOPLES_URL_VARIABLE,
    UI_URL_VARIABLE,
    current_settings,
)

VARIABLE = "DAGSTER_ALLOWED_HOSTS"

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_HOST = re.compile(rf"(?P<name>{_NAME.pattern}|\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


# RFC 2606, section 3: nobody's address, so it was never set.
_EXAMPLE = "example.com"


class AllowedHostsError(ValueError):
    """The environment does not name the hosts; the text names the variable."""


@dataclass(frozen=True)
class AllowedHosts:
    """The host names that reach the webserver.

    Attributes:
        names: lower case, without a port.
        ui_origin: scheme, host and port of the address that people open. A proxy that ends TLS
            may rewrite ``Host``, so a page of this origin may send changes under any allowed name.
    """

    names: frozenset[str]
    ui_origin: str

    @classmethod
    def from_environment(cls) -> "AllowedHosts":
        """Return the names of this environment.

        These are the loopback names, the host of the UI's address, the host of
        ``DAGSTER_WEBSERVER_URL``, and the comma-separated names of ``DAGSTER_ALLOWED_HOSTS``.

        Raises:
            AllowedHostsError: an entry of ``DAGSTER_ALLOWED_HOSTS`` is not a host name, or the
                address that people open is still the shipped example.
        """
        settings = current_settings()
        ui_url = settings.ui_url
        if (urlsplit(ui_url).hostname or "").endswith(_EXAMPLE):
            message = (
                f"{PEOPLES_URL_VARIABLE}: set it to the address where people open Dagster; "
                f"for {settings.environment} it is still the example {ui_url}"
            )
            raise AllowedHostsError(message)
        urls = (ui_url, os.environ.get(UI_URL_VARIABLE, ""))
        named = (urlsplit(url).hostname for url in urls)
        listed = _listed(os.environ.get(VARIABLE, ""))
        names = frozenset(name for name in (*named, *listed) if name)
        return cls(names | _LOOPBACK_NAMES, _origin(ui_url))

    def has(self, host: str) -> bool:
        """Return whether ``host``, the value of a ``Host`` header, is one of ours.

        An IP address always is: the attack that this check stops needs a name whose address the
        attacker can change. Probes and Prometheus address a pod by its IP address.
        """
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].strip("[]").lower()
        return name in self.names or _is_address(name)

    def may_change(self, origin: str, host: str) -> bool:
        """Return whether a page of ``origin`` may send changes to a server reached as ``host``."""
        return origin.lower() == self.ui_origin or urlsplit(origin).netloc.lower() == host.lower()


def _listed(text: str) -> Iterable[str]:
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if _NAME.fullmatch(entry) is None:
            message = (
                f"{VARIABLE}: {entry!r} is not a host name; allowed are names such as "
                "dagster.example.com, without scheme, port and path, separated by commas"
            )
            raise AllowedHostsError(message)
        yield entry.lower()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
