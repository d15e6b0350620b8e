"""The settings that can be solved for, and how they are set."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings
from simulation.seek.target import SeekRefusedError

# Levers move in these steps, a hundredth of a per cent.
STEP = 0.0001

_SECTIONS = ("simulation", "workforce", "hiring", "compensation")
_LEVER = re.compile(r"(?P<name>[a-z_.]+)(?:=(?P<low>-?[\d.]+?)\.\.(?P<high>-?\d[\d.]*))?")


@dataclass(frozen=True, kw_only=True)
class Lever:
    """A setting and the bounds within which it may be moved, as shares."""

    section: str
    field: str
    low: float
    high: float

    @property
    def name(self) -> str:
        """Return its dotted name."""
        return f"{self.section}.{self.field}"

    def current(self, settings: ScenarioSettings, year: int) -> float:
        """Return what it is in ``year``."""
        value = getattr(getattr(settings, self.section), self.field)
        if value is None:  # band_growth, which then is the cost of living
            value = settings.compensation.cola_rate
        return rate_in(value, year)

    def moved(self, settings: ScenarioSettings, value: float) -> ScenarioSettings:
        """Return settings in which it has this value, in all years.

        Raises:
            SeekRefusedError: the settings allow it only together with others.
        """
        document: dict[str, Any] = json.loads(settings.model_dump_json())
        document[self.section][self.field] = value
        try:
            return ScenarioSettings.model_validate_json(json.dumps(document))
        except ValidationError as error:
            message = f"{self.name} {value} is not allowed: {error.errors()[0]['msg']}"
            raise SeekRefusedError(message) from None


def parse_levers(text: str) -> list[Lever]:
    """Return ``merit_budget=0.01..0.06 cola_rate`` as levers, in order.

    Without bounds, a lever has those of its setting.

    Raises:
        SeekRefusedError: one is not a setting that is a share, or its bounds are not allowed.
    """
    if not text.split():
        message = f"name a lever, such as merit_budget; allowed is one of: {_names()}"
        raise SeekRefusedError(message)
    return [_lever(word) for word in text.replace(",", " ").split()]


def _lever(word: str) -> Lever:
    match = _LEVER.fullmatch(word)
    if match is None:
        message = f"lever {word!r} is not a setting with bounds, such as merit_budget=0.01..0.06"
        raise SeekRefusedError(message)
    known = {lever.name: lever for lever in all_levers()}
    found = [
        lever for name, lever in known.items() if match["name"] in {name, name.partition(".")[2]}
    ]
    if not found:
        near = get_close_matches(match["name"], _names().split(", "), n=1, cutoff=0.5)
        hint = f", did you mean {near[0]}?" if near else ""
        message = f"there is no lever {match['name']!r}{hint}; allowed is one of: {_names()}"
        raise SeekRefusedError(message)
    (lever,) = found
    if match["low"] is None:
        return lever
    try:
        low, high = float(match["low"]), float(match["high"])
    except ValueError:
        message = f"lever {word!r}: the bounds are not numbers, such as 0.01..0.06"
        raise SeekRefusedError(message) from None
    if not lever.low <= low < high <= lever.high:
        message = (
            f"lever {word!r}: allowed are bounds in ascending order from {lever.low:g} to "
            f"{lever.high:g}"
        )
        raise SeekRefusedError(message)
    return Lever(section=lever.section, field=lever.field, low=low, high=high)


def all_levers() -> list[Lever]:
    """Return every setting that is a share, with the bounds of its field."""
    schema = ScenarioSettings.model_json_schema()
    return list(_levers_of(schema))


def _levers_of(schema: Mapping[str, Any]) -> Iterator[Lever]:
    for section in _SECTIONS:
        reference = schema["properties"][section]["$ref"].rpartition("/")[2]
        for field, description in schema["$defs"][reference]["properties"].items():
            for kind in description.get("anyOf", [description]):
                if kind.get("type") == "number":
                    yield Lever(
                        section=section, field=field, low=kind["minimum"], high=kind["maximum"]
                    )


def _names() -> str:
    return ", ".join(lever.field for lever in all_levers())
