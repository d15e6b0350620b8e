"""Daemons that the instance needs and that send no heartbeat.

The daemon that ticks this sensor is one of them: when it dies, nobody reads this, and
``python -m orchestration_platform.watchdog`` has to report it from outside.
"""

from collections.abc import Iterator

from orchestration_platform.alerts.facts.alert import INSTANCE_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources import ongoing
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Reading,
    Source,
    occurrence_key,
)

_KIND = EventType.DAEMON_HEARTBEAT_MISSING


def _read_heartbeats(reading: Reading, marks: str | None) -> Iterator[Batch]:
    last_beats = {
        name: status.last_heartbeat.timestamp if status.last_heartbeat else None
        for name, status in reading.instance.get_daemon_statuses().items()
        if status.required and not status.healthy
    }
    yield ongoing.changes(
        marks,
        dict.fromkeys(last_beats),
        begun=lambda name: _finding(name, last_beats[name], at=reading.now),
        over=lambda name: Recovery.of_subject(name, (_KIND,), at=reading.now),
    )


DAEMONS = Source(name="daemons", event_types=(_KIND,), read=_read_heartbeats)


def _finding(name: str, last_beat: float | None, *, at: float) -> Finding:
    since = (
        "has never sent one" if last_beat is None else f"sent the last {at - last_beat:.0f} s ago"
    )
    text = f"no recent heartbeat, it {since}: is dagster-daemon running, and what does its log say?"
    return Finding(
        alert=Alert(
            event_type=_KIND.value,
            severity=_KIND.severity,
            kind="Daemon",
            subject=name,
            at=at,
            location=INSTANCE_LOCATION,
            last_success_at=last_beat,
            problems=(Problem("", "no heartbeat", text, "", ""),),
        ),
        key=occurrence_key(_KIND, name, f"{at:.3f}"),
    )
