"""Code locations that cannot be loaded, as reported by Dagster's webserver.

The webserver tries to load every location and reports the result. If it cannot be reached, nothing
is concluded: a location that was broken stays broken.
"""

from collections.abc import Iterator

from orchestration_platform.alerts.facts.alert import Alert, Problem
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

_KIND = EventType.CODE_LOCATION_ERROR


def _read_locations(reading: Reading, marks: str | None) -> Iterator[Batch]:
    locations = reading.workspace.locations()
    if locations is None:
        return
    broken = {name: error for name, error in locations.items() if error is not None}
    yield ongoing.changes(
        marks,
        dict.fromkeys(broken),
        begun=lambda name: _finding(name, broken[name], at=reading.now),
        # a location that no longer exists needs no attention
        over=lambda name: Recovery.of_subject(name, (_KIND,), at=reading.now),
    )


CODE_LOCATIONS = Source(name="code locations", event_types=(_KIND,), read=_read_locations)


def _finding(name: str, error: Problem, *, at: float) -> Finding:
    return Finding(
        alert=Alert(
            event_type=_KIND.value,
            severity=_KIND.severity,
            kind="Code location",
            subject=name,
            at=at,
            location=name,
            problems=(error,),
        ),
        key=occurrence_key(_KIND, name, f"{at:.3f}"),
    )
