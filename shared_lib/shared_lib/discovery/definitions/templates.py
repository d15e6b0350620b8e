"""Texts with ``{names}`` that a sensor fills from a file or an event."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared_lib.configuration.validated_yaml import Location, Problem

_NAME = re.compile(r"\{(\w+)\}")


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """Return the template with the values of its names, in texts at any depth."""
    if isinstance(template, str):
        return _NAME.sub(lambda found: values[found.group(1)], template)
    if isinstance(template, Mapping):
        return {key: filled(entry, values) for key, entry in template.items()}
    return [filled(entry, values) for entry in template] if isinstance(template, list) else template


def unknown_in(template: Any, known: list[str], location: Location) -> Iterator[Problem]:
    """Yield the names in the template that have no value."""
    if isinstance(template, str):
        for name in _NAME.findall(template):
            if name not in known:
                shown = ", ".join(f"{{{one}}}" for one in known)
                yield Problem(location, f"there is no {{{name}}}, allowed is one of: {shown}")
        return
    inner = template.items() if isinstance(template, Mapping) else []
    inner = enumerate(template) if isinstance(template, list) else inner
    for key, entry in inner:
        yield from unknown_in(entry, known, (*location, key))
