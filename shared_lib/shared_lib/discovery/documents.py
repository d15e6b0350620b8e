"""Generate the JSON Schema of ``orchestration.yaml`` and the pages of its reference."""

from typing import Any

from shared_lib.configuration.documents import Reference, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.discovery.configuration import LocationConfiguration

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "orchestration.schema.json"
_PAGES = REPOSITORY_ROOT / "docs" / "orchestration"
REFERENCES = tuple(
    Reference(_PAGES / f"{page}.md", LocationConfiguration, sections)
    for page, sections in {
        "index": ("", "environments", "secrets"),
        "assets": ("asset_modules", "assets"),
        "jobs": ("jobs", "schedules"),
        "partitions": ("partitions",),
        "sensors": ("sensors",),
        "checks": ("checks",),
        "dbt": ("dbt",),
    }.items()
)

_PLACEHOLDER = {"type": "string", "pattern": r"\$\{"}


def schema_text() -> str:
    """Return the text of the schema file.

    Every value that is not a text may also be a placeholder, which is a text until it is replaced.
    """
    return schema_document(_open(LocationConfiguration.model_json_schema()))


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
