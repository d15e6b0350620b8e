"""The message of an incident: what it says about the failure and about its outcome."""

import re
from collections.abc import Sequence

from orchestration_platform.alerts.facts.alert import (
    Alert,
    Problem,
    same_kind,
)
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.fingerprint import without_mapping_index
from orchestration_platform.alerts.messages.links import links_of, quoted, run_url
from orchestration_platform.alerts.messages.message import Fact, Incident, Message, ShownProblem
from orchestration_platform.alerts.messages.text import clean, cut, length
from orchestration_platform.alerts.messages.wording import (
    Link,
    Span,
    code,
    duration,
    link,
    member,
    moment,
    owner,
    redacted,
    separated,
    time,
    title_of,
    words,
)
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.secrets import redact

# The names of partitions may take this many characters.
_CHARACTERS_OF_PARTITIONS = 600

# Of a title, as Slack allows for a header, and of the parts of titles and summaries.
LONGEST_TITLE = 150
_LONGEST_SUBJECT = 60
_LONGEST_REASON = 300
_MOST_TAGS = 10
_ADDRESS = re.compile(r"https?://[^\s<>|]+")


def head_message(incident: Incident, *, environment: str, ui_url: str) -> Message:
    """Return the content of an incident's message."""
    first, latest = incident.first, incident.latest
    shown = _shown_of(incident)
    title = title_of(first.event_type, environment=environment)
    message = Message(
        title=_headline(incident, title),
        summary=_summary(incident, title),
        event=title,
        reason=_one_line(first.problems),
        event_type=first.event_type,
        severity=first.severity,
        kind=first.kind,
        subject=first.subject,
        location=first.location,
        run_id=latest.run_id,
        facts=tuple(_facts(incident, ui_url=ui_url)),
        problems=tuple(
            _shown(problem, count, shown) for problem, count in same_kind(shown.problems)
        ),
        more_problems=shown.more_problems,
        description=incident.description.strip(),
        notes=(),
        links=(*links_of(latest, ui_url=ui_url), *_runbook_link(incident)),
        occurrences=incident.occurrences,
        first_at=first.at,
        last_at=latest.at,
        recovered_at=incident.recovered_at,
        owners=_owners(first, latest),
        assets=latest.assets,
        instead=latest.instead,
    )
    return redacted(message, ui_url=ui_url)


def _owners(first: Alert, latest: Alert) -> tuple[str, ...] | None:
    """Return the first failure's owners if they have addresses: a reply goes where it went."""
    for alert in (first, latest):
        if any("@" in owner for owner in alert.owners):
            return alert.owners
    known = [alert.owners for alert in (latest, first) if alert.are_owners_known]
    return known[0] if known else None


def _headline(incident: Incident, title: str) -> str:
    """Return what failed and why, and then what kind of event it is, short enough for a header."""
    ended = f" ({over(incident)})" if incident.recovered_at is not None else ""
    end = f" · {title}{ended}"
    # redacted before they are cut, so that no part of a secret is left at the end
    subject = cut(redact(clean(incident.first.subject)), _LONGEST_SUBJECT)
    reason = redact(_reason(incident))
    room = LONGEST_TITLE - length(subject) - length(end) - 2
    return f"{subject}: {cut(reason, room)}{end}" if reason else f"{subject}{end}"


def _reason(incident: Incident) -> str:
    """Return the first error in one line; empty for good news."""
    return _one_line(_shown_of(incident).problems)


def _one_line(problems: Sequence[Problem]) -> str:
    return " ".join(clean(_error(problems[0])).split()) if problems else ""


def _runbook_link(incident: Incident) -> list[Link]:
    address = incident.latest.runbook or incident.runbook
    return [Link("Runbook", address)] if _ADDRESS.fullmatch(address) else []


def _summary(incident: Incident, title: str) -> str:
    first, latest = incident.first, incident.latest
    reason = _reason(incident)
    why = f": {cut(redact(reason), _LONGEST_REASON)}" if reason else ""
    parts = [f"{first.subject}{why} · {title} in {first.location}"]
    if latest.run_id:
        parts.append(f", run {latest.run_id}")
    parts += [span.text for span in _repeats(incident)]
    if incident.recovered_at is not None:
        parts.append(f", {over(incident)} {moment(incident.recovered_at)}")
    return "".join(parts)


