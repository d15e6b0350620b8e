"""The API's own errors, as its contract writes them."""

from typing import Any


class Refusal(Exception):  # noqa: N818 - an answer, not a programming error
    """An answer that is an error of the API."""

    def __init__(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, {**body, "status_code": status}, headers


def refusal(name: str, **words: str) -> Refusal:
    """Return the error of that name, with ``words`` for its placeholders.

    Raises:
        KeyError: the contract has no error of that name.
    """
    status, summary, detail, kind = _ERRORS[name]
    body = {"summary": summary.format(**words), "detail": detail.format(**words)}
    return Refusal(status, {**body, "type": kind} if kind else body)


def known_errors() -> frozenset[str]:
    """Return the names that :func:`refusal` knows."""
    return frozenset(_ERRORS)


def field_refusal(name: str, **words: str) -> Refusal:
    """Return the error of a field under the field's name, as in the contract's examples.

    The contract's error schema also requires summary and detail beside it.

    Raises:
        KeyError: the contract has no error of that name.
    """
    status, field, summary, detail = _FIELD_ERRORS[name]
    reason = {"summary": summary.format(**words), "detail": detail.format(**words)}
    return Refusal(status, {field.format(**words): [reason], **reason})


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
    "GeneralRateLimitExceeded": (
        429,
        "Rate limit exceeded",
        "The rate limit for this resource is {limit}/min. Please try again in {seconds} seconds",
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
    "MalformedBody": (400, "Malformed request", "{reason}", None),
    "EUAAccepted": (
        405,
        "EUA cannot be accepted more than once",
        "End User Agreements cannot be accepted more than once",
        None,
    ),
    "EUANeedsToBeAccepted": (
        400,
        "End user agreement needs to be accepted.",
        "EUA '{agreement}' is not accepted.",
        None,
    ),
    "ReconfirmationNotEnabled": (
        400,
        "Reconfirmation is not enabled.",
        "Reconfirmation is not enabled for agreement '{agreement}'.",
        None,
    ),
    "AccountEUAScopeError": (
        403,
        "End User Agreement (EUA) access scope error",
        (
            "EUA doesn't allow access to account {scope}. Check EUA access scope. Or create new "
            "EUA with correct access scope"
        ),
        None,
    ),
    "AccountValidEUAError": (
        403,
        "No valid End User Agreement",
        "Account exists but there is no valid End User Agreement permitting you to access it",
        None,
    ),
    "AccountResourceUnavailable": (
        403,
        _NOT_UPDATED,
        (
            "The requested resource is unavailable for this account. Certain resources may be "
            "restricted or unsupported for specific accounts."
        ),
        "AccountResourceUnavailable",
    ),
    "MethodNotAllowed": (405, "Method not allowed", "Method {value} not allowed.", None),
}

_FIELD_ERRORS = {
    "FieldRequired": (400, "{field}", "Field is required", "{field}: This field is required."),
    "WrongType": (400, "{field}", "Incorrect {field}", "{field} must be a {kind}"),
    "TooLong": (400, "{field}", "Incorrect {field}", "{field} has more than {most} characters"),
    "InstitutionFieldErrors": (
        400,
        "institution_id",
        "Unknown Institution ID {institution}",
        "Get Institution IDs from /institutions/?country={{$COUNTRY_CODE}}",
    ),
    "AccessScopeFieldErrors": (
        400,
        "access_scope",
        "Unknown value '{scope}' in access_scope",
        "Choose one or several from ['balances', 'details', 'transactions']",
    ),
    "EmptyAccessScope": (
        400,
        "access_scope",
        "Field 'access_scope' may not be an empty list.",
        "Please choose one or several of ['balances', 'details', 'transactions'].",
    ),
    "MaxHistoricalDaysFieldErrors": (
        400,
        "max_historical_days",
        "Incorrect max_historical_days",
        "max_historical_days must be > 0 and <= {institution} transaction_total_days ({most})",
    ),
    "AccessValidForDaysFieldErrors": (
        400,
        "access_valid_for_days",
        "Incorrect access_valid_for_days",
        "access_valid_for_days must be > 0 and <= {most}",
    ),
    "ReconfirmationIsNotAllowed": (
        400,
        "reconfirmation",
        "Reconfirmation is not allowed",
        "Reconfirmation is not allowed when access_valid_for_days <= 90 days.",
    ),
    "RedirectFieldErrors": (
        400,
        "redirect",
        "Invalid redirect URI",
        "Redirect URI must have a valid URI structure",
    ),
    "ReferenceFieldErrors": (
        400,
        "reference",
        "Client reference must be unique",
        "Client reference: {reference} already exists",
    ),
    "InvalidAgreement": (
        400,
        "agreement",
        "Invalid EndUserAgreement ID",
        (
            "{agreement} is not a valid EndUserAgreement UUID.  Please specify valid agreement "
            "from /api/agreements/enduser/ or create a new one"
        ),
    ),
    "AgreementNotFoundErrors": (
        404,
        "agreement",
        "ID {agreement} not found",
        "Please check whether you specified a valid ID",
    ),
    "AgreementFieldErrors": (
        400,
        "agreement",
        "Incorrect Institution ID {institution}",
        (
            "Provided Institution ID: '{institution}' for requisition does not match EUA "
            "institution ID '{other}'. Please provide correct institution ID: '{other}'"
        ),
    ),
    "AgreementIsTaken": (
        400,
        "agreement",
        "Agreement {agreement} is already associated",
        (
            "The agreement is already associated with requisition {requisition}. Please provide "
            "a valid agreement or use a different requisition."
        ),
    ),
}
