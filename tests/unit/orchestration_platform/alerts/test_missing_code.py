"""What a code location that does not load may explain, and what its own code has done."""

from typing import Any

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.outbox.suppression.missing_code import may_lack_code

TICK = EventType.TICK_FAILURE
WITHOUT_RESULT = EventType.ASSET_CHECK_EXECUTION_FAILURE
RUN_KINDS = (EventType.JOB_FAILURE, EventType.ASSET_MATERIALIZATION_FAILURE, WITHOUT_RESULT)
RPC = "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode."


def lacks_code(kind: EventType, **changes: Any) -> bool:
    return may_lack_code(failure(**{"event_type": kind.value, "step": "", **changes}))


@pytest.mark.parametrize("kind", RUN_KINDS)
def test_a_run_that_never_started_may_lack_its_code(kind: EventType) -> None:
    assert lacks_code(kind, duration_seconds=None)
    assert not lacks_code(kind, duration_seconds=0.0)
    assert not lacks_code(kind, duration_seconds=9.0, step="load")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error_class": "DagsterCodeLocationLoadError"}, True),
        ({"error_class": "DagsterCodeLocationNotFoundError"}, True),
        ({"error_class": "_InactiveRpcError", "message": f"{RPC}UNAVAILABLE"}, True),
        # the code is there and takes too long
        ({"error_class": "_InactiveRpcError", "message": f"{RPC}DEADLINE_EXCEEDED"}, False),
        # the sensor itself calls a server that is not there
        (
            {"error_class": "_InactiveRpcError", "message": f"{RPC}UNAVAILABLE",
             "place": "poll.py:7 in poll"},
            False,
        ),
        ({"error_class": "KeyError", "message": "salary"}, False),
    ],
)  # fmt: skip
def test_a_tick_lacks_its_code_by_its_error(error: dict[str, str], *, expected: bool) -> None:
    problem = {"step": "", "message": "", "place": "", "trace": "", **error}
    assert lacks_code(TICK, problems=(Problem(**problem),)) is expected


@pytest.mark.parametrize("kind", EventType)
def test_of_the_others_only_freshness_needs_code_that_is_not_there(kind: EventType) -> None:
    if kind not in (*RUN_KINDS, TICK):
        is_stale = kind.value.startswith("ASSET_FRESHNESS_")
        assert lacks_code(kind, duration_seconds=None) is is_stale


def test_an_incident_of_an_unknown_kind_is_reported() -> None:
    assert not may_lack_code(failure(event_type="DESTINATION_OUTAGE"))
