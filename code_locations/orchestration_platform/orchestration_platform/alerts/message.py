"""What an alert says, as Slack's blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from orchestration_platform.alerts.alert import Alert, Problem, same_kind
from orchestration_platform.alerts.fingerprint import without_mapping_index
from orchestration_platform.alerts.slack_text import (
    clean,
    coded,
    cut,
    escaped,
    fenced,
    length,
    plain,
)

# Slack's limits, and what we keep to of the sum.
MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_TEXT = 3000
LONGEST_MESSAGE = 11_000
_LONGEST_URL = 3000

_SHOWN_STEPS = 4
_SHOWN_PARTITIONS = 12
_LONGEST_ERROR = 1200
_TRACE_BLOCKS = 3

Content = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A failure that goes on, or is over: what one message tells.

    Attributes:
        first: the first failed run.
        latest: the last one.
        occurrences: how many runs have failed so.
        partitions: which partitions failed, some of them.
        partition_count: how many did.
        recovered_at: when it succeeded again, in seconds since 1970.
        description: the policy's, when the message is to have it.
    """

    first: Alert
    latest: Alert
    occurrences: int
    partitions: Sequence[str] = ()
    partition_count: int = 0
    recovered_at: float | None = None
    description: str = ""


def head(incident: Incident, *, environment: str, ui_url: str) -> Content:
    """The message of an incident, without channel."""
    title = f"Dagster {environment.capitalize()} Run Failure"
    if incident.recovered_at is not None:
        title += " (recovered)"
    first = incident.first
    blocks: list[Content] = [
        {"type": "header", "text": {"type": "plain_text", "text": plain(title, LONGEST_HEADER)}},
        _section("\n".join(_facts(incident, ui_url=ui_url))),
    ]
    kinds = same_kind(first.problems)
    for step, count in kinds[:_SHOWN_STEPS]:
        blocks.append(_section(_error(step, count)))
    more = len(kinds) - _SHOWN_STEPS
    if more > 0 or first.more_problems:
        blocks.append(_context(f"and {max(more, 0) + first.more_problems} more steps"))
    description = escaped(incident.description, 500).strip()
    if description:
        blocks.append(_context(description))
    blocks.append({"type": "actions", "elements": _buttons(incident.latest, ui_url=ui_url)})
    return {"text": plain_text(incident, environment=environment), "blocks": blocks}


def plain_text(incident: Incident, *, environment: str) -> str:
    """The message in one line: for notifications, and where Slack refuses the blocks."""
    step = incident.first.problems[0]
    said = f"{step.error_class}: {step.message}" if step.message else step.error_class
    line = (
        f"Dagster {environment.capitalize()} Run Failure: {incident.first.subject} "
        f"in {incident.first.location}, run {incident.latest.run_id}"
        f"{_repeats(incident)}. {' '.join(said.split())}"
    )
    return escaped(line, 600)


def trace_entry(failure: Alert) -> Content | None:
    """The stack traces of a failure, for the thread; nothing when there are none."""
    traces = [(step, step.trace) for step, _ in same_kind(failure.problems) if step.trace]
    blocks: list[Content] = []
    for step, trace in traces[:_TRACE_BLOCKS]:
        name = f"*{escaped(_step_name(step), 200)}*"
        # the end of a trace says more than its beginning
        blocks.append(_section(f"{name}\n{fenced(_end(clean(trace), 2600), 2700)}"))
    if not blocks:
        return None
    text = f"Stack trace of run {escaped(failure.run_id, 100)}"
    return {"text": text, "blocks": blocks}


def repeat_entry(failure: Alert, occurrences: int, *, ui_url: str) -> Content:
    """A line for the thread when it has failed again."""
    partition = f", partition {coded(failure.partition, 100)}" if failure.partition else ""
    link = _link(_run_url(failure, ui_url), f"run {failure.run_id[:8]}")
    return {
        "text": f"Failed again at {_moment(failure.at)}: {link}{partition}, {occurrences} times"
    }


