"""The API's own errors, as its contract writes them."""

from typing import Any


class Refusal(Exception):  # noqa: N818 - it is the answer, not a mistake
    """An answer that is an error of the API."""

    def __init__(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, {**body, "status_code": status}, headers


def refusal(name: str, **words: str) -> Refusal:
    """The error of that name, its placeholders filled with ``words``.

    Raises:
        KeyError: the contract has no error of that name.
    """
    status, summary, detail, kind = _ERRORS[name]
    body = {"summary": summary.format(**words), "detail": detail.format(**words)}
    return Refusal(status, {**body, "type": kind} if kind else body)


_NOT_UPDATED = "Couldn't update account {scope}"

_ERRORS = {
    "NotFoundError": (404, "Not found.", "Not found.", None),
    "AccountNotFoundError": (
        404,
        "Account ID {account} not found",
        "Please check whether you specified a valid Account ID",
        None,
    ),
    "InvalidToken": (401, "Invalid token", "Token is invalid or expired", None),
    "AuthenticationFailed": (
        401,
        "Authentication failed",
        "No active account found with the given credentials",
        None,
    ),
    "IPAccessDenied": (
        403,
        "IP address access denied",
        "Your IP 127.0.0.1 isn't whitelisted to perform this action",
        None,
    ),
    "EUAExpiredError": (
        401,
        "End User Agreement (EUA) {agreement} has expired",
        (
            "EUA was valid for {days} days and it expired at {expired}. The end user must connect "
            "the account once more with new EUA and Requisition"
        ),
        None,
    ),
    "AccessExpiredError": (
        401,
        _NOT_UPDATED,
        "Access has expired or it has been revoked. To restore access reconnect the account.",
        "AccessExpiredError",
    ),
    "AccountInactiveError": (
        401,
        _NOT_UPDATED,
        "Account has been deactivated or it no longer exists.",
        "AccountInactiveError",
    ),
    "AccountSuspendedError": (
        409,
        "Account suspended",
        (
            "This account or its requisition was suspended due to numerous errors that occurred "
            "while accessing it."
        ),
        None,
    ),
    "AccountAccessForbidden": (
        403,
        _NOT_UPDATED,
        "Access to account is forbidden. The user might not have the necessary permissions.",
        "AccountAccessForbidden",
    ),
    "UnknownRequestError": (
        500,
        _NOT_UPDATED,
        "Request to Institution returned an error",
        "UnknownRequestError",
    ),
    "ServiceError": (503, _NOT_UPDATED, "Institution service unavailable", "ServiceError"),
    "ConnectionError": (503, _NOT_UPDATED, "Couldn't connect to Institution", "ConnectionError"),
    "RateLimitExceeded": (
        429,
        "Rate limit exceeded",
        "The rate limit for this resource is {limit}/day. Please try again in {seconds} seconds",
        None,
    ),
    "RateLimitError": (
        429,
        _NOT_UPDATED,
        "Daily request limit set by the Institution has been exceeded.",
        "RateLimitError",
    ),
    "InvalidAccountID": (
        400,
        "Invalid Account ID",
        "{account} is not a valid Account UUID. ",
        None,
    ),
    "InvalidID": (400, "Invalid ID", "{value} is not a valid UUID.", None),
    "DateRangeError": (
        400,
        "Incorrect date range",
        (
            "Starting date '{date_from}' is greater than end date '{date_to}'. When specifying "
            "date range, starting date must precede the end date"
        ),
        None,
    ),
    "InvalidDate": (
        400,
        "Incorrect date format",
        "{value} is not a date of the format YYYY-MM-DD",
        None,
    ),
    "InvalidNumber": (400, "Invalid value", "{value} is not allowed for {field}", None),
    "UnknownFields": (400, "Unknown fields", "Unknown fields {field} in query", None),
    "NotAValidChoice": (400, "Invalid country choice.", "{value} is not a valid choice.", None),
    "FieldRequired": (400, "Field is required", "{field}: This field is required.", None),
    "MethodNotAllowed": (405, "Method not allowed", "Method {value} not allowed.", None),
}
