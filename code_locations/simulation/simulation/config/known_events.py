"""The file of a scenario's known events: who joins, leaves or moves, and which positions are open.

Here each row is checked by itself and against the others; :mod:`simulation.state.known_events`
holds the rows against the census.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.census_file import file_digest
from simulation.config.known_values import amount, day, share, whole_number, working_time
from simulation.config.settings import ScenarioSettings

# the fields of each event beside event, employee_id and date: those it needs, those it may have
_NEEDED = {
    "join": ("department", "level", "pay"),
    "leave": (),
    "transfer": ("department",),
    "opening": ("department", "level", "fill_rate", "days_to_fill"),
}
_OPTIONAL = {
    "join": ("job_family", "fte"),
    "leave": (),
    "transfer": (),
    "opening": ("pay", "job_family", "fte"),
}
_ALWAYS = ("event", "employee_id", "date")
_COLUMNS = (
    *_ALWAYS,
    "department",
    "level",
    "pay",
    "fill_rate",
    "days_to_fill",
    "reason",
    "job_family",
    "fte",
)
_HIRE_PREFIX = "NH-"
_LONGEST_REASON = 200
# a column is named `date`
_Day = date


@dataclass(frozen=True, kw_only=True)
class KnownEvent:
    """A row of the file.

    Attributes:
        line: of the file, counted from 1.
        event: ``join``, ``leave``, ``transfer`` or ``opening``, which is a position to be filled.
        employee_id: of the employee; of an opening, the position's, which the hire takes over.
        date: first day, last day, first day in the new department, or day on which it opens.
        effective_date: the same; of an opening, the first day of whom it is filled with.
        simulation_year: that of the effective date.
        department: that of the hire, or the new one.
        level: that of the hire.
        pay: that of the hire for a full year.
        fill_rate: the chance that an opening is filled.
        days_to_fill: days from the opening to the first day.
        reason: any words.
        job_family: that of the hire.
        fte: working time of the hire as a share of full time.
    """

    line: int
    event: str
    employee_id: str
    date: _Day
    effective_date: _Day
    simulation_year: int
    department: str | None
    level: int | None
    pay: str | None
    fill_rate: float | None
    days_to_fill: int | None
    reason: str | None
    job_family: str | None
    fte: str | None

    @property
    def is_hire(self) -> bool:
        """Return whether somebody joins, or may."""
        return self.event in ("join", "opening")


# why a rehire has another identifier
ONE_EMPLOYMENT = (
    "who is hired again joins under another one, because all years of an identifier are one "
    "employment, with one birth date and one service"
)
EVENT_COLUMNS = tuple(field.name for field in fields(KnownEvent))


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
        found = list(_row_problems(row, settings))
        problems += [f"{path}:{line}: {problem}" for problem in found]
        if not found:
            events.append(_event(line, row, settings))
    problems += [f"{path}:{problem}" for problem in _problems_of_all(events)]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return events


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest allowed value, if one is near."""
    nearest = get_close_matches(value, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


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
                dict.fromkeys(_COLUMNS, "")
                | {name: value.strip() for name, value in zip(header, values, strict=True)},
            )
    except csv.Error as error:
        message = f"{path}:{reader.line_num}: {error}, allowed is CSV"
        raise ConfigurationError(message) from None


