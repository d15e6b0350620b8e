"""Documents about a configuration file, generated from the models that validate it.

The JSON Schema is for editors, the reference page for people.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from shared_lib.configuration.validated_yaml import Location, allowed


def schema_document(schema: Mapping[str, Any]) -> str:
    """Return the text of a file in ``schemas/``."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def reference_page(model: type[BaseModel], *, title: str, introduction: str) -> str:
    """Return a Markdown page with a table of the fields of each section of ``model``."""
    schema = model.model_json_schema()
    lines = [f"# {title}", "", introduction, ""]
    for heading, node in _with_unique_headings(_sections(schema, schema, ())).items():
        lines += [f"## {heading or 'Top level'}", "", node.get("description", ""), ""]
        lines += ["| field | allowed | default | meaning |", "| --- | --- | --- | --- |"]
        for name, entry in node["properties"].items():
            default = f"`{entry['default']}`" if "default" in entry else "empty"
            if name in node.get("required", []):
                default = "required"
            cells = (
                f"`{name}`",
                allowed({**node, "$defs": schema.get("$defs", {})}, (name,)),
                default,
                entry.get("description", ""),
            )
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _with_unique_headings(
    sections: Iterable[tuple[str, dict[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """Map headings to sections; add the model's name where two models share a place."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for heading, node in sections:
        found.setdefault(heading, {})[node.get("title", "")] = node
    return {
        heading if len(nodes) == 1 else f"{heading} ({title})": node
        for heading, nodes in found.items()
        for title, node in nodes.items()
    }


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sections(
    node: dict[str, Any], schema: dict[str, Any], location: Location
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each mapping with named fields and its heading: parents first, then each branch."""
    target = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
    for branch in (*target.get("anyOf", ()), *target.get("oneOf", ())):
        yield from _sections(branch, schema, location)
    if "properties" in target:
        kinds = [entry["const"] for entry in target["properties"].values() if "const" in entry]
        yield ".".join(map(str, location)) + "".join(f" ({kind})" for kind in kinds), target
        for name, entry in target["properties"].items():
            yield from _sections(entry, schema, (*location, name))
    for inner, name in (
        (target.get("additionalProperties"), "<name>"),
        *((value, "<name>") for value in target.get("patternProperties", {}).values()),
        (target.get("items"), 0),
    ):
        if isinstance(inner, dict):
            yield from _sections(inner, schema, (*location, name))
