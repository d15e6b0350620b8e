"""Read YAML files into pydantic models; errors name file, line, field and remedy."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from shared_lib.configuration.yaml_aliases import ExpandingYamlError, refuse_expansion

# Of four digits.
_FIRST_YEAR = 1000

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]


class ConfigurationError(ValueError):
    """A configuration file is wrong; the text has one line for each mistake."""


@dataclass(frozen=True)
class Problem:
    """A mistake in a document: the field and what is wrong with it."""

    location: Location
    text: str


def file_of(variable: str, *, otherwise: Path) -> Path:
    """Return the file that an environment variable names; ``otherwise`` where it is unset.

    Raises:
        ConfigurationError: the variable names a file that does not exist.
    """
    path = Path(os.environ.get(variable) or otherwise)
    if not path.is_file():
        raise ConfigurationError(f"{variable}: {path}: no such file")
    return path


def load_yaml(path: Path) -> Any:
    """Read ``path`` as YAML that remembers the line of every key.

    Raises:
        ConfigurationError: the file is missing, is not YAML, repeats a key, is nested too deeply,
            or stands for a huge document by its aliases.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if not path.is_file():
        message = f"{path}: no such file"
        raise ConfigurationError(message)
    try:
        yaml = YAML(typ="rt", pure=True)
        yaml.preserve_quotes = True  # distinguishes a quoted text from a plain value
        text = path.read_text(encoding="utf-8")
        refuse_expansion(text, path=path)
        return yaml.load(text)
    except ExpandingYamlError as error:
        raise ConfigurationError(str(error)) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        message = f"{path}:{line}: {error.problem or error.context or 'not valid YAML'}"
        raise ConfigurationError(message) from error
    except (UnicodeDecodeError, YAMLError) as error:
        message = f"{path}: not YAML in UTF-8: {error}"
        raise ConfigurationError(message) from error


def validate_document(
    document: Any,
    model: type[Model],
    *,
    path: Path,
    place: Callable[[Location], str] | None = None,
) -> Model:
    """Check what :func:`load_yaml` returned against ``model``.

    Args:
        document: the parsed file or a mapping derived from it.
        model: the pydantic model that defines what is allowed.
        path: the file, for messages.
        place: for a derived document, describes where a field was written; see :func:`place_in`.

    Raises:
        ConfigurationError: one line ``path:line: field: problem, got value, allowed is ...``
            for each wrong, missing or unknown field.
    """
    found = check_document(document, model)
    if isinstance(found, model):
        return found
    lines = [
        f"{place(problem.location) if place else place_in(document, problem.location, path=path)}: "
        f"{problem.text}"
        for problem in cast("list[Problem]", found)
    ]
    raise ConfigurationError("\n".join(dict.fromkeys(lines)))


def check_document(document: Any, model: type[Model]) -> Model | list[Problem]:
    """Return ``document`` as ``model``, or every mistake in it."""
    try:
        return model.model_validate(_plain(document))
    except ValidationError as error:
        schema = model.model_json_schema()
        problems = [
            (_path(document, problem["loc"], problem["type"]), problem)
            for problem in error.errors(include_url=False)
        ]
        return [
            Problem(_field(path, problem), _describe(problem, path, schema=schema))
            for path, problem in problems
            # The branch of a union that matched to a greater depth is the one that was meant.
            if not any(_lies_within(_plain_path(other), _plain_path(path)) for other, _ in problems)
        ]


def place_in(document: Any, location: Location, *, path: Path) -> str:
    """Return ``path:line: field`` for the field at ``location`` of the parsed file."""
    field = ".".join(str(part) for part in location) or "(the whole file)"
    return f"{path}:{line_of(document, location)}: {field}"


_BRANCH_UNKNOWN = frozenset({"union_tag_invalid", "union_tag_not_found"})


def _lies_within(inner: Location, outer: Location) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


class _Branch(str):
    """A part of pydantic's path to a mistake that names a union branch, not a field."""

    __slots__ = ()


def _path(document: Any, location: Location, kind: str) -> Location:
    """Return ``location`` with the branch names that pydantic inserts marked as such."""
    path: list[int | str] = []
    node: Any = document
    for position, part in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(node, Mapping) and (part in node or (kind == "missing" and is_last)):
            node = node.get(part)
        elif isinstance(node, Sequence) and not isinstance(node, str) and isinstance(part, int):
            node = node[part]
        elif part == "[key]":
            pass
        else:
            path.append(_Branch(part))
            continue
        path.append(part)
    return tuple(path)


def _plain_path(path: Location) -> Location:
    return tuple(part for part in path if not isinstance(part, _Branch) and part != "[key]")


def _field(path: Location, problem: Any) -> Location:
    """Return the field that is wrong; for an unknown branch, the field that names it."""
    if problem["type"] in _BRANCH_UNKNOWN:
        return (*_plain_path(path), problem["ctx"]["discriminator"].strip("'"))
    return _plain_path(path)


