"""Documents about a configuration file, generated from the models that validate it.

The JSON Schema is for editors, the reference for people. A page of the reference begins with what
people write, such as examples; below :data:`MARK` it is generated.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared_lib.configuration.validated_yaml import Location, allowed

MARK = "<!-- Below this line `make docs` writes the page, from the models that check the file. -->"

_TABLE = ["| field | allowed | default | meaning |", "| --- | --- | --- | --- |"]


def schema_document(schema: Mapping[str, Any]) -> str:
    """Return the text of a file in ``schemas/``."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Reference:
    """A page that ends with a table for each section of ``model``, or for some of them."""

    path: Path
    model: type[BaseModel]
    # first names of the sections; "" is the top level; empty: all
    sections: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the page: what people wrote, and below the mark the tables of today's models."""
        written, mark, _ = self.path.read_text(encoding="utf-8").partition(MARK)
        if not mark:
            raise ValueError(f"{self.path}: the line that ends the written part is missing: {MARK}")
        return f"{written}{MARK}\n\n{self._tables()}"

    def write(self) -> None:
        """Write the page again."""
        self.path.write_text(self.text(), encoding="utf-8")

    def _tables(self) -> str:
        schema = self.model.model_json_schema()
        lines: list[str] = []
        for place, nodes in _by_place(schema).items():
            if self.sections and (str(place[0]) if place else "") not in self.sections:
                continue
            repeated = [shown for shown in nodes.values() if isinstance(shown, str)]
            if repeated:
                same = ", ".join(repeated)
                lines += [f"## {_heading(place)}", "", f"The same fields as {same}.", ""]
            for kind, node in nodes.items():
                if not isinstance(node, str):
                    lines += [f"## {_heading(place, kind)}", "", *_section(node, schema), ""]
        return "\n".join(lines)


def _section(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of one section: what it is, and its fields."""
    yield node.get("description", "")
    if not node["properties"]:
        yield "It has no fields."
        return
    yield ""
    yield from _TABLE
    for name, entry in node["properties"].items():
        cells = (
            f"`{name}`",
            allowed({**node, "$defs": schema.get("$defs", {})}, (name,)),
            "required" if name in node.get("required", []) else _default(entry),
            entry.get("description", ""),
        )
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _default(entry: dict[str, Any]) -> str:
    """Return the default as one would write it in YAML."""
    default = entry.get("default", ())
    if default is None:
        return "none"
    if isinstance(default, str):
        return f"`{default}`" if default else "empty"
    return f"`{json.dumps(default)}`" if isinstance(default, (bool, int, float)) else "empty"


def _by_place(schema: dict[str, Any]) -> dict[Location, dict[str, dict[str, Any] | str]]:
    """Map each place to its sections, by their kind: "" where it has only one.

    A section whose fields another place has already shown is the heading of that place.
    """
    shown: dict[int, str] = {}
    found: dict[Location, dict[str, dict[str, Any] | str]] = {}
    nodes: dict[Location, list[dict[str, Any]]] = {}
    for place, node in _sections(schema, schema, ()):
        if not any(node is other for other in nodes.setdefault(place, [])):
            nodes[place].append(node)
    for place, alternatives in nodes.items():
        for node in alternatives:
            kind = "" if len(alternatives) == 1 else _kind(node)
            first = shown.get(id(node))
            if first is None:
                shown[id(node)] = _heading(place, kind)
            found.setdefault(place, {})[kind] = node if first is None else first
    return found


def _kind(node: dict[str, Any]) -> str:
    """Return what distinguishes alternatives: the field `type`, else the model's name."""
    return node["properties"].get("type", {}).get("const") or node.get("title", "")


def _heading(place: Location, kind: str = "") -> str:
    name = ".".join("<each>" if part == 0 else str(part) for part in place)
    # in backticks, because a browser would take <name> for a tag
    return (f"`{name}`" if name else "Top level") + (f" ({kind})" if kind else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sections(
    node: dict[str, Any], schema: dict[str, Any], location: Location
) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Yield each mapping with named fields and its place: parents first, then each branch."""
    target = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
    for branch in (*target.get("anyOf", ()), *target.get("oneOf", ())):
        yield from _sections(branch, schema, location)
    if "properties" in target:
        yield location, target
        for name, entry in target["properties"].items():
            yield from _sections(entry, schema, (*location, name))
    for inner, name in (
        (target.get("additionalProperties"), "<name>"),
        *((value, "<name>") for value in target.get("patternProperties", {}).values()),
        (target.get("items"), 0),
    ):
        if isinstance(inner, dict):
            yield from _sections(inner, schema, (*location, name))
