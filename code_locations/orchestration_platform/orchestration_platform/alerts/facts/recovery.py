"""What is in order again, and which alerts are over by it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self

from orchestration_platform.alerts.facts.alert import Alert


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Something is in order again, or no longer goes on.

    Attributes:
        event_types: what is over by it.
        puts_right: of an alert of these, whether it is meant.
        partitions: those that are in order, ``""`` for what has none; ``None`` where they do not
            matter.
        since: what was found at this time or before is over.
        at: when it is over.
        instead: what it is now where that is not in order, such as "switched off".
    """

    event_types: Collection[str]
    puts_right: Callable[[Alert], bool]
    partitions: frozenset[str] | None
    since: float
    at: float
    instead: str = ""

    @classmethod
    def of_subject(
        cls,
        subject: str,
        event_types: Collection[str],
        *,
        at: float,
        partition: str | None = None,
        instead: str = "",
        **attributes: str,
    ) -> Self:
        """All of ``event_types`` that was told of ``subject`` until ``at`` is over.

        ``attributes`` are others of its alerts, such as ``location``, where names repeat.
        """
        wanted = {"subject": subject, **attributes}
        return cls(
            event_types=tuple(event_types),
            puts_right=lambda failure: all(
                getattr(failure, name) == value for name, value in wanted.items()
            ),
            partitions=None if partition is None else frozenset({partition}),
            since=at,
            at=at,
            instead=instead,
        )
