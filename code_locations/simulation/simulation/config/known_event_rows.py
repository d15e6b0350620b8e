"""A row of the file of known events, checked by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta

from simulation.config.known_values import (
    amount,
    day,
    day_from,
    did_you_mean,
    share,
    whole_number,
    working_time,
)
from simulation.config.settings import ScenarioSettings

# the fields of each event beside event, employee_id and date: those it needs, those it may have
_NEEDED = {
    "join": ("department", "level", "pay"),
    "rehire": ("department", "level", "pay"),
    "leave": (),
    "transfer": ("department",),
    "absence": ("last_day", "paid_share"),
    "opening": ("department", "level", "fill_rate", "days_to_fill"),
}
_OPTIONAL = {
    "join": ("job_family", "fte"),
    "rehire": ("job_family", "fte"),
    "leave": (),
    "transfer": (),
    "absence": (),
    "opening": ("pay", "job_family", "fte"),
}
ALWAYS = ("event", "employee_id", "date")
COLUMNS = (
    *ALWAYS,
    "department",
    "level",
    "pay",
    "fill_rate",
    "days_to_fill",
    "reason",
    "job_family",
    "fte",
    "last_day",
    "paid_share",
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
        event: ``join``, ``rehire``, ``leave``, ``transfer``, ``absence`` or ``opening``, which is
            a position to be filled.
        employee_id: of the employee; of an opening, the position's, which the hire takes over.
        date: first day, last day, first day in the new department or of the absence, or day on
            which the position opens.
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
        last_day: that of the absence.
        paid_share: what of the pay is paid during the absence.
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
    last_day: _Day | None
    paid_share: float | None

    @property
    def is_hire(self) -> bool:
        """Return whether somebody joins, or may."""
        return self.event in ("join", "rehire", "opening")


EVENT_COLUMNS = tuple(field.name for field in fields(KnownEvent))


def row_problems(row: Mapping[str, str], settings: ScenarioSettings) -> Iterator[str]:
    """Yield what is wrong with a row by itself, each beginning with the field."""
    event = row["event"]
    if event not in _NEEDED:
        yield (
            f"event: unknown event, got {event!r}, allowed is one of: {', '.join(_NEEDED)}"
            + did_you_mean(event, _NEEDED)
        )
        return
    used = {*ALWAYS, *_NEEDED[event], *_OPTIONAL[event], "reason"}
    for name in COLUMNS:
        if row[name] and name not in used:
            yield f"{name}: not a field of {event}, got {row[name]!r}, allowed is nothing"
        if not row[name] and name in (*ALWAYS, *_NEEDED[event]):
            yield f"{name}: missing, required for {event}"
    values = {name: value for name, value in row.items() if value and name in used}
    horizon = settings.simulation
    days = (horizon.first_day_of(horizon.start_year), horizon.last_day_of(horizon.end_year))
    levels = [str(level) for level in settings.tables.pay_bands()]
    for name, problem in (
        ("date", day(values.get("date", ""), *days)),
        ("last_day", day_from(values.get("last_day", ""), values.get("date", ""))),
        ("paid_share", share(values.get("paid_share", ""))),
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


def event_of(line: int, row: Mapping[str, str], settings: ScenarioSettings) -> KnownEvent:
    """Return the event of a row that nothing is wrong with."""
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
        last_day=date.fromisoformat(row["last_day"]) if row["last_day"] else None,
        paid_share=float(row["paid_share"]) if row["paid_share"] else None,
    )
