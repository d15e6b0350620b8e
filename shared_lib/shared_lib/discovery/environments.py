"""The part ``environments`` of a file: what one environment has different from the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared_lib.configuration.environment import Environment
from shared_lib.configuration.validated_yaml import Location, Problem, check_document
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.modules import did_you_mean

SECTION = "environments"

Places = Mapping[Location, Location]
"""For each field that an environment sets, where the file has its value."""


@dataclass(frozen=True)
class _Override:
    section: str
    entry: str
    field: str
    value: Any
    place: Location

    @property
    def target(self) -> Location:
        return (self.section, self.entry, self.field)


def override(document: Any, environment: Environment) -> Places:
    """Set what the environment has different, in place, and return where that is from."""
    places: dict[Location, Location] = {}
    for one in _overrides(document, environment):
        entry = _entry(document, one)
        if entry is not None:
            entry[one.field] = one.value
            places[one.target] = one.place
    return places


def wrong_overrides(document: Any, *, apart_from: Environment) -> Iterator[Problem]:
    """Yield what is wrong in environments, also in those where the file is not read now.

    Args:
        document: the file, placeholders replaced.
        apart_from: the environment whose fields are in the document already, and checked there.
    """
    for environment in Environment:
        overrides = list(_overrides(document, environment))
        for one in overrides:
            if _entry(document, one) is None:
                yield Problem(one.place[:4], _unknown(document, one))
        if environment is not apart_from:
            yield from _invalid(document, environment)


def place_of(location: Location, places: Places) -> Location:
    """Return where the file has what is at a location: in the part of an environment, or there."""
    for length in range(len(location), 0, -1):
        if location[:length] in places:
            return (*places[location[:length]], *location[length:])
    return location


def _overrides(document: Any, environment: Environment) -> Iterator[_Override]:
    """Yield the fields that an environment sets; what is no mapping is reported by the model."""
    for section, entries in _mapping(_mapping(document.get(SECTION)).get(environment)).items():
        for entry, fields in _mapping(entries).items():
            for field, value in _mapping(fields).items():
                place = (SECTION, environment.value, section, entry, field)
                yield _Override(section, entry, field, value, place)


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _entry(document: Any, one: _Override) -> Any:
    entry = _mapping(document.get(one.section)).get(one.entry)
    return entry if isinstance(entry, Mapping) else None


def _unknown(document: Any, one: _Override) -> str:
    known = [str(name) for name in _mapping(document.get(one.section))]
    near = did_you_mean(one.entry, known) or f", allowed is one of: {', '.join(known) or 'none'}"
    return f"the section {one.section} has no {one.entry} that an environment can change{near}"


def _invalid(document: Any, environment: Environment) -> Iterator[Problem]:
    """Yield the problems of the fields as an environment has them."""
    changed = {name: _copy(section) for name, section in document.items() if name != SECTION}
    other = {**changed, SECTION: document.get(SECTION)}
    places = override(other, environment)
    if not places:
        return
    # a variable may be set only where its environment is
    unset = {one.target for one in _overrides(document, environment) if "${" in str(one.value)}
    found = check_document(changed, LocationConfiguration)
    for problem in found if isinstance(found, list) else []:
        place = place_of(problem.location, places)
        if place != problem.location and problem.location[:3] not in unset:
            yield Problem(place, problem.text)


def _copy(section: Any) -> Any:
    if not isinstance(section, Mapping):
        return section
    return {
        name: dict(entry) if isinstance(entry, Mapping) else entry
        for name, entry in section.items()
    }
