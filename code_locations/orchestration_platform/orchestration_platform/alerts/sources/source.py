"""What all sources have in common."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.sources.runs.facts import LastSuccesses
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.plan import PlanCache
from orchestration_platform.alerts.sources.runs.unreadable import UnreadableRuns
from orchestration_platform.alerts.workspace.webserver import Workspace

_LONGEST_KEY = 100


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that has happened and that a policy may want to report.

    Attributes:
        alert: what to report.
        key: identifies it, however often it is found.
        parent_key: for an automatic retry, the key of what it repeats.
        tags: the tags of the run.
    """

    alert: Alert
    key: str
    parent_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Found:
    """What was found in some records.

    Attributes:
        findings: what has happened.
        recoveries: what is OK again.
        read_runs: runs whose log was read and need not be read again.
    """

    findings: list[Finding] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    read_runs: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Add what was found in other records."""
        self.findings += other.findings
        self.recoveries += other.recoveries
        self.read_runs += other.read_runs


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is recorded in one transaction with the position after it.

    Attributes:
        expected: the position it was read from. A pass that has read further has recorded the same.
        position: the position after it.
        found: what was found between the two.
    """

    expected: str | None
    position: str
    found: Found


@dataclass(frozen=True)
class SourceMemory:
    """What the sources keep from one pass to the next.

    Attributes:
        plans: the plans of runs.
        unreadable: runs that could not be read so far.
    """

    plans: PlanCache = field(default_factory=PlanCache)
    unreadable: UnreadableRuns = field(default_factory=UnreadableRuns)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the sources need for reading.

    Attributes:
        instance: the Dagster instance.
        now: seconds since 1970.
        reported: the event types that policies want.
        open: the event types with something that is not OK yet.
        thresholds: how long runs may take, in seconds, smallest first.
        already_read: those of the runs whose log was read before.
        workspace: what the webserver knows.
        memory: what is kept from one pass to the next.
        timing: how long to wait for what.
    """

    instance: dg.DagsterInstance
    now: float
    reported: frozenset[str]
    open: frozenset[str]
    thresholds: Sequence[float]
    already_read: Callable[[Sequence[str]], set[str]]
    workspace: Workspace
    memory: SourceMemory
    timing: Timing = TIMING

    @cached_property
    def successes(self) -> LastSuccesses:
        """When jobs and assets last succeeded."""
        return LastSuccesses(self.instance)

    def log_of(self, run_id: str) -> RunLog:
        """Return the log of a run."""
        return RunLog(self.instance, run_id, self.memory.plans)

    def wants(self, kinds: Collection[EventType]) -> bool:
        """Return whether any of ``kinds`` is reported or still has to recover."""
        return any(kind in self.reported or kind in self.open for kind in kinds)


@dataclass(frozen=True)
class Source:
    """Something that is read in each pass and has a durable position of its own.

    Attributes:
        name: the name of its position.
        event_types: the event types it serves. While no policy wants any of them, it is not read;
            it starts anew when one does.
        read: reads batch by batch, from a position or from nothing.
    """

    name: str
    event_types: Collection[EventType]
    read: Callable[[Reading, str | None], Iterator[Batch]]


def occurrence_key(*parts: str) -> str:
    """Return one text for ``parts``, short enough for the database."""
    text = ":".join(parts)
    if len(text) <= _LONGEST_KEY:
        return text
    return f"{parts[0][:40]}:{hashlib.sha256(text.encode()).hexdigest()[:50]}"
