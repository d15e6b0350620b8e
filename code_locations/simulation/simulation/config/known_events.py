"""The file of a scenario's known events: who joins, leaves or moves, and which positions are open.

Here each row is checked against the others; :mod:`simulation.state.known_events`
holds the rows against the census.
"""

import csv
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.census_file import file_digest
from simulation.config.known_event_rows import ALWAYS, COLUMNS, KnownEvent, event_of, row_problems
from simulation.config.known_values import did_you_mean
from simulation.config.settings import ScenarioSettings
from simulation.year_names import YearNames

# why nobody joins under the identifier of another
ONE_EMPLOYMENT = (
    "who comes back after a known leave has a rehire, and all years until then are one employment"
)


def known_events_digest(settings: ScenarioSettings) -> str | None:
    """Return the digest of the file, which the rows of the years depend on; None without a file.

    Raises:
        ConfigurationError: there is no such file.
    """
    path = settings.workforce.known_events
    return None if path is None else file_digest(_existing(path))


def read_known_events(settings: ScenarioSettings) -> list[KnownEvent]:
    """Return the rows of the scenario's file, none without a file.

    Raises:
        ConfigurationError: one line ``path:line: field: problem, allowed is ...`` for each mistake.
    """
    if settings.workforce.known_events is None:
        return []
    path = _existing(settings.workforce.known_events)
    problems: list[str] = []
    events: list[KnownEvent] = []
    for line, row in _rows(path):
        found = list(row_problems(row, settings))
        problems += [f"{path}:{line}: {problem}" for problem in found]
        if not found:
            events.append(event_of(line, row, settings))
    problems += [
        f"{path}:{problem}" for problem in _problems_of_all(events, settings.simulation.names)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return events


def _existing(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        message = f"workforce.known_events: {path}: no such file, allowed is a CSV file"
        raise ConfigurationError(message)
    return path


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 at byte {error.start}, allowed is a CSV file in UTF-8"
        raise ConfigurationError(message) from None
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _refuse_header(path, header)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                message = (
                    f"{path}:{reader.line_num}: {len(values)} fields, but the header has "
                    f"{len(header)}"
                )
                raise ConfigurationError(message)
            yield (
                reader.line_num,
                dict.fromkeys(COLUMNS, "")
                | {name: value.strip() for name, value in zip(header, values, strict=True)},
            )
    except csv.Error as error:
        message = f"{path}:{reader.line_num}: {error}, allowed is CSV"
        raise ConfigurationError(message) from None


def _refuse_header(path: Path, header: list[str]) -> None:
    problems = [
        f"unknown column {name!r}, allowed is one of: {', '.join(COLUMNS)}"
        + did_you_mean(name, COLUMNS)
        for name in header
        if name not in COLUMNS
    ]
    problems += [f"no column {name}, required is one" for name in ALWAYS if name not in header]
    problems += [
        f"column {name} is there more than once, allowed is once"
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if problems:
        raise ConfigurationError("\n".join(f"{path}:1: {problem}" for problem in problems))


def employments(events: list[KnownEvent]) -> dict[int, int]:
    """Return by line in which employment of its person an event is, 0 being the first."""
    rehired: dict[str, list[date]] = {}
    for event in events:
        if event.event == "rehire":
            rehired.setdefault(event.employee_id, []).append(event.date)
    return {
        event.line: sum(day <= event.date for day in rehired.get(event.employee_id, ()))
        for event in events
    }


def _problems_of_all(events: list[KnownEvent], names: YearNames) -> Iterator[str]:
    """Yield what rows say against each other, with the line of the later one."""
    number = employments(events)
    hires: dict[tuple[str, int], KnownEvent] = {}
    leaves: dict[tuple[str, int], KnownEvent] = {}
    moves: dict[tuple[str, int], KnownEvent] = {}
    absences: dict[tuple[str, int], KnownEvent] = {}
    for event in events:
        kind = {"leave": leaves, "transfer": moves, "absence": absences}.get(event.event, hires)
        # one transfer a year, for the ledger has one row for each employee and year
        key = (
            event.employee_id,
            event.line
            if kind is absences
            else event.simulation_year
            if kind is moves
            else number[event.line],
        )
        if key in kind:
            yield (
                f"{event.line}: employee_id: duplicate of line {kind[key].line}, got "
                f"{event.employee_id!r}, allowed is one {event.event} of an employee"
                + (" a year" if kind is moves else "")
                + (f": {ONE_EMPLOYMENT}" if event.event == "join" else "")
            )
        kind.setdefault(key, event)
    for event in events:
        employment = (event.employee_id, number[event.line])
        if event.event == "rehire":
            yield from _problems_of_rehire(event, hires, leaves, employment)
        hire = None if event.is_hire else hires.get(employment)
        if hire is not None and hire.event == "opening":
            yield (
                f"{event.line}: employee_id: {event.employee_id!r} is the position of line "
                f"{hire.line}, which may stay open, allowed is an employee or who joins"
            )
        elif hire is not None and event.simulation_year <= hire.simulation_year:
            yield (
                f"{event.line}: date: {event.event} in the year of the hire in line {hire.line} or "
                f"before it, got '{event.date}', allowed is a later year"
            )
        leave = leaves.get(employment)
        last, field = (
            (event.last_day, "last_day") if event.event == "absence" else (event.date, "date")
        )
        if event.event in ("transfer", "absence") and leave and last and leave.date < last:
            yield (
                f"{event.line}: {field}: after the leave in line {leave.line}, got '{last}', "
                f"allowed is '{leave.date}' or before"
            )
    yield from _problems_of_absences(list(absences.values()), names)


def _problems_of_rehire(
    event: KnownEvent,
    hires: dict[tuple[str, int], KnownEvent],
    leaves: dict[tuple[str, int], KnownEvent],
    employment: tuple[str, int],
) -> Iterator[str]:
    before = (employment[0], employment[1] - 1)
    hire, leave = hires.get(before), leaves.get(before)
    if hire is not None and hire.event != "rehire":
        yield (
            f"{event.line}: employee_id: rehire of whom line {hire.line} hires, got "
            f"{event.employee_id!r}, allowed is an employee of the census, whose birth date is "
            "not drawn"
        )
    elif leave is not None and leave.simulation_year >= event.simulation_year:
        yield (
            f"{event.line}: date: rehire in the year of the leave in line {leave.line}, got "
            f"'{event.date}', allowed is a later year, because there is one row for each employee "
            "and year"
        )


def _problems_of_absences(absences: list[KnownEvent], names: YearNames) -> Iterator[str]:
    """Yield absences of one person in one year, for the ledger has one row for both."""
    ordered = sorted(absences, key=lambda event: (event.employee_id, event.date, event.line))
    for earlier, later in pairwise(ordered):
        last = earlier.last_day
        if (
            earlier.employee_id == later.employee_id
            and last
            and names.year_of(last) >= later.simulation_year
        ):
            yield (
                f"{later.line}: date: absence in a year of that in line {earlier.line}, which "
                f"lasts until '{last}', got '{later.date}', allowed is one absence of an employee "
                "in a year"
            )
