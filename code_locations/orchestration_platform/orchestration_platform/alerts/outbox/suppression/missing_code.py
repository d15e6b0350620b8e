"""What may have happened because a code location does not load, and what its own code has done."""

from orchestration_platform.alerts.facts.alert import Alert, Problem
from orchestration_platform.alerts.facts.event_types import FRESHNESS_STATES, EventType

# What is reported about a run, whether or not it had started.
_OF_RUNS = frozenset(
    {
        EventType.JOB_FAILURE,
        EventType.ASSET_MATERIALIZATION_FAILURE,
        EventType.ASSET_CHECK_EXECUTION_FAILURE,
    }
)
# Dagster's errors about a code location that is not there, for a tick.
_MISSING = frozenset(
    {
        "DagsterCodeLocationLoadError",
        "DagsterCodeLocationNotFoundError",
        "DagsterUserCodeUnreachableError",
    }
)
# What gRPC reports of a code server that is not there; a server that is slow has another status.
_UNAVAILABLE = "StatusCode.UNAVAILABLE"


def may_lack_code(alert: Alert) -> bool:
    """Return whether ``alert`` may be a consequence of a code location that does not load.

    A run that had started, a check with a result and a tick that failed in its own code have failed
    by themselves, whether or not the location loads now.
    """
    if alert.event_type == EventType.TICK_FAILURE:
        return all(map(_is_missing, alert.problems))
    if alert.event_type in _OF_RUNS:
        return alert.duration_seconds is None and not any(one.step for one in alert.problems)
    # without its code, an asset is not made in time
    return alert.event_type in FRESHNESS_STATES


def _is_missing(problem: Problem) -> bool:
    # code that calls another server has a place of its own
    is_unreachable = _UNAVAILABLE in problem.message and not problem.place
    return problem.error_class in _MISSING or is_unreachable
