"""The JSON Schema of ``orchestration.yaml``, for editors."""

import json
from typing import Any

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.discovery.configuration import LocationConfiguration

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "orchestration.schema.json"

_PLACEHOLDER = {"type": "string", "pattern": r"\$\{"}


def schema_text() -> str:
    """The file's text.

    A placeholder is allowed for every value that is no text, since it is one until it is replaced.
    """
    schema = LocationConfiguration.model_json_schema()
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_open(schema)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _open(node: Any) -> Any:
    if isinstance(node, list):
        return [_open(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    opened = {key: _open(value) for key, value in node.items()}
    kind = opened.get("type")  # or the schema of a field called type
    if (isinstance(kind, str) and kind in {"integer", "number", "boolean"}) or "enum" in opened:
        kept = {
            key: opened.pop(key) for key in ("description", "title", "default") if key in opened
        }
        return {**kept, "anyOf": [opened, _PLACEHOLDER]}
    return opened
