"""Addresses of APIs, from environment variables."""

import os
from urllib.parse import urlsplit


class ApiAddressError(ValueError):
    """The variable with the address of an API is not an address."""


def address_in(variable: str, *, default: str) -> str:
    """Return the address in an environment variable, without a slash at its end.

    Raises:
        ApiAddressError: it is not an http or https address.
    """
    url = os.environ.get(variable) or default
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ApiAddressError(f"{variable}: {url!r} is not an address: write one such as {default}")
    return url.rstrip("/")
