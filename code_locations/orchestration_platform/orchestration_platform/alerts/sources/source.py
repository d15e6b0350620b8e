"""What all sources have in common."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import EventType

if TYPE_CHECKING:
    from orchestration_platform.alerts.workspace.webserver import Workspace

UNKNOWN_LOCATION = "(no code location)"

_LONGEST_KEY = 100


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something has happened that a policy may want to tell.

    Attributes:
        alert: what is told.
        key: the same for the same thing, however often it is found.
        parent_key: of an automatic retry, the key of what it repeats.
        tags: of the run.
    """

    alert: Alert
    key: str
    parent_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


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
    ) -> Self:
        """All of ``event_types`` that was told of ``subject`` until ``at`` is over."""
        return cls(
            event_types=tuple(event_types),
            puts_right=lambda failure: failure.subject == subject,
            partitions=None if partition is None else frozenset({partition}),
            since=at,
            at=at,
            instead=instead,
        )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is recorded in one transaction with the position behind it.

    Attributes:
        expected: the position that it was read from. Another pass that has come further has
            recorded the same.
        position: the one behind it.
        findings: what has happened.
        recoveries: what is in order again.
        read_runs: runs whose log was read, and need not be read again.
    """

    expected: str | None
    position: str
    findings: Sequence[Finding] = ()
    recoveries: Sequence[Recovery] = ()
    read_runs: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """With what the sources read.

    Attributes:
        instance: of Dagster.
        now: seconds since 1970.
        told: the event types that policies want.
        open: the event types of which something is not yet in order.
        thresholds: how long runs may take, in seconds, least first.
        already_read: those of the runs whose log was read before.
        workspace: what the webserver knows.
    """

    instance: dg.DagsterInstance
    now: float
    told: frozenset[str]
    open: frozenset[str]
    thresholds: Sequence[float]
    already_read: Callable[[Sequence[str]], set[str]]
    workspace: "Workspace"

    def wants(self, kinds: Collection[EventType]) -> bool:
        """Whether any of ``kinds`` is told or has to be put right."""
        return any(kind in self.told or kind in self.open for kind in kinds)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that is read in each pass, with a durable position of its own.

    Attributes:
        name: of its position.
        event_types: what it serves. Where none of them is told it is not read, and starts anew
            when one is.
        read: from a position, or from nothing, batch by batch.
    """

    name: str
    event_types: Collection[EventType]
    read: Callable[[Reading, str | None], Iterator[Batch]]


def occurrence_key(*parts: str) -> str:
    """One text for ``parts``, short enough for the database."""
    text = ":".join(parts)
    if len(text) <= _LONGEST_KEY:
        return text
    return f"{parts[0][:40]}:{hashlib.sha256(text.encode()).hexdigest()[:50]}"
