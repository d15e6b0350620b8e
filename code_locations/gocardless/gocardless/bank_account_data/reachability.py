"""Checks whether the API can be reached from here; needs no credentials."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from gocardless.bank_api.addresses import address_in

if TYPE_CHECKING:
    import requests

BASE_URL_VARIABLE = "GOCARDLESS_API_URL"
VENDOR_BASE_URL = "https://bankaccountdata.gocardless.com"

_TIMEOUT_SECONDS = 10.0


class ApiUnreachableError(RuntimeError):
    """The base URL did not answer, or its answer is not from this API."""


def base_url() -> str:
    """Return the API's base URL: ``GOCARDLESS_API_URL``, by default the vendor's address.

    Raises:
        ApiAddressError: it is not an http or https address.
    """
    return address_in(BASE_URL_VARIABLE, default=VENDOR_BASE_URL)


def measure_reachability(url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> float:
    """Request the institutions without a token and expect a refusal.

    The refusal (401, with the API's own error body) proves that the address, TLS and the API
    work, and counts against no limit.

    Args:
        url: the base URL.
        timeout_seconds: how long to wait for the connection and for the answer.

    Returns:
        The response time in seconds.

    Raises:
        ApiUnreachableError: no connection, or another answer; the message says which, and what
            to check.
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
    except ValueError:  # base class of the error that requests raises for a body that is not JSON
        return False
    return isinstance(body, dict) and {"summary", "detail", "status_code"} <= body.keys()


@dg.asset(
    key=["source", "gocardless", "api_reachability"],
)
def api_reachability(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Check that the platform can reach the bank data API, and measure how fast it answers."""
    url = base_url()
    seconds = measure_reachability(url)
    context.log.info(f"{url} answered in {seconds:.3f} s")
    return dg.MaterializeResult(
        metadata={"base_url": url, "seconds": round(seconds, 3), "calls": 1}
    )
