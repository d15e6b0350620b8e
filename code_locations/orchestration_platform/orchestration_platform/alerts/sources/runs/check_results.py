"""What one result of an asset check says."""

import dagster as dg

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.facts.event_types import EventType
from shared_lib.secrets import redact

_SHOWN_METADATA = 6
_LONGEST_VALUE = 200


def outcome_of(evaluation: dg.AssetCheckEvaluation) -> EventType:
    """Return the event type of the result."""
    if evaluation.passed:
        return EventType.ASSET_CHECK_PASSED
    if evaluation.severity is dg.AssetCheckSeverity.WARN:
        return EventType.ASSET_CHECK_SEVERITY_WARN
    return EventType.ASSET_CHECK_SEVERITY_ERROR


def check_name(check: dg.AssetCheckKey) -> str:
    """Return the check with its asset, as people read it."""
    return f"{check.asset_key.to_user_string()}: {check.name}"


def check_problem(evaluation: dg.AssetCheckEvaluation, *, step: str = "") -> Problem | None:
    """Return what is wrong, or None if the check passed."""
    if evaluation.passed:
        return None
    values = {
        name: str(value.value)[:_LONGEST_VALUE]
        for name, value in list(evaluation.metadata.items())[:_SHOWN_METADATA]
    }
    listed = "\n".join(f"{name}: {value}" for name, value in values.items())
    text = "\n".join(filter(None, (evaluation.description, listed))) or "it did not pass"
    word = "warning" if evaluation.severity is dg.AssetCheckSeverity.WARN else "error"
    return Problem(step, f"check {word}", redact(text), "", "", is_check=True)