def recovery_entry(incident: Incident) -> Content:
    """A line for the thread when what had failed has succeeded."""
    recovered_at = incident.recovered_at or incident.latest.at
    after = _duration(recovered_at - incident.first.at)
    times = "once" if incident.occurrences == 1 else f"{incident.occurrences} times"
    return {"text": f"Recovered after {after}, having failed {times}"}


def _facts(incident: Incident, *, ui_url: str) -> list[str]:
    first, latest = incident.first, incident.latest
    lines = [
        f"*{first.kind}:* {coded(first.subject, 400)}",
        f"*Run:* {_link(_run_url(latest, ui_url), latest.run_id[:8])}",
        f"*Code location:* {coded(first.location, 200)}",
    ]
    if incident.partitions:
        shown = ", ".join(coded(name, 60) for name in incident.partitions[:_SHOWN_PARTITIONS])
        more = incident.partition_count - min(len(incident.partitions), _SHOWN_PARTITIONS)
        lines.append(f"*Partitions:* {shown}{f' and {more} more' if more > 0 else ''}")
    if latest.backfill:
        lines.append(f"*Backfill:* {coded(latest.backfill, 60)}")
    lines.append(f"*Launched by:* {escaped(latest.launched_by, 100)}")
    if latest.attempt > 1:
        lines.append(f"*Attempt:* {latest.attempt}")
    if latest.duration_seconds is not None:
        lines.append(f"*Ran for:* {_duration(latest.duration_seconds)}")
    lines.append(f"*Failed:* {_moment(first.at)}{_repeats(incident)}")
    if incident.recovered_at is not None:
        after = _duration(incident.recovered_at - first.at)
        moment = _moment(incident.recovered_at)
        lines.append(f":white_check_mark: *Recovered:* {moment}, after {after}")
    return lines


def _repeats(incident: Incident) -> str:
    if incident.occurrences == 1:
        return ""
    return (
        f", failed {incident.occurrences} times since {_moment(incident.first.at)}, "
        f"last {_moment(incident.latest.at)}"
    )


def _error(step: Problem, count: int) -> str:
    times = f" ({count} of its steps)" if count > 1 else ""
    lines = [f"*{escaped(_step_name(step), 200)}*{times}"]
    if step.place:
        lines.append(coded(step.place, 300))
    said = f"{step.error_class}: {step.message}" if step.message else step.error_class
    lines.append(fenced(said, _LONGEST_ERROR))
    return "\n".join(lines)


def _step_name(step: Problem) -> str:
    return without_mapping_index(step.step) or "the run itself, outside of its steps"


def _buttons(failure: Alert, *, ui_url: str) -> list[Content]:
    buttons = [_button("Run", _run_url(failure, ui_url))]
    step = failure.problems[0].step
    if step:
        query = urlencode(
            {"logFileKey": step, "selection": step, "logs": f"step:{step}"}, errors="replace"
        )
        buttons.append(_button("Logs of the step", f"{_run_url(failure, ui_url)}?{query}"))
    if failure.assets:
        path = "/".join(
            quote(part, safe="", errors="replace") for part in failure.assets[0].split("/")
        )
        buttons.append(_button("Asset", f"{ui_url}/assets/{path}"))
    return [button for button in buttons if len(button["url"]) <= _LONGEST_URL]


def _button(text: str, url: str) -> Content:
    return {"type": "button", "text": {"type": "plain_text", "text": plain(text, 75)}, "url": url}


def _section(text: str) -> Content:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, LONGEST_TEXT)}}


def _context(text: str) -> Content:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _run_url(failure: Alert, ui_url: str) -> str:
    return f"{ui_url}/runs/{quote(failure.run_id, safe='', errors='replace')}"


def _link(url: str, text: str) -> str:
    return f"<{url}|{escaped(text, 100)}>"


def _end(text: str, limit: int) -> str:
    return text if length(text) <= limit else "… " + text[-(limit // 2) :]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join(shown[:2]) or "0 s"
