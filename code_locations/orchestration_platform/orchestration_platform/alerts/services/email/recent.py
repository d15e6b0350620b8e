"""Who already has an e-mail, as far as this process knows."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RecentEmails:
    """What the outbox does not know: it stores e-mails, but not their addresses.

    A new process starts empty. People who already have an e-mail then get it again, with the same
    Message-ID.

    Attributes:
        delivered: by Message-ID, the addresses that already have it while others still wait.
        refused: by address, the first and last refusal of a period in which it accepted nothing
            (monotonic).
    """

    delivered: dict[str, set[str]] = field(default_factory=dict)
    refused: dict[str, tuple[float, float]] = field(default_factory=dict)