def _plain(node: Any) -> Any:
    """Return plain dictionaries and lists, so that pydantic need not know ruamel's types."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    return node


def _describe(  # noqa: PLR0911 - a return for each kind of mistake
    problem: Any, location: Location, *, schema: dict[str, Any]
) -> str:
    value = problem["input"]
    match problem["type"]:
        case "missing":
            return f"missing, required is {allowed(schema, location)}"
        case "extra_forbidden":
            known = ", ".join(_properties(schema, location[:-1]))
            return f"unknown key, allowed is one of: {known}"
        case "union_tag_not_found":
            return f"missing, required is one of: {_branch_names(schema, location)}"
        case "union_tag_invalid":
            tag = problem["ctx"]["tag"]
            return f"{tag!r} is not allowed, allowed is one of: {_branch_names(schema, location)}"
        case "value_error" | "assertion_error":
            return str(problem["ctx"]["error"])
    if location[-1:] == ("[key]",):
        return f"{value!r} is not allowed as a key: {problem['msg']}"
    shown = "a mapping" if isinstance(value, Mapping) else repr(value)
    if isinstance(value, date):
        shown = f"the date {value}"
    text = f"{shown} is not allowed, allowed is {allowed(schema, location)}"
    is_text_meant = any(node.get("type") == "string" for node in _schema_at(schema, location))
    return f'{text}; quote it: "{value}"' if _is_date(value) and is_text_meant else text


def _is_date(value: Any) -> bool:
    """Whether YAML has read a date, or a year, where it was not quoted."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, date) or (is_number and _FIRST_YEAR <= value <= MAXYEAR)


def _branch_names(schema: dict[str, Any], location: Location) -> str:
    return ", ".join(
        str(entry["const"])
        for node in _schema_at(schema, location)
        for entry in node.get("properties", {}).values()
        if "const" in entry
    )


def line_of(document: Any, location: Location) -> int:
    """Return the line, from 1, of the field at ``location``, or of its nearest parent."""
    line = 1
    node: Any = document
    for part in location:
        positions = getattr(node, "lc", None)
        if isinstance(node, Mapping) and part in node:
            if positions is not None and part in (positions.data or {}):
                line = positions.key(part)[0] + 1
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
            if positions is not None and part in (positions.data or {}):
                line = positions.item(part)[0] + 1
        else:
            continue  # a union's branch name, or a missing field
        node = cast("Any", node)[part]
    return line


def allowed(schema: dict[str, Any], location: Location) -> str:
    """Describe what the JSON schema allows at ``location``: type, range, choices."""
    nodes = _schema_at(schema, location)
    return " or ".join(dict.fromkeys(_words(node) for node in nodes)) or "a valid value"


def _schema_at(schema: dict[str, Any], location: Location) -> list[dict[str, Any]]:
    nodes = _branches(schema, schema)
    for part in location:
        if isinstance(part, _Branch):
            nodes = [node for node in nodes if _is_branch(node, part)] or nodes
            continue
        children: list[dict[str, Any]] = []
        for node in nodes:
            values = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
            if isinstance(part, int) and "items" in node:
                children += _branches(node["items"], schema)
            elif part in node.get("properties", {}):
                children += _branches(node["properties"][part], schema)
            else:
                for value in values:
                    children += _branches(value, schema) if isinstance(value, dict) else []
        nodes = children or nodes
    return nodes


def _is_branch(node: dict[str, Any], name: int | str) -> bool:
    """Whether ``name`` is pydantic's for a branch: its discriminating value or its class."""
    constants = [entry.get("const") for entry in node.get("properties", {}).values()]
    return name in constants or name == node.get("title")


def _branches(node: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _branches(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema)
    for union in ("anyOf", "oneOf"):
        if union in node:
            return [branch for option in node[union] for branch in _branches(option, schema)]
    return [node]


def _properties(schema: dict[str, Any], location: Location) -> list[str]:
    nodes = _schema_at(schema, location)
    return sorted({name for node in nodes for name in node.get("properties", {})})


_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def _words(node: dict[str, Any]) -> str:
    if "enum" in node or "const" in node:
        choices = node.get("enum", [node.get("const")])
        return "one of: " + ", ".join(str(choice) for choice in choices)
    words = _TYPES.get(node.get("type", "object" if "$ref" in node else ""), "a value")
    for keyword, text in (
        ("minimum", "from {}"),
        ("exclusiveMinimum", "above {}"),
        ("maximum", "to {}"),
        ("exclusiveMaximum", "below {}"),
        ("minLength", "of at least {} characters"),
        ("maxLength", "of at most {} characters"),
        ("pattern", "matching {}"),
        ("format", "written as a {}"),
        ("multipleOf", "in steps of {}"),
        ("minProperties", "of at least {} entries"),
        ("maxProperties", "and at most {}"),
    ):
        if keyword in node:
            words += " " + text.format(node[keyword])
    if node.get("type") == "array" and isinstance(node.get("items"), dict):
        items = node["items"]
        kinds = items.get("anyOf") or items.get("oneOf") or [items]
        words += " of " + " or ".join(_words(kind).removeprefix("a ") + "s" for kind in kinds)
        words += f", at least {node['minItems']}" if "minItems" in node else ""
        words += f", at most {node['maxItems']}" if "maxItems" in node else ""
    return words
