"""What an alert says, before a service lays it out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration_platform.alerts.facts.alert import (
    Alert,
    Detail,
    Severity,
)
from orchestration_platform.alerts.messages.wording import (
    Link,
    Span,
)

# How dbt_failures.py names what failed, at the beginning of its text.
_OF_DBT = re.compile(r"dbt (?P<kind>model|seed|snapshot|test|unit test) \w+")
_KINDS = {"unit test": "test"}


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A failure that goes on or is over: the subject of one message.

    Attributes:
        first: the first failed run.
        latest: the last failed run.
        occurrences: how many runs have failed in this way.
        partitions: some of the partitions that failed.
        partition_count: how many partitions failed.
        recovered_at: when it succeeded again, in seconds since 1970.
        description: the policy's, if the message includes it.
        acknowledged_by: the ids, at the service, of those who have acknowledged it.
        escalated_at: when it was last escalated, in seconds since 1970.
        escalated_to: owners whom the escalation calls; set only in messages of the escalation.
        policies: the names of the policies that report it.
        runbook: the address of the policy's runbook.
    """

    first: Alert
    latest: Alert
    occurrences: int
    partitions: Sequence[str] = ()
    partition_count: int = 0
    recovered_at: float | None = None
    description: str = ""
    acknowledged_by: Sequence[str] = ()
    escalated_at: float | None = None
    escalated_to: Sequence[str] = ()
    policies: Sequence[str] = ()
    runbook: str = ""


@dataclass(frozen=True)
class Fact:
    """A line of a message: a label and its value."""

    label: str
    value: tuple[Span, ...]


@dataclass(frozen=True)
class ShownProblem:
    """A failed step, or several similar ones of a dynamic step.

    Attributes:
        name: the step, or what else failed.
        count: how many there are.
        place: file, line and function in user code.
        error: its class and text.
        trace: the stack trace.
        attempts: how often the step was tried.
        details: what the author of the step attached.
    """

    name: str
    count: int
    place: str
    error: str
    trace: str
    attempts: int = 1
    details: tuple[Detail, ...] = ()

    @property
    def short_name(self) -> str:
        """The name to search for: for dbt, the model or test, which has no step of its own."""
        found = _OF_DBT.match(self.error)
        return found[0] if found else self.name

    @property
    def times(self) -> str:
        """What to add after the name if there are several, or it was tried several times."""
        several = f" ({self.count} of its steps)" if self.count > 1 else ""
        return several + (f", {self.attempts} attempts" if self.attempts > 1 else "")

    @property
    def noun(self) -> str:
        """What several of them are called."""
        found = _OF_DBT.match(self.error)
        return f"{_KINDS.get(found['kind'], found['kind'])}s" if found else "steps"


@dataclass(frozen=True, kw_only=True)
class Message:
    """The content of one message, without secrets.

    Attributes:
        title: its header.
        summary: the whole message in one line.
        event: what has happened and where, in words.
        reason: the first error of the first failure, in one line; empty for good news.
        event_type: the event type of the policy.
        severity: how bad it is.
        kind: what the subject is.
        subject: the name of the subject.
        location: the code location.
        run_id: the latest run; empty without one.
        facts: the facts, most important first.
        problems: what went wrong.
        more_problems: how many were left out of ``problems``.
        description: the policy's, if the message includes it.
        notes: what the policies add.
        links: where to look, most important first.
        occurrences: how often it happened.
        first_at: when it first happened, in seconds since 1970, as below.
        last_at: when it last happened.
        recovered_at: when it was over; None while it goes on.
        owners: the owners of the subject, as Dagster has them: an address or ``team:name``; None
            while they are unknown.
        assets: the assets that are the subject.
        instead: for what is over but not OK, its present state.
    """

    title: str
    summary: str
    event: str
    reason: str
    event_type: str
    severity: Severity
    kind: str
    subject: str
    location: str
    run_id: str
    facts: tuple[Fact, ...]
    problems: tuple[ShownProblem, ...]
    more_problems: int
    description: str
    notes: tuple[str, ...]
    links: tuple[Link, ...]
    occurrences: int
    first_at: float
    last_at: float
    recovered_at: float | None
    owners: tuple[str, ...] | None
    assets: tuple[str, ...]
    instead: str

    @property
    def is_ok(self) -> bool:
        """Whether everything is OK again."""
        return self.recovered_at is not None and not self.instead

    @property
    def tone(self) -> Severity:
        """The current severity."""
        return Severity.INFO if self.is_ok else self.severity
