"""OpenLineage's JSON Schema, put together from what its packages bring.

The specification itself is in none of them. Its core and its facets are there as classes that
OpenLineage generates from it, with what is required, the types and the URL of each definition:
these are turned back into JSON Schema. The facets of openlineage-dbt come with their schema.
"""

import importlib
import json
import pkgutil
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated
from openlineage.client.generated import base
from openlineage.common.provider.dbt import facets
from openlineage.common.schema import GITHUB_LOCATION
from referencing import Registry
from referencing.jsonschema import DRAFT202012

CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_FORMATS = {"runId": "uuid", "eventTime": "date-time"} | dict.fromkeys(
    ("producer", "schemaURL", "_producer", "_schemaURL"), "uri"
)
_FACETS = ("facets", "inputFacets", "outputFacets")
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}

formats = FormatChecker(formats=())


@formats.checks("uuid", raises=ValueError)
def _is_uuid(text: str) -> bool:
    return str(UUID(text)) == text


@formats.checks("date-time", raises=ValueError)
def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


@formats.checks("uri")
def _is_uri(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme and (parts.netloc or parts.path))


def violations(event: dict[str, Any]) -> list[str]:
    """What the schema has against an event; of every facet, against what it says that it is."""
    name = event["schemaURL"].removeprefix(f"{CORE}#/$defs/")
    found = _errors({"$ref": f"{CORE}#/$defs/{name}"}, event)
    for path, facet in _facets(event):
        schema = facet_schemas().get(facet.get("_schemaURL", ""))
        if schema is None:
            found.append(f"{path}: unknown schema {facet.get('_schemaURL')}")
        else:
            found += [f"{path}: {error}" for error in _errors(schema, facet)]
    return found


@cache
def facet_schemas() -> dict[str, dict[str, Any]]:
    """The schema of every facet by the URL that it names."""
    generated_from_it = {
        one._get_schema(): {"$ref": _address(one)}
        for one in _classes()
        if issubclass(one, base.BaseFacet)
    }
    return generated_from_it | dict(_shipped_schemas())


@cache
def _classes() -> tuple[type, ...]:
    modules = [
        importlib.import_module(f"{generated.__name__}.{module.name}")
        for module in pkgutil.iter_modules(generated.__path__)
    ]
    return tuple(
        {
            one: None
            for module in (*modules, facets)
            for one in vars(module).values()
            if isinstance(one, type) and attr.has(one)
        }
    )


def _shipped_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of openlineage-dbt, whose packages have them but for that of one facet."""
    for file in resources.files("openlineage.common.schema").iterdir():
        if file.name.startswith("dbt-"):
            schema = json.loads(file.read_text())
            (facet,) = schema["properties"].values()
            yield GITHUB_LOCATION + file.name, {"$defs": schema["$defs"], "$ref": facet["$ref"]}


def _facets(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _facets(item, f"{path}[{position}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _FACETS and isinstance(item, dict):
                yield from ((f"{path}.{name}.{facet}", body) for facet, body in item.items())
            yield from _facets(item, f"{path}.{name}")


def _errors(schema: dict[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator(schema, registry=_registry(), format_checker=formats)
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(value)]


@cache
def _registry() -> Registry[Any]:
    core = {one.__name__: {"$ref": _address(one)} for one in vars(base).values() if attr.has(one)}
    contents = {_address(one): _of_class(one) for one in _classes()}
    # some facets of dbt still refer to the version before
    for address in (CORE, CORE.replace("2-0-2", "1-0-2")):
        contents[address] = {"$defs": core}
    return Registry().with_resources(
        (address, DRAFT202012.create_resource(content)) for address, content in contents.items()
    )


def _of_class(one: type) -> dict[str, Any]:
    hints = typing.get_type_hints(one)
    properties = {field.name: _of_type(hints[field.name], field.name) for field in attr.fields(one)}
    required = [
        field.name
        for field in attr.fields(one)
        if field.default is attr.NOTHING or field.name in {"_producer", "_schemaURL", "producer"}
    ]
    return {"type": "object", "properties": properties, "required": required}


def _of_type(hint: Any, name: str) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        # the client leaves out what is None, and so must be what is sent
        options = [_of_type(one, name) for one in arguments if one is not type(None)]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is list:
        return {"type": "array", "items": _of_type(arguments[0], name)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1], name)}
    if hint in _PLAIN:
        known = {"format": _FORMATS[name]} if name in _FORMATS else {}
        return {"type": _PLAIN[hint], **known}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    # by reference, because some contain themselves
    return {"$ref": _address(hint)} if attr.has(hint) else {}


def _address(one: type) -> str:
    return f"urn:{one.__module__}:{one.__qualname__}"
