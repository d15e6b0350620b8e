"""The JSON Schema of a component's attributes, for ``dg check yaml``, editors and the UI."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_TEMPLATE = {"type": "string", "pattern": r"\{\{"}
_NULL = {"type": "null"}
_PLAIN = {"integer", "number", "boolean"}
_ABOUT = ("description", "title", "default")


def editors_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model, in which every value may be a template.

    Alternatives are written as conditions, so that a validator reports the field that is wrong,
    with its line. Of ``anyOf`` and ``oneOf`` it reports only that nothing fits.
    """
    schema = model.model_json_schema()
    return _with_conditions(schema, schema.get("$defs", {}))


def _with_conditions(node: Any, models: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_with_conditions(entry, models) for entry in node]
    if not isinstance(node, dict):
        return node
    inner = {key: _with_conditions(value, models) for key, value in node.items()}
    about = {key: inner.pop(key) for key in _ABOUT if isinstance(inner.get(key), str)}
    kind = inner.get("type")  # or the schema of a field called type
    match inner:
        case {"oneOf": _, "discriminator": {"propertyName": field, "mapping": branches}}:
            condition = _by_value(field, branches)
        case {"oneOf": branches}:
            condition = _by_field(branches, models)
        case {"anyOf": [other, {"type": "null"}]}:
            condition = {"if": _NULL, "else": other}
        case {"enum": list()} | {"pattern": str()}:
            condition = {"if": _TEMPLATE, "else": inner}
        case _ if isinstance(kind, str) and kind in _PLAIN:
            condition = {"if": _TEMPLATE, "else": inner}
        case _:
            condition = inner
    return {**about, **condition}


def _by_value(field: str, branches: Mapping[str, str]) -> dict[str, Any]:
    """Return conditions for branches that differ in the value of a field."""
    return {
        "type": "object",
        "required": [field],
        "properties": {field: {"enum": list(branches)}},
        "allOf": [
            {
                "if": {"required": [field], "properties": {field: {"const": value}}},
                "then": {"$ref": branch},
            }
            for value, branch in branches.items()
        ],
    }


def _by_field(branches: list[dict[str, Any]], models: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions for branches that differ in the fields they require.

    The first branch is for what fits no other.
    """
    condition = branches[0]
    for branch in branches[1:]:
        required = models[branch["$ref"].rpartition("/")[2]]["required"]
        condition = {"if": {"required": required}, "then": branch, "else": condition}
    return condition
