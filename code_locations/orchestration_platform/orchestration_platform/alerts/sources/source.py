"""What all sources have in common."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.runs.facts import LastSuccesses
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.plan import PlanCache
from orchestration_platform.alerts.sources.runs.unreadable import UnreadableRuns
from orchestration_platform.alerts.workspace.webserver import Workspace

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


@dataclass
class Found:
    """What some records come to.

    Attributes:
        findings: what has happened.
        recoveries: what is in order again.
        read_runs: runs whose log was read, and need not be read again.
    """

    findings: list[Finding] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    read_runs: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Add what others come to."""
        self.findings += other.findings
        self.recoveries += other.recoveries
        self.read_runs += other.read_runs


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is recorded in one transaction with the position behind it.

    Attributes:
        expected: the position that it was read from. Another pass that has come further has
            recorded the same.
        position: the one behind it.
        found: what is between the two.
    """

    expected: str | None
    position: str
    found: Found


@dataclass(frozen=True)
class SourceMemory:
    """What the sources keep from one pass to the next.

    Attributes:
        plans: of runs.
        unreadable: runs that could not be read so far.
    """

    plans: PlanCache = field(default_factory=PlanCache)
    unreadable: UnreadableRuns = field(default_factory=UnreadableRuns)


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
        memory: what is kept from one pass to the next.
    """

    instance: dg.DagsterInstance
    now: float
    told: frozenset[str]
    open: frozenset[str]
    thresholds: Sequence[float]
    already_read: Callable[[Sequence[str]], set[str]]
    workspace: Workspace
    memory: SourceMemory

    @cached_property
    def successes(self) -> LastSuccesses:
        """When jobs and assets last succeeded."""
        return LastSuccesses(self.instance)

    def log_of(self, run_id: str) -> RunLog:
        """The log of a run."""
        return RunLog(self.instance, run_id, self.memory.plans)

    def wants(self, kinds: Collection[EventType]) -> bool:
        """Whether any of ``kinds`` is told or has to be put right."""
        return any(kind in self.told or kind in self.open for kind in kinds)


@dataclass(frozen=True)
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
