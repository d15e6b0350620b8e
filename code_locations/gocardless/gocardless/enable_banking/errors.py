"""Enable Banking's error codes as the errors that all providers share."""

from collections.abc import Mapping
from typing import Any

from gocardless.bank_api.errors import (
    AccessExpiredError,
    AccountForbiddenError,
    ApiError,
    AuthenticationFailedError,
    InstitutionUnavailableError,
    IpDeniedError,
    NoAnswerError,
    NotFoundError,
    RateLimitedError,
)
from gocardless.bank_api.limits import Limit, retry_after


class NoAnswerFromEnableBankingError(NoAnswerError):
    """No connection, a time-out, or an answer that is not from the API."""

    remedy = "check ENABLE_BANKING_API_URL, the network and its proxy, then run again"


class KeyRefusedError(AuthenticationFailedError):
    """The API accepts no token that is signed with the key."""

    remedy = (
        "write the application_id and its private_key of the vendor's control panel "
        "to the secret gocardless/enable_banking"
    )


class UserPresenceError(ApiError):
    """The bank wants the headers of a user who is present, or an action of theirs."""

    remedy = "set all of the bank's required psu_headers of its connection in the settings file"


class AuthorisationCodeError(ApiError):
    """The code cannot be exchanged for a session."""

    remedy = "start again: a code is valid once and for a short time"


_BY_CODE: Mapping[str, type[ApiError]] = {
    "UNAUTHORIZED_ACCESS": KeyRefusedError,
    "AUTHORIZATION_NOT_PROVIDED": KeyRefusedError,
    "UNAUTHORIZED_IP": IpDeniedError,
    "ACCESS_DENIED": AccountForbiddenError,
    "ASPSP_ACCOUNT_NOT_ACCESSIBLE": AccountForbiddenError,
    "ACCOUNT_DOES_NOT_EXIST": NotFoundError,
    "INVALID_ACCOUNT_ID": NotFoundError,
    "SESSION_DOES_NOT_EXIST": NotFoundError,
    "EXPIRED_SESSION": AccessExpiredError,
    "CLOSED_SESSION": AccessExpiredError,
    "REVOKED_SESSION": AccessExpiredError,
    "WRONG_SESSION_STATUS": AccessExpiredError,
    "ASPSP_ERROR": InstitutionUnavailableError,
    "ASPSP_TIMEOUT": InstitutionUnavailableError,
    "ASPSP_RATE_LIMIT_EXCEEDED": RateLimitedError,
    "PSU_HEADER_NOT_PROVIDED": UserPresenceError,
    "PSU_HEADER_INVALID": UserPresenceError,
    "ASPSP_PSU_ACTION_REQUIRED": UserPresenceError,
    "EXPIRED_AUTHORIZATION_CODE": AuthorisationCodeError,
    "WRONG_AUTHORIZATION_CODE": AuthorisationCodeError,
    "ALREADY_AUTHORIZED": AuthorisationCodeError,
}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: KeyRefusedError,
    403: AccountForbiddenError,
    404: NotFoundError,
    408: InstitutionUnavailableError,
    429: RateLimitedError,
}
_PERIOD = frozenset({"WRONG_TRANSACTIONS_PERIOD", "WRONG_DATE_INTERVAL"})
_SERVER_ERROR = 500


def error_of(status: int, body: Any, headers: Mapping[str, str]) -> ApiError:
    """Return the exception for an answer with an error status."""
    known = body if isinstance(body, dict) else {}
    code = str(known.get("error") or "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is None:
        kind = InstitutionUnavailableError if status >= _SERVER_ERROR else ApiError
    summary = code or f"HTTP {status}"
    text = ": ".join(str(known[name]) for name in ("message", "detail") if known.get(name))
    error = kind(summary, text, status=status, limit=Limit(None, None, retry_after(headers)))
    error.may_be_of_the_period = code in _PERIOD
    return error