def _facts(incident: Incident, *, ui_url: str) -> list[Fact]:
    first, latest = incident.first, incident.latest
    facts = [Fact(first.kind, (code(first.subject),))]
    if latest.run_id:
        facts.append(Fact("Run", (link(latest.run_id[:8], run_url(latest, ui_url)),)))
    facts.append(Fact("Severity", (words(first.severity.value),)))
    facts.append(Fact("Code location", (code(first.location),)))
    if incident.partitions:
        facts.append(Fact("Partitions", _partitions(incident)))
    if latest.backfill:
        address = f"{ui_url}/runs/b/{quoted(latest.backfill)}"
        facts.append(Fact("Backfill", (link(latest.backfill, address),)))
    if latest.launched_by:
        facts.append(Fact("Launched by", (words(latest.launched_by),)))
    if latest.attempt > 1 or latest.attempts > 1:
        of = f" of {latest.attempts}" if latest.attempts else ""
        facts.append(Fact("Attempt", (words(f"{latest.attempt}{of}"),)))
    if latest.duration_seconds is not None:
        facts.append(Fact("Ran for", (words(duration(latest.duration_seconds)),)))
    facts += _times(incident)
    facts += _response(incident)
    facts += _of_definitions(latest)
    facts += [Fact(label, (words(value),)) for label, value in latest.facts]
    facts += _policies(incident)
    return facts


def _of_definitions(latest: Alert) -> list[Fact]:
    """Return what the definitions of the subject say about it."""
    facts: list[Fact] = []
    if latest.owners:
        facts.append(Fact("Owners", separated([owner(name) for name in latest.owners])))
    if latest.tags:
        tags = [code(f"{name}={value}") for name, value in latest.tags[:_MOST_TAGS]]
        facts.append(Fact("Tags", separated(tags)))
    if latest.runbook and not _ADDRESS.fullmatch(latest.runbook):
        facts.append(Fact("Runbook", (words(latest.runbook),)))
    return facts


def _policies(incident: Incident) -> list[Fact]:
    if not incident.policies:
        return []
    label = "Policy" if len(incident.policies) == 1 else "Policies"
    return [Fact(label, separated([code(name) for name in incident.policies]))]


def _times(incident: Incident) -> list[Fact]:
    first, latest = incident.first, incident.latest
    label = "Failed" if first.problems else "At"
    facts = [Fact(label, (time(first.at), *_repeats(incident)))]
    if incident.recovered_at is not None:
        after = duration(incident.recovered_at - first.at)
        now = f": {latest.instead}" if latest.instead else ""
        value = (time(incident.recovered_at), words(f", after {after}{now}"))
        facts.append(Fact(over(incident).capitalize(), value))
    elif latest.last_success_at is not None:
        ago = duration(max(latest.at - latest.last_success_at, 0.0))
        value = (time(latest.last_success_at), words(f", {ago} before"))
        facts.append(Fact("Last success", value))
    return facts


def _response(incident: Incident) -> list[Fact]:
    """Return how people have responded, and who is called."""
    facts: list[Fact] = []
    if incident.acknowledged_by:
        people = [member(name) for name in incident.acknowledged_by]
        facts.append(Fact("Acknowledged by", separated(people)))
    if incident.escalated_at is not None:
        called = [owner(name) for name in incident.escalated_to]
        value = (time(incident.escalated_at), *called)
        facts.append(Fact("Escalated", separated(value)))
    return facts


def _partitions(incident: Incident) -> tuple[Span, ...]:
    shown: list[str] = []
    for name in incident.partitions:
        if sum(map(len, [*shown, name])) > _CHARACTERS_OF_PARTITIONS:
            break
        shown.append(name)
    more = incident.partition_count - len(shown)
    rest = (words(f" and {more} more"),) if more > 0 else ()
    return (*separated([code(name) for name in shown]), *rest)


def _repeats(incident: Incident) -> tuple[Span, ...]:
    if incident.occurrences == 1:
        return ()
    failed = "failed " if incident.first.problems else ""
    return (
        words(f", {failed}{incident.occurrences} times since "),
        time(incident.first.at),
        words(", last "),
        time(incident.latest.at),
    )


def over(incident: Incident) -> str:
    """Return the word for how the incident has ended."""
    if incident.latest.instead:
        return "over"
    return "finished" if incident.first.event_type == EventType.JOB_LONG_RUNNING else "recovered"


def _shown_of(incident: Incident) -> Alert:
    """Return the alert to show: the latest for troubles that do not differ by error."""
    first, latest = incident.first, incident.latest
    return first if first.is_distinguished_by_error or not latest.problems else latest


def _shown(problem: Problem, count: int, failure: Alert) -> ShownProblem:
    # for code in this repository, the relative path is enough
    place = problem.place.removeprefix(f"{REPOSITORY_ROOT}/")
    return ShownProblem(
        step_name(problem, failure),
        count,
        place,
        _error(problem),
        problem.trace,
        problem.attempts,
        problem.details,
    )


def _error(problem: Problem) -> str:
    if not problem.message:
        return problem.error_class
    return f"{problem.error_class}: {problem.message}" if problem.error_class else problem.message


def step_name(step: Problem, failure: Alert) -> str:
    """Return what people call the failed part: the step, or what else ``failure`` is about."""
    if not step.step and not failure.is_of_run:
        return failure.subject
    return without_mapping_index(step.step) or "the run itself, outside of its steps"
