"""Whether the API answers from here, which takes no credentials to find out."""

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import dagster as dg

if TYPE_CHECKING:
    import requests

BASE_URL_VARIABLE = "GOCARDLESS_API_URL"
VENDOR_BASE_URL = "https://bankaccountdata.gocardless.com"

_TIMEOUT_SECONDS = 10.0


class ApiUnreachableError(RuntimeError):
    """No answer, or not that of this API, came from the base URL."""


class ApiAddressError(ValueError):
    """``GOCARDLESS_API_URL`` is no address."""


def base_url() -> str:
    """Where the API is: ``GOCARDLESS_API_URL``, by default the vendor's address.

    Raises:
        ApiAddressError: it is no http or https address.
    """
    url = os.environ.get(BASE_URL_VARIABLE) or VENDOR_BASE_URL
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ApiAddressError(
            f"{BASE_URL_VARIABLE}: {url!r} is no address: write one such as {VENDOR_BASE_URL}"
        )
    return url.rstrip("/")


def measure_reachability(url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> float:
    """Ask for the institutions without a token and expect to be refused for want of one.

    The refusal (401, with the API's own error body) proves address, TLS and the API behind
    them, and counts against no limit.

    Args:
        url: the base URL.
        timeout_seconds: how long to wait for the connection and for the answer.

    Returns:
        The seconds that the answer took.

    Raises:
        ApiUnreachableError: no connection, or another answer; says which and what to check.
    """
    import requests

    started = time.perf_counter()
    try:
        response = requests.get(f"{url}/api/v2/institutions/", timeout=timeout_seconds)
    except requests.RequestException as error:
        message = (
            f"no answer from {url} ({type(error).__name__}): check {BASE_URL_VARIABLE}, "
            "the network and its proxy"
        )
        raise ApiUnreachableError(message) from error
    seconds = time.perf_counter() - started
    if response.status_code != requests.codes.unauthorized or not _is_api_error(response):
        message = (
            f"{url} answered {response.status_code}, not the API's 401 for a call without "
            f"token: check that {BASE_URL_VARIABLE} is the address of the API"
        )
        raise ApiUnreachableError(message)
    return seconds


def _is_api_error(response: "requests.Response") -> bool:
    try:
        body = response.json()
    except ValueError:  # what requests raises for a body that is not JSON derives from it
        return False
    return isinstance(body, dict) and {"summary", "detail", "status_code"} <= body.keys()


@dg.asset(
    key=["source", "gocardless", "api_reachability"],
)
def api_reachability(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """That the bank data API answers from where the platform runs, and how fast."""
    url = base_url()
    seconds = measure_reachability(url)
    context.log.info(f"{url} answered in {seconds:.3f} s")
    return dg.MaterializeResult(metadata={"base_url": url, "seconds": round(seconds, 3)})
