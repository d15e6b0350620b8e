"""Reference pages for configuration files, written from the models that check them."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from shared_lib.validated_yaml import Location, allowed


def reference_page(model: type[BaseModel], *, title: str, introduction: str) -> str:
    """A Markdown page with a table of the fields of each section of ``model``."""
    schema = model.model_json_schema()
    lines = [f"# {title}", "", introduction, ""]
    for location, node in _sections(schema, schema, ()):
        heading = ".".join(str(part) for part in location) or "Top level"
        lines += [f"## {heading}", "", node.get("description", ""), ""]
        lines += ["| field | allowed | default | meaning |", "| --- | --- | --- | --- |"]
        for name, entry in node["properties"].items():
            default = (
                "required" if name in node.get("required", []) else f"`{entry.get('default')}`"
            )
            cells = (
                f"`{name}`",
                allowed(schema, (*location, name)),
                default,
                entry.get("description", ""),
            )
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sections(
    node: dict[str, Any], schema: dict[str, Any], location: Location
) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Each mapping with named fields, parents first."""
    target = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
    if "properties" in target:
        yield location, target
        for name, entry in target["properties"].items():
            yield from _sections(entry, schema, (*location, name))
    elif isinstance(target.get("additionalProperties"), dict):
        yield from _sections(target["additionalProperties"], schema, (*location, "<name>"))
    elif isinstance(target.get("items"), dict):
        yield from _sections(target["items"], schema, (*location, 0))
