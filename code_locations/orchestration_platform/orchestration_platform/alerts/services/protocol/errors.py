"""What can become of a message that a service was given and did not simply take."""


class ServiceUnavailableError(RuntimeError):
    """The service did not do what was asked, and may later.

    Attributes:
        retry_after: seconds to wait, where the service said so.
        is_unsure: the service may have done it all the same.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, is_unsure: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.is_unsure = is_unsure


class LookupForbiddenError(ServiceUnavailableError):
    """The service does not let us look for a message."""


class MemberUnknownError(LookupError):
    """The service has no such member."""


class MessageRefusedError(ValueError):
    """The service will never accept this message."""


class MessageGoneError(LookupError):
    """The message that was to be changed or answered is not there."""
