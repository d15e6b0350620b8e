"""Code locations that cannot be loaded, as Dagster's webserver finds them.

The webserver has tried to load every location, and says what came of it. Where it cannot be asked
nothing is concluded: what was broken stays so.
"""

import json
from collections.abc import Iterator

from orchestration_platform.alerts.facts.alert import Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Reading,
    Recovery,
    Source,
    occurrence_key,
)
from orchestration_platform.alerts.workspace.webserver import LoadError
from shared_lib.secrets import redact

_KIND = EventType.CODE_LOCATION_ERROR


def _read_locations(reading: Reading, marks: str | None) -> Iterator[Batch]:
    known: list[str] = json.loads(marks) if marks else []
    locations = reading.workspace.locations()
    if locations is None:
        return
    broken = {name: error for name, error in locations.items() if error is not None}
    # a location that is not there any more is nobody's trouble
    right = [name for name in known if name not in broken]
    new = {name: error for name, error in broken.items() if name not in known}
    yield Batch(
        expected=marks,
        position=json.dumps(sorted(broken)),
        findings=[_finding(name, error, at=reading.now) for name, error in new.items()],
        recoveries=[Recovery.of_subject(name, (_KIND,), at=reading.now) for name in right],
    )


CODE_LOCATIONS = Source(name="code locations", event_types=(_KIND,), read=_read_locations)


def _finding(name: str, error: LoadError, *, at: float) -> Finding:
    problem = Problem(
        step="",
        error_class=error.error_class,
        message=redact(error.message),
        place=error.place,
        trace=redact(error.trace),
    )
    return Finding(
        alert=Alert(
            event_type=_KIND.value,
            severity=_KIND.severity,
            kind="Code location",
            subject=name,
            at=at,
            location=name,
            problems=(problem,),
        ),
        key=occurrence_key(_KIND, name, f"{at:.3f}"),
    )
