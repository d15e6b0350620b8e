"""OpenLineage's JSON Schemas as published: the core, and a file for each facet."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from tests.conftest import SHARED_DATA
from tests.integration.observability.openlineage_schema import formats

FOLDER = SHARED_DATA / "openlineage"
REASON = "the published schemas are not beside the repository"

_CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


def published_violations(event: dict[str, Any]) -> Iterator[str]:
    """What the published schemas have against an event and its facets.

    A facet is held against the published version of its name; those of dbt are of no specification.
    """
    yield from _errors(f"{_CORE}#/$defs/RunEvent", event, "")
    for path, facet in _facets(event, ""):
        name = facet.get("_schemaURL", "").rpartition("/")[2]
        if name in _schemas():
            yield from _errors(f"{_schemas()[name]}#/$defs/{name}", facet, path)


@cache
def _schemas() -> dict[str, str]:
    """The address of each published facet by its name."""
    contents = [json.loads(file.read_text()) for file in sorted(FOLDER.glob("facets/*.json"))]
    return {name: content["$id"] for content in contents for name in content["$defs"]}


@cache
def _registry() -> Registry[Any]:
    contents = [json.loads(file.read_text()) for file in sorted(FOLDER.rglob("*.json"))]
    return Registry().with_resources(
        (content["$id"], DRAFT202012.create_resource(content)) for content in contents
    )


def _errors(address: str, value: Any, path: str) -> Iterator[str]:
    validator = Draft202012Validator(
        {"$ref": address}, registry=_registry(), format_checker=formats
    )
    for error in validator.iter_errors(value):
        yield f"{path}{error.json_path}: {error.message}"


def _facets(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every facet, wherever it is: they alone have a ``_schemaURL``."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _facets(item, f"{path}[{position}]")
    elif isinstance(value, dict):
        if "_schemaURL" in value:
            yield path, value
        for name, item in value.items():
            yield from _facets(item, f"{path}.{name}")
