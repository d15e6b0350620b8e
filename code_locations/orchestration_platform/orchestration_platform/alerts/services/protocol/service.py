"""What the outbox requires of any service."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.thread import Entry


@dataclass(frozen=True)
class Receipt:
    """Where a service has put a message.

    Attributes:
        id: the service's id of the message; ours if the service returns none.
        place: the service's id of the channel; empty without one.
        note: what people should know about the delivery.
    """

    id: str
    place: str = ""
    note: str = ""


@dataclass(frozen=True)
class Recipients:
    """Who gets a message.

    Attributes:
        addresses: their addresses at the service, without repetition.
        note: why it is these, if people should know.
    """

    addresses: Sequence[str]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What a service is to send.

    Attributes:
        key: identifies this message alone.
        incident_key: the key of the message that began the incident; the same for all that follow.
        message: the current content of the incident's message.
        entry: what to add to it; None if this is the message itself.
        thread: for an entry, the message that it belongs to.
        mentions: the service's ids of owners.
        is_plain: the full form was refused; a line of text will do.
    """

    key: str
    incident_key: str
    message: Message
    entry: Entry | None = None
    thread: Receipt | None = None
    mentions: Mapping[str, str] = field(default_factory=dict)
    is_plain: bool = False


class Service:
    """A way to notify people. Its capabilities say which of these methods it has.

    All of them raise:
        ServiceUnavailableError: the service did not do it, but may later.
        MessageRefusedError: it never will.
        MessageGoneError: the message to change or reply to does not exist.
    """

    def post(self, notification: Notification) -> Receipt:
        """Send the notification."""
        raise NotImplementedError

    def update(self, notification: Notification, *, at: Receipt) -> Receipt:
        """Update the message that is ``at`` a place."""
        raise NotImplementedError

    def find(self, notification: Notification, *, since: float, place: str) -> Receipt | None:
        """Return the message with the notification's key, if the service has it.

        Args:
            notification: what may have been sent.
            since: look from this time on, in seconds since 1970.
            place: the service's id of the channel, if it is known.

        Raises:
            LookupForbiddenError: we have no permission to look.
        """
        raise NotImplementedError

    def acknowledged_by(self, at: Receipt) -> tuple[str, ...] | None:
        """Return who has acknowledged the message, as far as it is known; None if nobody."""
        raise NotImplementedError

    def user_id(self, address: str) -> str | None:
        """Return the service's id of the user with an e-mail address, or None.

        Raises:
            LookupForbiddenError: we have no permission to look.
        """
        raise NotImplementedError


class ServiceWithRecipients(Service):
    """A service that notifies several recipients, one after the other.

    Its messages cannot be updated or found.
    """

    def recipients(self, message: Message) -> Recipients:
        """Return who gets ``message``."""
        raise NotImplementedError

    def post_to_each(
        self, notification: Notification, *, recipients: Sequence[str], due: Sequence[str]
    ) -> Generator[tuple[str, Exception | None]]:
        """Send the notification to the recipients that are ``due``, one at a time.

        Args:
            notification: what to send.
            recipients: all recipients of the message, including those that already have it.
            due: the recipients that do not have it yet.

        Yields:
            A recipient, and why the service refused it for good (``MessageRefusedError``) or for
            now (``ServiceUnavailableError``); None if the recipient has the message.
        """
        raise NotImplementedError
