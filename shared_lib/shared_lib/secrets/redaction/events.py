"""Dagster's events: messages, metadata and stack traces without secrets."""

import json
from typing import Any, TypeVar

import dagster as dg

from shared_lib.secrets.redaction.registry import redact

Event = TypeVar("Event")

# What Dagster finds things by stays as it is, even where somebody's password is the same word.
_IDENTIFYING_FIELDS = frozenset(
    (
        *("__class__", "__enum__", "cls_name", "event_type_value", "pid", "run_id", "timestamp"),
        *("job_name", "pipeline_name", "step_key", "step_kind_value", "logging_tags"),
        *("asset_key", "check_name", "partition", "output_name", "mapping_key", "label"),
    )
)
_IDENTIFYING_CLASSES = frozenset(
    ("AssetKey", "AssetCheckKey", "SolidHandle", "NodeHandle", "StepHandle", "StepOutputHandle")
)


def redacted_event(event: Event) -> Event:
    """A Dagster event or ``dg.EventLogEntry`` with nothing secret in its texts.

    Returns the event itself where there was nothing to take out.
    """
    # events are what Dagster serialises; its public types do not say so
    written = json.loads(dg.serialize_value(event))  # pyright: ignore[reportArgumentType]
    clean = _redacted(written)
    if clean == written:
        return event
    return dg.deserialize_value(json.dumps(clean))  # pyright: ignore[reportReturnType]


def redacted_json(node: Any) -> Any:
    """``node``, of what JSON is made of, with every text in it redacted, keys included."""
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
