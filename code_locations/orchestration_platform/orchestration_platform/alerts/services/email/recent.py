"""Who has an e-mail already, as far as this process knows."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RecentEmails:
    """What the outbox does not know: it has e-mails, and not their addresses.

    A new process begins with nothing. Those who have an e-mail then get it again, with the same
    Message-ID.

    Attributes:
        delivered: by Message-ID who has it already, while others are to get it.
        refused: by address the first and the last refusal of a time in which it took nothing
            (monotonic).
    """

    delivered: dict[str, set[str]] = field(default_factory=dict)
    refused: dict[str, tuple[float, float]] = field(default_factory=dict)
