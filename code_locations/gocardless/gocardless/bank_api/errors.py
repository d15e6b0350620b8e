"""What calls of an API end with, by type, each with what the reader can do about it."""

from gocardless.bank_api.limits import Limit, seconds_in_words

_BAD_REQUEST = 400


class ApiError(RuntimeError):
    """The API refused a call, or returned no usable answer.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        summary: the API's own summary.
        detail: the API's own detail.
        limit: the account's limit as the answer reports it.
        may_be_of_the_period: whether a shorter period may be answered.
    """

    remedy = "see the detail, and the vendor's documentation of the call"

    def __init__(
        self, summary: str, detail: str = "", *, status: int = 0, limit: Limit | None = None
    ) -> None:
        self.status, self.summary, self.detail = status, summary, detail
        self.limit = limit or Limit()
        # of the account and its consent the API says more than that the request is bad
        self.may_be_of_the_period = status == _BAD_REQUEST and type(self) is ApiError
        text = f"{summary}: {detail}" if detail else summary
        super().__init__(f"{text} (HTTP {status}); {self.remedy}")


class NoAnswerError(ApiError):
    """No connection, a time-out, or an answer that is not from the API."""

    remedy = "check the address of the API, the network and its proxy, then run again"


class MalformedAnswerError(ApiError):
    """A successful answer that breaks the contract; asking again would spend a call."""

    remedy = (
        "nothing was stored; if the next day's answer is the same, contact the vendor's support"
    )


class AuthenticationFailedError(ApiError):
    """The API issues no token for the credentials."""

    remedy = "check the credentials of the API"


class TokenRefusedError(ApiError):
    """The access token is invalid or has expired."""

    remedy = "run again; if the error persists, create new user secrets"


class AgreementExpiredError(ApiError):
    """The end-user agreement has expired or does not exist."""

    remedy = "the account's owner has to connect it again, with a new agreement and requisition"


class AccessExpiredError(ApiError):
    """The bank has ended the access."""

    remedy = "the account's owner has to connect it again"


class AccountInactiveError(ApiError):
    """The account is closed."""

    remedy = "nothing can be fetched any more; remove the connection if it is not needed"


class AccountSuspendedError(ApiError):
    """The vendor has suspended the account after many errors, or its state allows no call."""

    remedy = "contact the vendor's support, or connect the account again"


class AccountForbiddenError(ApiError):
    """The agreement or the bank does not allow the request."""

    remedy = "connect the account again with an agreement whose access_scope has this scope"


class IpDeniedError(ApiError):
    """The vendor does not accept calls from this IP address."""

    remedy = "add the platform's outgoing address to the vendor's list of allowed addresses"


class NotFoundError(ApiError):
    """The requested object does not exist."""

    remedy = "check the id; the requisition may have been deleted"


class InstitutionUnavailableError(ApiError):
    """The bank does not answer the vendor."""

    remedy = "run again later; the error is at the bank, not in the platform"


class RateLimitedError(ApiError):
    """The limit is reached; no call is left for now.

    Attributes:
        is_general: whether it is the limit of all calls, and the account has some left.
    """

    is_general = False
    remedy = "no action needed: the next run after the reset continues"

    @property
    def reset_seconds(self) -> int | None:
        """Seconds until a call is allowed again, from the headers or the error text."""
        seconds = self.limit.reset_seconds
        return seconds_in_words(self.detail) if seconds is None else seconds
