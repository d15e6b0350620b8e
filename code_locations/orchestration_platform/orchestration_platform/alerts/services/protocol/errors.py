"""What can happen to a message that a service did not simply accept."""


class ServiceUnavailableError(RuntimeError):
    """The service did not do what was asked, but may do it later.

    Attributes:
        retry_after: seconds to wait, if the service named them.
        is_unsure: whether the service may have done it anyway.
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
    """The message to change or reply to does not exist."""
