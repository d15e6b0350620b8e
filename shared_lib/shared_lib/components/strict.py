"""Components whose attributes are checked by a model of our own configuration files."""

import inspect
import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, cast

import dagster as dg
from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from shared_lib.components.schema import editors_schema
from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    Location,
    Problem,
    check_document,
)

Attributes = TypeVar("Attributes")
Place = Callable[[Location], str]

_TEMPLATE = "{{"


class ExampleScaffolder(dg.Scaffolder):
    """Writes a ``defs.yaml`` that loads: empty with the component's example, or the example."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the file; what it defines is up to its reader."""
        module, _, name = request.type_name.rpartition(".")
        component = getattr(import_module(module), name)
        example = example_of(component)
        if isinstance(check_document({}, component.checked_by), list):
            attributes = YAML(typ="safe", pure=True).load(example)["attributes"]
            dg.scaffold_component(request, attributes)
            return
        dg.scaffold_component(request, {})
        if request.scaffold_format == "yaml":
            file = request.target_path if request.append else request.target_path / "defs.yaml"
            with file.open("a", encoding="utf-8") as opened:
                opened.write("\n# For example:\n" + textwrap.indent(example, "# "))


def example_of(component: type) -> str:
    """Return the ``defs.yaml`` in a component's description."""
    block = (inspect.getdoc(component) or "").partition(".. code-block:: yaml\n")[2]
    return textwrap.dedent(block).strip("\n") + "\n"


@dg.scaffold_with(ExampleScaffolder)
class StrictComponent(dg.Component, dg.Resolvable, Generic[Attributes]):
    """A component that reports a mistake as our files do: place, field, what is allowed.

    Values may be templates such as ``{{ env.CRON }}``. They are rendered before the check, so
    that a template can stand for any value.

    Attributes:
        checked_by: the model of the attributes.
        attributes: what the file contains.
        place: returns ``file:line: field`` of a location in the attributes.
    """

    checked_by: ClassVar[type[Section]]

    def __init__(self, attributes: Attributes, *, place: Place | None = None) -> None:
        self.attributes = attributes
        self.place = place or _field

    @classmethod
    def model(cls) -> type[BaseModel]:
        """Return the model that Dagster reads the attributes with, before they are rendered."""
        return _rendered_later(cls.checked_by)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Load the component; no attributes are the same as an empty mapping."""
        return super().load(attributes or cls.model()(), context)

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> Self:
        """Return the component with its templates rendered and its attributes checked.

        Raises:
            ConfigurationError: lists every problem of the attributes, one per line.
        """
        place = _place_of(context)
        found = check_document(_rendered(model.model_extra, context), cls.checked_by)
        if isinstance(found, list):
            _raise(found, place)
        return cls(cast("Any", found), place=place)

    def report(self, problem: Problem) -> NoReturn:
        """Raise a problem of the attributes.

        Raises:
            ConfigurationError: always.
        """
        _raise([problem], self.place)

    def report_all(self, problems: Sequence[Problem]) -> None:
        """Raise the problems of the attributes, if there are any.

        Raises:
            ConfigurationError: lists them, one per line.
        """
        if problems:
            _raise(problems, self.place)


def _raise(problems: Sequence[Problem], place: Place) -> NoReturn:
    lines = [f"{place(problem.location)}: {problem.text}" for problem in problems]
    raise ConfigurationError("\n".join(dict.fromkeys(lines)))


def _field(location: Location) -> str:
    return ".".join(map(str, ("attributes", *location)))


def _place_of(context: dg.ResolutionContext) -> Place:
    tree = context.source_position_tree
    if tree is None:
        return _field

    def place(location: Location) -> str:
        position, _ = tree.lookup_closest_and_path(["attributes", *location], None)
        return f"{position}: {_field(location)}"

    return place


def _rendered(value: Any, context: dg.ResolutionContext) -> Any:
    """Return the value with its templates rendered; a text without one stays as it is."""
    if isinstance(value, dict):
        return {key: _rendered(inner, context.at_path(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rendered(inner, context.at_path(index)) for index, inner in enumerate(value)]
    # Dagster would render a text such as "2024" to a number
    is_template = isinstance(value, str) and _TEMPLATE in value
    return context.resolve_value(value) if is_template else value


@cache
def _rendered_later(checked_by: type[Section]) -> type[BaseModel]:
    """Return a model that accepts anything, and whose JSON Schema is that of ``checked_by``."""

    class Unchecked(BaseModel):
        model_config = ConfigDict(extra="allow")

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return editors_schema(checked_by)

    Unchecked.__name__ = checked_by.__name__
    return Unchecked
