"""Redact Dagster's events: messages, metadata and stack traces."""

import json
from typing import Any, TypeVar

import dagster as dg

from shared_lib.secrets.redaction.registry import redact

Event = TypeVar("Event")

# Identifiers that Dagster looks up stay unchanged, even if a password is the same word.
_IDENTIFYING_FIELDS = frozenset(
    (
        *("__class__", "__enum__", "event_type_value", "pid", "run_id", "timestamp"),
        *("job_name", "pipeline_name", "step_key", "step_kind_value", "logging_tags"),
        *("asset_key", "check_name", "partition", "output_name", "mapping_key", "label"),
    )
)
_IDENTIFYING_CLASSES = frozenset(
    ("AssetKey", "AssetCheckKey", "SolidHandle", "NodeHandle", "StepHandle", "StepOutputHandle")
)


def redacted_event(event: Event) -> Event:
    """Return a Dagster event or ``dg.EventLogEntry`` without secrets in its texts.

    Return the event itself if there was nothing to redact.
    """
    # Dagster does serialise events; its public types do not say so
    written = json.loads(dg.serialize_value(event))  # pyright: ignore[reportArgumentType]
    clean = _redacted(written)
    if clean == written:
        return event
    # what was written as an event is read as one
    return dg.deserialize_value(json.dumps(clean))  # pyright: ignore[reportReturnType]


def redacted_json(node: Any) -> Any:
    """Return the JSON value ``node`` with every text redacted, including keys."""
    if isinstance(node, str):
        return redact(node)
    if isinstance(node, dict):
        return {redact(key): redacted_json(value) for key, value in node.items()}
    if isinstance(node, list):
        return [redacted_json(value) for value in node]
    return node


def _redacted(node: Any) -> Any:
    if isinstance(node, str):
        return redact(node)
    if isinstance(node, list):
        return [_redacted(value) for value in node]
    if not isinstance(node, dict) or node.get("__class__") in _IDENTIFYING_CLASSES:
        return node
    if node.get("__class__") == "JsonMetadataEntryData":
        return {**node, "data": redacted_json(node["data"])}
    return {
        key: value if key in _IDENTIFYING_FIELDS else _redacted(value)
        for key, value in node.items()
    }