def _refuse_header(path: Path, header: list[str]) -> None:
    problems = [
        f"unknown column {name!r}, allowed is one of: {', '.join(_COLUMNS)}"
        + did_you_mean(name, _COLUMNS)
        for name in header
        if name not in _COLUMNS
    ]
    problems += [f"no column {name}, required is one" for name in _ALWAYS if name not in header]
    problems += [
        f"column {name} is there more than once, allowed is once"
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if problems:
        raise ConfigurationError("\n".join(f"{path}:1: {problem}" for problem in problems))


def _row_problems(row: Mapping[str, str], settings: ScenarioSettings) -> Iterator[str]:
    event = row["event"]
    if event not in _NEEDED:
        yield (
            f"event: unknown event, got {event!r}, allowed is one of: {', '.join(_NEEDED)}"
            + did_you_mean(event, _NEEDED)
        )
        return
    used = {*_ALWAYS, *_NEEDED[event], *_OPTIONAL[event], "reason"}
    for name in _COLUMNS:
        if row[name] and name not in used:
            yield f"{name}: not a field of {event}, got {row[name]!r}, allowed is nothing"
        if not row[name] and name in (*_ALWAYS, *_NEEDED[event]):
            yield f"{name}: missing, required for {event}"
    values = {name: value for name, value in row.items() if value and name in used}
    horizon = settings.simulation
    days = (horizon.first_day_of(horizon.start_year), horizon.last_day_of(horizon.end_year))
    levels = [str(level) for level in settings.tables.pay_bands()]
    for name, problem in (
        ("date", day(values.get("date", ""), *days)),
        ("pay", amount(values.get("pay", ""))),
        ("fill_rate", share(values.get("fill_rate", ""))),
        ("fte", working_time(values.get("fte", ""))),
        ("days_to_fill", whole_number(values.get("days_to_fill", ""))),
    ):
        if name in values and problem:
            yield f"{name}: {problem}"
    level = values.get("level")
    if level is not None and level not in levels:
        yield (
            f"level: unknown level, got {level!r}, allowed is one of: {', '.join(levels)}"
            + did_you_mean(level, levels)
        )
    if event in ("join", "opening") and row["employee_id"].startswith(_HIRE_PREFIX):
        yield (
            f"employee_id: the form of hires that are drawn, got {row['employee_id']!r}, allowed "
            f"is another beginning than {_HIRE_PREFIX}"
        )
    if len(row["reason"]) > _LONGEST_REASON:
        yield f"reason: {len(row['reason'])} characters, allowed are {_LONGEST_REASON}"


def _event(line: int, row: Mapping[str, str], settings: ScenarioSettings) -> KnownEvent:
    on = date.fromisoformat(row["date"])
    days = int(row["days_to_fill"] or 0)
    effective = on + timedelta(days=days)
    return KnownEvent(
        line=line,
        event=row["event"],
        employee_id=row["employee_id"],
        date=on,
        effective_date=effective,
        simulation_year=settings.simulation.names.year_of(effective),
        department=row["department"] or None,
        level=int(row["level"]) if row["level"] else None,
        pay=row["pay"] or None,
        fill_rate=float(row["fill_rate"]) if row["fill_rate"] else None,
        days_to_fill=days if row["days_to_fill"] else None,
        reason=row["reason"] or None,
        job_family=row["job_family"] or None,
        fte=row["fte"] or None,
    )


def _problems_of_all(events: list[KnownEvent]) -> Iterator[str]:
    """Yield what rows say against each other, with the line of the later one."""
    hires = {}
    leaves = {}
    moves = {}
    for event in events:
        kind = {"leave": leaves, "transfer": moves}.get(event.event, hires)
        # one transfer a year, for the ledger has one row for each employee and year
        key = (event.employee_id, event.simulation_year if kind is moves else None)
        if key in kind:
            yield (
                f"{event.line}: employee_id: duplicate of line {kind[key].line}, got "
                f"{event.employee_id!r}, allowed is one {event.event} of an employee"
                + (" a year" if kind is moves else "")
                + (f": {ONE_EMPLOYMENT}" if event.event == "join" else "")
            )
        kind.setdefault(key, event)
    for event in events:
        hire = None if event.is_hire else hires.get((event.employee_id, None))
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
        leave = leaves.get((event.employee_id, None))
        if event.event == "transfer" and leave is not None and leave.date < event.date:
            yield (
                f"{event.line}: date: after the leave in line {leave.line}, got '{event.date}', "
                f"allowed is '{leave.date}' or before"
            )
