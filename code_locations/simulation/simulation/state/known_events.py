"""Holds a scenario's known events against its workforce, and records them for the SQL."""

from collections.abc import Iterator
from datetime import date

import duckdb

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config.known_event_rows import EVENT_COLUMNS, KnownEvent
from simulation.config.known_events import ONE_EMPLOYMENT, employments, read_known_events
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts, targets_in
from simulation.state.job_families import names_of, unknown_department, unknown_job_family

_WORKFORCE = "raw.baseline_workforce_validated where scenario_id = $scenario"


def checked_events(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    settings: ScenarioSettings,
    opening: Headcounts,
) -> list[KnownEvent]:
    """Return the rows of the scenario's file, after holding them against its workforce.

    Raises:
        ConfigurationError: one line ``path:line: field: problem, allowed is ...`` for each mistake.
    """
    events = read_known_events(settings)
    if not events:
        return []
    departments = names_of(connection, scenario_id, "department")
    families = names_of(connection, scenario_id, "job_family")
    rows = connection.execute(
        f"select employee_id, termination_date from {_WORKFORCE} "  # noqa: S608 - our own
        "and list_contains($wanted, employee_id)",
        {"scenario": scenario_id, "wanted": [event.employee_id for event in events]},
    ).fetchall()
    employed = dict(rows)
    joining = {event.employee_id for event in events if event.event == "join"}
    number = employments(events)
    leaving = {
        (event.employee_id, number[event.line]) for event in events if event.event == "leave"
    }
    problems = []
    for event in events:
        found = [
            *_person_problems(
                connection, scenario_id, event, employed, joining, is_first=not number[event.line]
            ),
            *_rehire_problems(event, settings, employed, leaving, number[event.line]),
            *_department_problems(event, departments),
        ]
        if event.job_family is not None and event.job_family not in families:
            found.append(f"job_family: {unknown_job_family(event.job_family, families)}")
        problems += [f"{event.line}: {problem}" for problem in found]
    problems += _surplus(settings, opening, events)
    if problems:
        path = settings.workforce.known_events
        raise ConfigurationError("\n".join(f"{path}:{problem}" for problem in problems))
    return events


def _person_problems(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    event: KnownEvent,
    employed: dict[str, date | None],
    joining: set[str],
    *,
    is_first: bool,
) -> Iterator[str]:
    employee = event.employee_id
    is_new = event.event in ("join", "opening")
    if is_new and employee in employed:
        yield (
            f"employee_id: an employee of the census, got {employee!r}, allowed is an identifier "
            f"that nobody has: {ONE_EMPLOYMENT}"
        )
    elif not is_new and employee not in employed and employee not in joining:
        near = connection.execute(
            f"select employee_id from {_WORKFORCE} "  # noqa: S608 - our own
            "and jaro_winkler_similarity(employee_id, $wanted) > 0.8 "
            "order by damerau_levenshtein(employee_id, $wanted), employee_id limit 1",
            {"scenario": scenario_id, "wanted": employee},
        ).fetchall()
        yield (
            f"employee_id: unknown employee, got {employee!r}, allowed is one of the census or who "
            "joins in this file" + (f"; did you mean {near[0][0]!r}?" if near else "")
        )
    elif not is_new and is_first:
        left = employed.get(employee)
        last = event.last_day or event.date
        if left is not None and (event.event == "leave" or last > left):
            yield (
                f"{'last_day' if event.last_day else 'date'}: the census has the last day {left} "
                f"of {employee!r}, got '{last}', "
                + ("allowed is one of both" if event.event == "leave" else "allowed is until then")
            )


def _rehire_problems(
    event: KnownEvent,
    settings: ScenarioSettings,
    employed: dict[str, date | None],
    leaving: set[tuple[str, int]],
    number: int,
) -> Iterator[str]:
    """Yield what is wrong with the rehire of somebody of the census."""
    employee = event.employee_id
    if event.event != "rehire" or employee not in employed or (employee, number - 1) in leaving:
        return
    left = employed[employee] if number == 1 else None
    if left is None:
        yield (
            f"employee_id: {employee!r} is not known to leave, allowed is who has a leave of an "
            "earlier year or a last day in the census, because a draw may leave them employed"
        )
    elif settings.simulation.names.year_of(left) >= event.simulation_year:
        yield (
            f"date: the census has the last day {left} of {employee!r}, got '{event.date}', "
            "allowed is a later year, because there is one row for each employee and year"
        )


def _department_problems(event: KnownEvent, departments: list[str]) -> Iterator[str]:
    if event.department is None:
        return
    if event.department not in departments:
        yield f"department: {unknown_department(event.department, departments)}"


def _surplus(
    settings: ScenarioSettings, opening: Headcounts, events: list[KnownEvent]
) -> Iterator[str]:
    """Yield the years in which more join than may be there at the end, in all or in a unit.

    The departments or job families without a growth of their own count together.
    """
    unit = settings.simulation.growing_units
    units = {"department": "departments", "job_family": "job families"}[unit]
    hires = [event for event in events if event.event in ("join", "rehire")]
    for year in sorted({event.simulation_year for event in hires}):
        targets = targets_in(settings, opening, year)
        joining = [event for event in hires if event.simulation_year == year]
        allowed = [("", joining, targets.total)]
        if targets.by_unit:
            others = [each for each in joining if getattr(each, unit) not in targets.by_unit]
            allowed += [(f" the other {units}", others, targets.others)]
        allowed += [
            (f" {name}", [each for each in joining if getattr(each, unit) == name], target)
            for name, target in targets.by_unit.items()
        ]
        for where, joiners, target in allowed:
            if len(joiners) > target:
                last = max(event.line for event in joiners)
                yield (
                    f"{last}: event: {len(joiners)} join{where} in {year}, allowed are at most the "
                    f"{target} who are to be there at its end"
                )


def record_events(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    fingerprint: str,
    events: list[KnownEvent],
) -> None:
    """Record the events; those of a fingerprint are always the same."""
    connection.execute("delete from raw.known_events where fingerprint = ?", [fingerprint])
    if events:
        marks = ", ".join("?" for _ in EVENT_COLUMNS)
        connection.executemany(
            f"insert into raw.known_events (fingerprint, scenario_id, {', '.join(EVENT_COLUMNS)}) "  # noqa: S608 - our own
            f"values (?, ?, {marks})",
            [
                [fingerprint, scenario_id, *(getattr(event, name) for name in EVENT_COLUMNS)]
                for event in events
            ],
        )
