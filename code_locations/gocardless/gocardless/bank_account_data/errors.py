"""GoCardless' error answers as the errors that all providers share."""

import re
from collections.abc import Mapping
from typing import Any

from gocardless.bank_api.errors import (
    AccessExpiredError,
    AccountForbiddenError,
    AccountInactiveError,
    AccountSuspendedError,
    AgreementExpiredError,
    ApiError,
    AuthenticationFailedError,
    InstitutionUnavailableError,
    IpDeniedError,
    NoAnswerError,
    NotFoundError,
    RateLimitedError,
    TokenRefusedError,
)
from gocardless.bank_api.limits import Limit, account_limit, general_limit, retry_after


class NoAnswerFromGoCardlessError(NoAnswerError):
    """No connection, a time-out, or an answer that is not from the API."""

    remedy = "check GOCARDLESS_API_URL, the network and its proxy, then run again"


class UserSecretsRefusedError(AuthenticationFailedError):
    """The API issues no token for the user secrets."""

    remedy = (
        "write the secret_id and secret_key of the vendor's page 'User secrets' "
        "to the secret gocardless/api"
    )


_BY_TYPE = {
    "AccessExpiredError": AccessExpiredError,
    "AccountInactiveError": AccountInactiveError,
    "AccountAccessForbidden": AccountForbiddenError,
    "AccountResourceUnavailable": AccountForbiddenError,
    "RateLimitError": RateLimitedError,
    "UnknownRequestError": InstitutionUnavailableError,
    "ServiceError": InstitutionUnavailableError,
    "ConnectionError": InstitutionUnavailableError,
}
_BY_SUMMARY = (
    (401, "Authentication failed", UserSecretsRefusedError),
    (401, "Invalid token", TokenRefusedError),
    (401, "End User Agreement", AgreementExpiredError),
    (403, "IP address", IpDeniedError),
    (403, "No valid End User Agreement", AgreementExpiredError),
    (403, "", AccountForbiddenError),
    (404, "", NotFoundError),
    (409, "", AccountSuspendedError),
    (429, "", RateLimitedError),
)
_BAD_REQUEST, _TOO_MANY_REQUESTS, _SERVER_ERROR = 400, 429, 500
_A_DAY = re.compile(r"/day|\bdaily\b", re.IGNORECASE)
# Some banks' agreements end with 400 instead of 401.
_EXPIRED_AGREEMENT = re.compile(r"(agreement|EUA|access)\b.*\bexpired", re.IGNORECASE)


def error_of(status: int, body: Any, headers: Mapping[str, str]) -> ApiError:
    """Return the exception for an answer with an error status."""
    known = body if isinstance(body, dict) else {}
    summary = str(known.get("summary") or f"HTTP {status}")
    # one error of the contract, about an account's state, is not an error document
    detail = str(known.get("detail") or known.get("status") or "")
    limit = account_limit(headers)
    is_of_account = bool(limit) and not limit.remaining
    if status == _TOO_MANY_REQUESTS and not is_of_account:
        # the general limit is meant: the account has calls left
        limit = general_limit(headers)
    if status == _TOO_MANY_REQUESTS and limit.reset_seconds is None:
        limit = Limit(limit.limit, limit.remaining, retry_after(headers))
    kind = _kind(status, known, f"{summary} {detail}")
    error = kind(summary, detail, status=status, limit=limit)
    if isinstance(error, RateLimitedError):
        # one with a type is the bank's own
        error.is_general = not (is_of_account or known.get("type") or _A_DAY.search(detail))
    return error


def _kind(status: int, body: Mapping[str, Any], text: str) -> type[ApiError]:
    by_type = _BY_TYPE.get(str(body.get("type")))
    if by_type is not None:
        return by_type
    for expected, beginning, kind in _BY_SUMMARY:
        if status == expected and text.startswith(beginning):
            return kind
    if status == _BAD_REQUEST and _EXPIRED_AGREEMENT.search(text):
        return AgreementExpiredError
    return InstitutionUnavailableError if status >= _SERVER_ERROR else ApiError
