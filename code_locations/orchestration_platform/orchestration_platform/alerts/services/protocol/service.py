"""What the outbox asks of any service."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.thread import Entry


@dataclass(frozen=True)
class Receipt:
    """Where a service has put a message.

    Attributes:
        id: the service's name of the message; ours where the service gives none.
        place: the service's name of the channel; empty where there is none.
        note: what people should know of how it got there.
    """

    id: str
    place: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What a service is to tell.

    Attributes:
        key: of this message, never of another one.
        incident_key: of the message that began the incident; the same for all that follows.
        message: what the incident's message says by now.
        entry: what is to be added to it; nothing when it is the message itself.
        thread: of an entry, the message that it belongs to.
        mentions: the service's ids of owners.
        is_plain: the full form was refused, a line of text is to do.
    """

    key: str
    incident_key: str
    message: Message
    entry: Entry | None = None
    thread: Receipt | None = None
    mentions: Mapping[str, str] = field(default_factory=dict)
    is_plain: bool = False


class Service:
    """A way to tell people. Capabilities say which of the methods below a service has.

    All of them raise:
        ServiceUnavailableError: the service did not do it, and may later.
        MessageRefusedError: it never will.
        MessageGoneError: the message to be changed or answered is not there.
    """

    def post(self, notification: Notification) -> Receipt:
        """Tell it."""
        raise NotImplementedError

    def update(self, notification: Notification, *, at: Receipt) -> Receipt:
        """Change the message that is ``at`` a place."""
        raise NotImplementedError

    def find(self, notification: Notification, *, since: float, place: str) -> Receipt | None:
        """The message with the notification's key, if the service has it.

        Args:
            notification: what may have been told.
            since: look from this time on, in seconds since 1970.
            place: the service's name of the channel, where it is known.

        Raises:
            LookupForbiddenError: we may not look.
        """
        raise NotImplementedError

    def acknowledged_by(self, at: Receipt) -> tuple[str, ...] | None:
        """Who has taken on what the message tells, as far as it can be told; nothing if nobody."""
        raise NotImplementedError
