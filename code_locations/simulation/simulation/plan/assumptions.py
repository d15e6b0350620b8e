"""The settings that the page shows, as the models have them, and what a form makes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin

from shared_lib.configuration.validated_yaml import Problem, check_document
from simulation.config.fields import OTHER_DEPARTMENTS, Year
from simulation.config.settings import ScenarioSettings
from simulation.seek.levers import SECTIONS, all_levers, unit_levers


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
        unit: the department or job family that has it, of a setting by one.
    """

    section: str
    field: str
    description: str
    low: float
    high: float
    is_yearly: bool
    is_optional: bool
    unit: str | None = None

    @property
    def label(self) -> str:
        """Return its name without the section."""
        return self.field if self.unit is None else f"{self.field}.{self.unit}"

    @property
    def name(self) -> str:
        """Return its dotted name, which is also that of its input for all years."""
        return f"{self.section}.{self.label}"

    @property
    def title(self) -> str:
        """Return what the settings of its kind are called."""
        return self.field.replace("cola", "cost of living").replace("_", " ").capitalize()

    def name_in(self, year: int) -> str:
        """Return the name of its input for one year."""
        return f"{self.name}.{year}"

    def entered(self, settings: ScenarioSettings) -> dict[str, str]:
        """Return what its inputs hold for these settings, by name."""
        value = getattr(getattr(settings, self.section), self.field)
        if self.unit is not None:
            value = value.get(self.unit)
            if isinstance(value, Mapping) and not self.is_yearly:
                value = value.get(OTHER_DEPARTMENTS)
        years = settings.simulation.years if self.is_yearly else ()
        rates = value if isinstance(value, Mapping) else {}
        for_all = "" if value is None or rates else str(value)
        return {self.name: for_all} | {
            self.name_in(year): str(rates[year]) if rates else "" for year in years
        }


def all_assumptions(
    departments: Iterable[str] = (), job_families: Iterable[str] = ()
) -> list[Assumption]:
    """Return every setting that is a share or a factor, in the order of the sections.

    Args:
        departments: whose growth, leaving, hiring and raises are among them.
        job_families: likewise.
    """
    found = []
    of_units = [
        lever
        for units, ending in ((departments, "_by_department"), (job_families, "_by_job_family"))
        for unit in units
        for lever in unit_levers(unit, endings=[ending])
    ]
    fields = list(dict.fromkeys(lever.field for lever in of_units))
    # sorted by section, in which the order stays, and there by field
    levers = sorted(
        [*all_levers(), *sorted(of_units, key=lambda lever: fields.index(lever.field))],
        key=lambda lever: SECTIONS.index(lever.section),
    )
    for lever in levers:
        section = cast("Any", ScenarioSettings.model_fields[lever.section].annotation)
        field = section.model_fields[lever.field]
        kinds = get_args(field.annotation)
        if lever.unit is not None:
            # of what a department or job family has
            kinds = get_args(kinds[1])
        found.append(
            Assumption(
                section=lever.section,
                field=lever.field,
                description=field.description,
                low=lever.low,
                high=lever.high,
                # what a job family has may be by department instead
                is_yearly=any(
                    get_origin(kind) is dict and get_args(kind)[0] == Year for kind in kinds
                ),
                is_optional=type(None) in kinds or lever.unit is not None,
                unit=lever.unit,
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
        if assumption.unit is not None:
            before = section[assumption.field].pop(assumption.unit, None)
            if isinstance(before, Mapping) and not assumption.is_yearly:
                # the others alone have an input
                value = {**before, OTHER_DEPARTMENTS: value}
                if value[OTHER_DEPARTMENTS] is None:
                    del value[OTHER_DEPARTMENTS]
            if value not in (None, {}):
                section[assumption.field][assumption.unit] = value
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
        is_of_unit = "_by_" in str(problem.location[1])
        return ".".join(map(str, problem.location[: 3 if is_of_unit else 2]))
    # rules about several settings name the one that is wrong first
    named = [each for each in assumptions if problem.text.startswith(f"{each.label} ")]
    # of Human and Human Resources, the latter
    return max(named, key=lambda each: len(each.label)).name if named else ""
