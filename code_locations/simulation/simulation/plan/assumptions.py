"""The settings that the page shows, as the models have them, and what a form makes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin

from shared_lib.configuration.validated_yaml import Problem, check_document
from simulation.config.settings import ScenarioSettings
from simulation.seek.levers import SECTIONS, all_levers, unit_levers

_BY_DEPARTMENT = "growth_by_department"


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A setting that is a number, or one number for each year.

    Attributes:
        section: of the configuration file.
        field: its name there.
        description: what it is, from its model.
        low: the least that its model allows.
        high: the most that it allows.
        is_yearly: whether years may differ.
        is_optional: whether it may be empty.
        department: that has it, of a setting by department.
    """

    section: str
    field: str
    description: str
    low: float
    high: float
    is_yearly: bool
    is_optional: bool
    department: str | None = None

    @property
    def label(self) -> str:
        """Return its name without the section."""
        return self.field if self.department is None else f"{self.field}.{self.department}"

    @property
    def name(self) -> str:
        """Return its dotted name, which is also that of its input for all years."""
        return f"{self.section}.{self.label}"

    def name_in(self, year: int) -> str:
        """Return the name of its input for one year."""
        return f"{self.name}.{year}"

    def entered(self, settings: ScenarioSettings) -> dict[str, str]:
        """Return what its inputs hold for these settings, by name."""
        value = getattr(getattr(settings, self.section), self.field)
        if self.department is not None:
            value = value.get(self.department)
        years = settings.simulation.years if self.is_yearly else ()
        rates = value if isinstance(value, Mapping) else {}
        for_all = "" if value is None or rates else str(value)
        return {self.name: for_all} | {
            self.name_in(year): str(rates[year]) if rates else "" for year in years
        }


def all_assumptions(departments: Iterable[str] = ()) -> list[Assumption]:
    """Return every setting that is a share, in the order of the sections.

    Args:
        departments: whose growth is among them.
    """
    found = []
    growths = [
        lever
        for department in departments
        for lever in unit_levers(department)
        if lever.field == _BY_DEPARTMENT
    ]
    # sorted by section, in which the order stays
    levers = sorted([*all_levers(), *growths], key=lambda lever: SECTIONS.index(lever.section))
    for lever in levers:
        section = cast("Any", ScenarioSettings.model_fields[lever.section].annotation)
        field = section.model_fields[lever.field]
        kinds = get_args(field.annotation)
        if lever.unit is not None:
            # of what a department has
            kinds = get_args(kinds[1])
        found.append(
            Assumption(
                section=lever.section,
                field=lever.field,
                description=field.description,
                low=lever.low,
                high=lever.high,
                is_yearly=any(get_origin(kind) is dict for kind in kinds),
                is_optional=type(None) in kinds or lever.unit is not None,
                department=lever.unit,
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Entered:
    """What a form holds: settings, or else problems by the name of their input.

    A problem that concerns no input has the name ``""``.
    """

    settings: ScenarioSettings | None
    problems: dict[str, list[str]]


def read_form(
    assumptions: list[Assumption], base: ScenarioSettings, fields: Mapping[str, str]
) -> Entered:
    """Return the settings of ``base`` with the assumptions of a form.

    Years that are left empty have the number of all years. Nothing is checked here: what is not
    allowed is the models' to say.
    """
    document: dict[str, Any] = base.model_dump()
    for assumption in assumptions:
        section = document[assumption.section]
        value = _value(assumption, base, fields)
        if assumption.department is not None:
            section[assumption.field].pop(assumption.department, None)
            if value is not None:
                section[assumption.field][assumption.department] = value
        elif value is None and not assumption.is_optional:
            del section[assumption.field]
        else:
            section[assumption.field] = value
    checked = check_document(document, ScenarioSettings)
    if isinstance(checked, ScenarioSettings):
        return Entered(settings=checked, problems={})
    problems: dict[str, list[str]] = {}
    for problem in cast("list[Problem]", checked):
        texts = problems.setdefault(_input_of(assumptions, problem, fields), [])
        if problem.text not in texts:
            texts.append(problem.text)
    return Entered(settings=None, problems=problems)


def _value(assumption: Assumption, base: ScenarioSettings, fields: Mapping[str, str]) -> Any:
    for_all = _number(fields.get(assumption.name, ""))
    years = base.simulation.years if assumption.is_yearly else ()
    by_year = {year: _number(fields.get(assumption.name_in(year), "")) for year in years}
    if all(number is None for number in by_year.values()):
        return for_all
    filled = {year: for_all if number is None else number for year, number in by_year.items()}
    return {year: number for year, number in filled.items() if number is not None}


def _number(text: str) -> float | str | None:
    """Return a number; any other text stays as it is, for the models to refuse."""
    text = text.strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _input_of(assumptions: list[Assumption], problem: Problem, fields: Mapping[str, str]) -> str:
    """Return the name of the input that a problem belongs beside."""
    if len(problem.location) > 1:
        name = ".".join(map(str, problem.location))
        # a year that is left empty has the value of all years
        if fields.get(name, "").strip():
            return name
        is_of_department = problem.location[1] == _BY_DEPARTMENT
        return ".".join(map(str, problem.location[: 3 if is_of_department else 2]))
    # rules about several settings name the one that is wrong first
    named = [each for each in assumptions if problem.text.startswith(f"{each.label} ")]
    # of Human and Human Resources, the latter
    return max(named, key=lambda each: len(each.label)).name if named else ""
