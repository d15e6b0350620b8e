"""The keys of ``orchestration.yaml`` as the models have them, and the tests that see them."""

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from shared_lib.discovery.configuration import LocationConfiguration

MARKER = "sees"


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The keys of a model down to what is not a mapping with keys of its own.

    Of mappings of several kinds the kind is a part: ``sensors.file.glob``. A model within itself,
    such as the dimensions of partitions, is not gone into again.
    """
    yield from _keys(model, prefix, seen=set())


def _keys(model: type[BaseModel], prefix: str, seen: set[type[BaseModel]]) -> Iterator[str]:
    seen.add(model)
    for name, field in model.model_fields.items():
        below = [one for one in _models_in(field.annotation) if one not in seen]
        if not below:
            yield f"{prefix}{name}"
        for one in below:
            kind = f"{kind_of(one)}." if len(below) > 1 else ""
            yield from _keys(one, f"{prefix}{name}.{kind}", seen)


def kind_of(model: type[BaseModel]) -> str:
    """What the file calls the kind of mapping, or the name of the model where it does not."""
    field = model.model_fields.get("type")
    return typing.get_args(field.annotation)[0] if field else model.__name__


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    if origin is typing.Annotated:
        inner = inner[:1]
    elif origin in {dict, typing.Literal}:
        inner = inner[1:] if origin is dict else ()
    elif origin not in {list, typing.Union, types.UnionType}:
        inner = ()
    return [model for one in inner for model in _models_in(one)]


def all_keys() -> list[str]:
    """Every key of the file."""
    return list(keys_of(LocationConfiguration))


def seen_by(item: pytest.Item) -> list[str]:
    """The keys whose effect a test sees; ``{name}`` stands for a parameter of the test."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and (
        hasattr(item, "callspec")
    ) else {}  # fmt: skip
    return [key.format(**parameters) for mark in item.iter_markers(MARKER) for key in mark.args]


class Seen:
    """Collects tests without running them, and remembers which keys they see."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        for key in seen_by(item):
            self.tests.setdefault(key, []).append(item.nodeid)


def seen_keys(directory: Path) -> dict[str, list[str]]:
    """The tests below a directory by the keys that they see."""
    seen = Seen()
    arguments = ["--collect-only", "-qq", "-p", "no:cacheprovider"]
    assert pytest.main([*arguments, str(directory)], plugins=[seen]) is pytest.ExitCode.OK
    return seen.tests


if __name__ == "__main__":
    print("\n".join(all_keys()))
