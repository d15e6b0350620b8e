"""The settings that can be solved for, and how they are set."""

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from simulation.config.fields import OTHER_DEPARTMENTS
from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings
from simulation.seek.target import SeekRefusedError

# Levers move in these steps, a hundredth of a per cent.
STEP = 0.0001

SECTIONS = ("simulation", "workforce", "hiring", "compensation")
_BOUNDS = r"(?:=(?P<low>-?[\d.]+?)\.\.(?P<high>-?\d[\d.]*))?"
_LEVER = re.compile(r"(?P<name>[a-z_.]+)" + _BOUNDS)
# the name of a department or job family may be any text
_OF_UNIT = re.compile(r"(?P<name>(?:[a-z]+\.)?[a-z]+_by_[a-z_]+)\.(?P<unit>.+?)" + _BOUNDS)
_BY_UNIT = ("_by_department", "_by_job_family")
_GROWTH, _FACTORS = "growth_by_", ("leaving_by_", "hiring_by_")


@dataclass(frozen=True, kw_only=True)
class Lever:
    """A setting and the bounds within which it may be moved, as shares or factors.

    Of a setting by department or job family, it is what one ``unit`` has. What a job family has in
    single departments stays, and it is what the family has in the others.
    """

    section: str
    field: str
    low: float
    high: float
    unit: str | None = None

    @property
    def label(self) -> str:
        """Return its name without the section."""
        return self.field if self.unit is None else f"{self.field}.{self.unit}"

    @property
    def is_of_job_family(self) -> bool:
        """Return whether it is what a job family has."""
        return self.field.endswith("_by_job_family")

    @property
    def name(self) -> str:
        """Return its dotted name."""
        return f"{self.section}.{self.label}"

    def current(self, settings: ScenarioSettings, year: int) -> float:
        """Return what it is in ``year``; of a unit without one, what it then has."""
        value = self.set_in(settings)
        if self.unit is not None:
            if self.field.startswith(_GROWTH):
                return rate_in(value.get(self.unit, settings.simulation.target_growth_rate), year)
            without = 1.0 if self.field.startswith(_FACTORS) else 0.0
            value = value.get(self.unit, without)
            return value.get(OTHER_DEPARTMENTS, without) if isinstance(value, Mapping) else value
        if value is None:  # band_growth, which then is the cost of living
            value = settings.compensation.cola_rate
        return rate_in(value, year)

    def set_in(self, settings: ScenarioSettings) -> Any:
        """Return the setting as it is; one by department or job family with all of them."""
        return getattr(getattr(settings, self.section), self.field)

    def moved(self, settings: ScenarioSettings, value: float) -> ScenarioSettings:
        """Return settings in which it has this value, in all years.

        Raises:
            SeekRefusedError: the settings allow it only together with others.
        """
        document: dict[str, Any] = json.loads(settings.model_dump_json())
        section = document[self.section]
        if self.unit is None:
            section[self.field] = value
        else:
            before = section[self.field].get(self.unit)
            is_by_department = isinstance(before, dict) and not self.field.startswith(_GROWTH)
            section[self.field][self.unit] = (
                {**before, OTHER_DEPARTMENTS: value} if is_by_department else value
            )
        try:
            return ScenarioSettings.model_validate_json(json.dumps(document))
        except ValidationError as error:
            message = f"{self.name} {value} is not allowed: {error.errors()[0]['msg']}"
            raise SeekRefusedError(message) from None


def parse_levers(text: str) -> list[Lever]:
    """Return ``merit_budget=0.01..0.06 cola_rate`` as levers, in order.

    Without bounds, a lever has those of its setting. A department or job family follows a setting
    by one, in quotes if it has spaces: ``"growth_by_department.Human Resources=0..0.1"``.

    Raises:
        SeekRefusedError: one is not a setting that is a share, or its bounds are not allowed.
    """
    if not text.split():
        message = f"name a lever, such as merit_budget; allowed is one of: {_names()}"
        raise SeekRefusedError(message)
    return [_lever(word) for word in _words(text)]


def _words(text: str) -> list[str]:
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters = True, ""
    words.whitespace += ","
    try:
        return list(words)
    except ValueError:
        message = f"levers {text!r}: a quote is not closed"
        raise SeekRefusedError(message) from None


def _lever(word: str) -> Lever:
    match = _OF_UNIT.fullmatch(word) or _LEVER.fullmatch(word)
    if match is None:
        message = f"lever {word!r} is not a setting with bounds, such as merit_budget=0.01..0.06"
        raise SeekRefusedError(message)
    unit = match.groupdict().get("unit")
    known = all_levers() if unit is None else unit_levers(unit)
    found = [
        each for each in known if match["name"] in {each.field, f"{each.section}.{each.field}"}
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
    return replace(lever, low=low, high=high)


def all_levers() -> list[Lever]:
    """Return every setting that is a share, with the bounds of its field."""
    return [
        Lever(section=section, field=field, low=kind["minimum"], high=kind["maximum"])
        for section, field, description in _settings()
        for kind in _numbers(description)
    ]


def unit_levers(unit: str, *, endings: Collection[str] = _BY_UNIT) -> list[Lever]:
    """Return every setting by department or job family, of one of them.

    Args:
        unit: the department or job family.
        endings: of the names of the settings, by default of both.
    """
    return [
        Lever(
            section=section,
            field=field,
            # a factor is above 0, and so at least a step
            low=kind.get("minimum", STEP),
            high=kind["maximum"],
            unit=unit,
        )
        for section, field, description in _settings()
        if field.endswith(tuple(endings))
        for kind in _numbers(description["additionalProperties"])
    ]


def _settings() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    schema = ScenarioSettings.model_json_schema()
    for section in SECTIONS:
        reference = schema["properties"][section]["$ref"].rpartition("/")[2]
        for field, description in schema["$defs"][reference]["properties"].items():
            yield section, field, description


def _numbers(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kinds = description.get("anyOf", [description])
    return [kind for kind in kinds if kind.get("type") == "number"]


def _names() -> str:
    of_units = [
        lever
        for ending in _BY_UNIT
        for lever in unit_levers(f"<{ending.removeprefix('_by_')}>", endings=[ending])
    ]
    return ", ".join(lever.label for lever in [*all_levers(), *of_units])
