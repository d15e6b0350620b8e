"""Schedules and sensors that fail, and that work again.

Dagster stores ticks by schedule and sensor, so each has its own mark: the time of the last tick
that has ended. A tick that is still running holds up the ticks after it, because they may not be
reported first; a tick that has not ended within ten minutes was killed. Dagster retries a tick
under the same number and time, so the last tick is checked again until it has succeeded.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from orchestration_platform.alerts.facts.alert import Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.facts.user_errors import innermost
from orchestration_platform.alerts.sources.feeds.ticks import ticks_after, ticks_by_id
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Found,
    Reading,
    Source,
    occurrence_key,
)

_KIND = EventType.TICK_FAILURE
# After the clock was set back: everything up to this long ago by the new time is already known.
_CLOCK_SET_BACK_SECONDS = 3600.0


@dataclass(frozen=True)
class _Mark:
    """How far the ticks of one schedule or sensor were read.

    Attributes:
        at: the time of the last tick that was read.
        failed: how many ticks in a row have failed up to it.
        tick: the number of the last tick that was read; 0 if none was.
        status: the status of that tick.
        known_as: its kind, name and code location, for when its state is gone.
    """

    at: float
    failed: int = 0
    tick: int = 0
    status: str = ""
    known_as: Sequence[str] = ()

    def as_of(self, now: float) -> Self:
        """Return the mark adjusted to a clock that was set back, so that no tick waits for it.

        Ticks read before have lower numbers. If none was read, there are no numbers to compare.
        """
        if self.at <= now:
            return self
        return replace(self, at=now - _CLOCK_SET_BACK_SECONDS if self.tick else now)


def _read_ticks(reading: Reading, marks: str | None) -> Iterator[Batch]:
    known = json.loads(marks) if marks else {"since": reading.now, "instigators": {}}
    since = min(known["since"], reading.now)
    found: dict[str, _Mark] = {}
    findings: list[Finding] = []
    recoveries: list[Recovery] = []
    states = {state.selector_id: state for state in reading.instance.all_instigator_state()}
    marks_of = {
        selector: _Mark(**known["instigators"].get(selector, {"at": since})).as_of(reading.now)
        for selector in states
    }
    again = _tried_again(reading, marks_of)
    after = {selector: (mark.at, mark.tick) for selector, mark in marks_of.items()}
    for selector, ticks in ticks_after(reading.instance, after):
        state, mark = states[selector], marks_of[selector]
        before = mark
        for tick in [*again.get(selector, ()), *_ended(reading, ticks)]:
            status, failed = tick.status.value, mark.failed
            if status == "FAILURE":
                failed += 1
                findings.append(_finding(state, tick, failed))
            elif status in ("SUCCESS", "SKIPPED") and failed:
                failed = 0
                recoveries.append(_recovery(_known_as(state), tick.end_timestamp or tick.timestamp))
            mark = _Mark(tick.timestamp, failed, tick.tick_id, status, _known_as(state))
        if mark is before and mark.failed and state.status.value == "STOPPED":
            # a stopped schedule or sensor has no tick that could show that it works
            recoveries.append(_recovery(_known_as(state), reading.now, instead="switched off"))
            mark = replace(mark, failed=0)
        found[selector] = mark
    for name in known["instigators"].keys() - found.keys():
        mark = _Mark(**known["instigators"][name]).as_of(reading.now)
        if mark.failed and mark.known_as:
            recoveries.append(_recovery(mark.known_as, reading.now, instead="removed"))
        # it may come back, with ticks that were already read
        found[name] = replace(mark, failed=0)
    position = {
        "since": since,
        "instigators": {name: asdict(mark) for name, mark in found.items()},
    }
    yield Batch(
        expected=marks,
        position=json.dumps(position),
        found=Found(findings, recoveries),
    )


TICKS = Source(name="ticks", event_types=(_KIND,), read=_read_ticks)


def _tried_again(reading: Reading, marks: Mapping[str, _Mark]) -> Mapping[str, Sequence[Any]]:
    """Return the last ticks that had failed or were killed and have changed their status since."""
    asked = {
        selector: mark for selector, mark in marks.items() if mark.status in ("FAILURE", "STARTED")
    }
    ticks = ticks_by_id(reading.instance, [mark.tick for mark in asked.values()])
    return {
        selector: [tick]
        for selector, mark in asked.items()
        if (tick := ticks.get(mark.tick)) and tick.status.value not in (mark.status, "STARTED")
    }


def _ended(reading: Reading, ticks: Sequence[Any]) -> Iterator[Any]:
    """Return the ticks in order, up to one that may still end."""
    for tick in ticks:
        if (
            tick.status.value == "STARTED"
            and reading.now - tick.timestamp < reading.timing.dead_tick
        ):
            return
        yield tick


def _finding(state: Any, tick: Any, failed: int) -> Finding:
    without_error = Problem("", "Failure", "the tick failed without an error", "", "")
    problem = innermost(tick.error) if tick.error else without_error
    return Finding(
        alert=Alert(
            event_type=_KIND.value,
            severity=_KIND.severity,
            kind=_kind_of(state),
            subject=state.instigator_name,
            at=tick.end_timestamp or tick.timestamp,
            location=_location_of(state),
            problems=(problem,),
            consecutive=failed,
        ),
        key=occurrence_key(_KIND, state.selector_id, str(tick.tick_id)),
    )


def _recovery(known_as: Sequence[str], at: float, *, instead: str = "") -> Recovery:
    kind, subject, location = known_as
    return Recovery.of_subject(
        subject, (_KIND,), at=at, instead=instead, kind=kind, location=location
    )


def _known_as(state: Any) -> tuple[str, str, str]:
    return _kind_of(state), state.instigator_name, _location_of(state)


def _kind_of(state: Any) -> str:
    return "Schedule" if state.instigator_type.value == "SCHEDULE" else "Sensor"


def _location_of(state: Any) -> str:
    return state.repository_selector.location_name
