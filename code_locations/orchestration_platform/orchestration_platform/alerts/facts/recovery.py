"""What is OK again, and which alerts that ends."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self

from orchestration_platform.alerts.facts.alert import Alert


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Something is OK again, or no longer goes on.

    Attributes:
        event_types: the event types that it ends.
        puts_right: returns whether it ends a given alert of these event types.
        partitions: the partitions that are OK, ``""`` for a subject without partitions; ``None`` if
            partitions do not matter.
        since: alerts found at this time or before are over.
        at: when they are over.
        instead: the present state if it is not OK, such as "switched off".
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
        """End all alerts of ``event_types`` that were reported about ``subject`` up to ``at``.

        ``attributes`` are further attributes of the alerts, such as ``location``, if names repeat.
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
