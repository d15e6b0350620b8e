"""One employee's years in words: what happened, and by which hazard, draw and rule."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from simulation.person.decisions import decide
from simulation.report.units import count, share
from simulation.stored.scenarios import StoredScenario

Row = Mapping[str, Any]

_CATEGORIES = {
    "experienced_termination": "leaves",
    "retirement": "retires",
    "reduction_in_force": "leaves in a reduction in force",
    "new_hire_termination": "leaves again in the year of the hire",
}
_KNOWN_HIRES = {"join": "known joiner", "rehire": "rehire", "opening": "open position"}
_REDUCTION_ORDERS = {
    "least_tenure": "the last hired first",
    "lowest_level": "the lowest levels first",
    "hazard": "those likeliest to leave first",
}


class PersonUnknownError(ValueError):
    """The scenario has no such employee; the message names similar ones."""


@dataclass(frozen=True, kw_only=True)
class PersonYear:
    """A year of an employee.

    Attributes:
        name: of the year.
        summary: what happened, in one sentence.
        reasons: pairs of a subject and why the model did it.
        is_confirmed: whether today's rules come to the stored outcome.
    """

    name: str
    summary: str
    reasons: list[tuple[str, str]]
    is_confirmed: bool


def find_person(
    connection: duckdb.DuckDBPyConnection, scenario: StoredScenario, employee_id: str
) -> list[int]:
    """Return the years in which the scenario has the employee.

    Raises:
        PersonUnknownError: it never has; the message names similar employees and the scenarios that
            have this one.
    """
    years = connection.execute(
        "select simulation_year from intermediate.int_employee_years "
        "where scenario_id = ? and employee_id = ? order by simulation_year",
        [scenario.scenario_id, employee_id],
    ).fetchall()
    if years:
        return [year for (year,) in years]
    similar = connection.execute(
        "select employee_id from (select distinct employee_id "
        "from intermediate.int_employee_years where scenario_id = $scenario) "
        "where jaro_winkler_similarity(employee_id, $wanted) > 0.8 "
        "order by damerau_levenshtein(employee_id, $wanted), employee_id limit 3",
        {"scenario": scenario.scenario_id, "wanted": employee_id},
    ).fetchall()
    elsewhere = connection.execute(
        "select distinct scenario_id from intermediate.int_employee_years "
        "where employee_id = ? order by scenario_id",
        [employee_id],
    ).fetchall()
    message = f"scenario {scenario.scenario_id} has no employee {employee_id!r}"
    if similar:
        message += f", did you mean {' or '.join(name for (name,) in similar)}?"
    if elsewhere:
        message += f"; employed in: {', '.join(name for (name,) in elsewhere)}"
    raise PersonUnknownError(message)


def timeline(
    connection: duckdb.DuckDBPyConnection,
    scenario: StoredScenario,
    employee_id: str,
    *,
    on_progress: Callable[[str], None],
) -> Iterator[PersonYear]:
    """Yield the employee's years, in order.

    Args:
        connection: the warehouse; it takes temporary tables.
        scenario: whose years.
        employee_id: of the employee.
        on_progress: called with the name of each year before its draws are computed.

    Raises:
        PersonUnknownError: see :func:`find_person`.
    """
    for year in find_person(connection, scenario, employee_id):
        name = scenario.names.name(year)
        on_progress(f"drawing {name} again")
        decide(
            connection,
            scenario_id=scenario.scenario_id,
            fingerprint=scenario.fingerprint,
            year=year,
        )
        parameters = _row(connection, "person_year")
        raised = _row(connection, "person_raises", employee_id)
        ledger = _row(connection, "person_ledger", employee_id)
        if ledger["is_new_hire"]:
            hire = _row(connection, "person_hires", employee_id)
            reasons = list(_hire_reasons(hire))
            is_confirmed = (
                hire["decided_hire_date"] == ledger["hire_date"]
                and hire["decided_date"] == ledger["termination_date"]
            )
        else:
            person = _row(connection, "person_decisions", employee_id)
            reasons = [
                *_leaving_reasons(person, parameters),
                *_promotion_reasons(person, parameters),
            ]
            is_confirmed = (
                person["decided_category"] == ledger["termination_category"]
                and person["decided_date"] == ledger["termination_date"]
                and person["decided_promotion"] == (ledger["promotion_date"] is not None)
            )
        reasons += _raise_reasons(raised, parameters)
        yield PersonYear(
            name=name,
            summary=_summary(ledger),
            reasons=reasons,
            is_confirmed=is_confirmed and raised["decided_pay"] == ledger["annual_compensation"],
        )


def _row(
    connection: duckdb.DuckDBPyConnection, table: str, employee_id: str | None = None
) -> dict[str, Any]:
    cursor = connection.execute(
        f"select * from {table}"  # noqa: S608 - our own table
        + ("" if employee_id is None else " where employee_id = ?"),
        [] if employee_id is None else [employee_id],
    )
    names = [column[0] for column in cursor.description or ()]
    (row,) = cursor.fetchall()
    return dict(zip(names, row, strict=True))


def _pay(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _summary(ledger: Row) -> str:
    if ledger["is_new_hire"]:
        parts = [f"is hired on {ledger['hire_date']} for {_pay(ledger['opening_compensation'])}"]
    else:
        parts = [f"starts with {_pay(ledger['opening_compensation'])}"]
    if ledger["promotion_date"] is not None:
        parts.append(
            f"is promoted to level {ledger['level']} on {ledger['promotion_date']}, "
            f"{_pay(ledger['compensation_after_promotion'])}"
        )
    if ledger["transfer_date"] is not None:
        parts.append(f"moves to {ledger['department']} on {ledger['transfer_date']}")
    if ledger["absence_from"] is not None:
        parts.append(
            f"is absent from {ledger['absence_from']} to {ledger['absence_until']}, paid "
            f"{share(float(ledger['absence_paid_share']), 0)}"
        )
    if ledger["raise_date"] is not None:
        parts.append(
            f"is raised on {ledger['raise_date']} to {_pay(ledger['annual_compensation'])}"
        )
    if ledger["termination_date"] is not None:
        parts.append(
            f"{_CATEGORIES[ledger['termination_category']]} on {ledger['termination_date']}"
        )
    parts.append(f"is paid {_pay(ledger['prorated_compensation'])} in the year")
    return (
        f"{_opening_department(ledger) or 'no department'}, level {ledger['opening_level']}, "
        f"age {ledger['opening_age']}, {ledger['opening_tenure']} years of service: "
        f"{'; '.join(parts)}"
    )


def _opening_department(ledger: Row) -> str | None:
    is_moved = ledger["transfer_date"] is not None
    return ledger["transferred_from" if is_moved else "department"]


def _leaving_reasons(person: Row, year: Row) -> Iterator[tuple[str, str]]:
    if person["is_transferred"]:
        yield "known", "a transfer in this year or a later one is known, and until then they stay"
    if person["known_date"] is not None:
        yield "known", f"the last day {person['known_date']} is known"
    elif person["leaves_now"] is None and person["retirement_chance"]:
        yield (
            "retirement",
            (
                f"chance {share(person['retirement_chance'])} at age {person['opening_age']}, draw "
                f"{person['retirement_draw']:.6f}: "
                f"{'below' if person['retires'] else 'not below'} it"
            ),
        )
    by_department = (
        f" x {person['leaving_by_department']:g} (department {person['opening_department']})"
        if person["leaving_by_department"] != 1
        else ""
    )
    by_family = (
        f" x {person['leaving_by_job_family']:g} (job family {person['job_family']})"
        if person["leaving_by_job_family"] != 1
        else ""
    )
    yield (
        "leaving",
        (
            f"hazard {person['hazard']:.4g} = {person['leaving_by_age']:g} (age "
            f"{person['opening_age_band']}) x {person['leaving_by_tenure']:g} (tenure "
            f"{person['opening_tenure_band']}) x {person['leaving_by_level']:g} (level at entry "
            f"{person['entry_level']}){by_department}{by_family}, "
            f"chance to leave {share(person['termination_probability'])}"
        ),
    )
    yield (
        "",
        (
            f"draw {person['leaving_draw']:.6f}, key -ln(draw) / hazard = "
            f"{person['leaving_key']:.6g}: "
            f"place {count(person['place'])} of {count(person['employees'])}, of whom the first "
            f"{count(person['planned_leavers'])} leave: {_outcome(person)}"
        ),
    )
    if (
        person["decided_category"] in ("experienced_termination", "retirement")
        and not (person["leaves_now"])
    ):
        yield "", f"draw {person['date_draw']:.6f} of the day: {person['decided_date']}"
    if person["planned_reductions"] and person["place"] > person["planned_leavers"]:
        first = [*year["reduction_departments"], *(year["reduction_job_families"] or ())]
        before = f", {', '.join(first)} before others" if first else ""
        growing = year["growth_departments"] or year["growth_job_families"]
        units = "departments" if year["growth_departments"] else "job families"
        within = (
            f" in {growing[person['growth_place'] - 1]}"
            if person["growth_place"]
            else f" in {units} without a growth of their own"
            if growing
            else ""
        )
        yield (
            "reduction",
            (
                f"{_REDUCTION_ORDERS[year['reduction_order']]}{before}: place "
                f"{count(person['reduction_place'])}{within}, of which the first "
                f"{count(person['planned_reductions'])} leave on {year['reduction_date']}"
            ),
        )


def _outcome(person: Row) -> str:
    return "leaves" if person["place"] <= person["planned_leavers"] else "stays"


def _promotion_reasons(person: Row, year: Row) -> Iterator[tuple[str, str]]:
    if person["is_top_level"]:
        yield "promotion", "not possible: the level is the highest"
    elif not person["is_there_to_be_promoted"]:
        yield "promotion", f"not possible: has left before {year['promotion_date']}"
    elif person["opening_tenure"] < year["promotion_minimum_tenure"]:
        yield (
            "promotion",
            (
                f"not possible: {person['opening_tenure']} years of service, needed are "
                f"{year['promotion_minimum_tenure']}"
            ),
        )
    elif person["opening_age"] >= year["promotion_age_limit"]:
        yield (
            "promotion",
            (
                f"not possible: age {person['opening_age']}, allowed is below "
                f"{year['promotion_age_limit']}"
            ),
        )
    else:
        yield (
            "promotion",
            (
                f"chance {share(person['promotion_chance'], 2)} = "
                f"{share(year['promotion_rate'])} x "
                f"{person['promotion_by_level']:g} (level {person['opening_level']}) x "
                f"{person['promotion_by_age']:g} (age) x "
                f"{person['promotion_by_tenure']:g} (tenure), "
                f"draw {person['promotion_draw']:.6f}: "
                f"{'promoted' if person['decided_promotion'] else 'not promoted'}"
            ),
        )
        if person["decided_promotion"]:
            yield (
                "",
                (
                    f"draw {person['increase_draw']:.6f} of the increase: "
                    f"{share(person['decided_increase'], 2)}, at least to where the new level's "
                    "band starts"
                ),
            )


def _hire_reasons(hire: Row) -> Iterator[tuple[str, str]]:
    if hire["known_event"] is not None:
        kind = _KNOWN_HIRES[hire["known_event"]]
        yield "hire", f"{kind} of line {hire['known_line']} of the file of known events"
        return
    unit = hire["growth_unit"]
    needs = f"{unit} needs for its own growth" if unit else "the plan needs"
    yield (
        "hire",
        (
            f"number {count(hire['number'])} of {count(hire['hires'])} hires that {needs}; "
            f"draw {hire['date_draw']:.6f} of the day, {hire['template_draw']:.6f} of the employee "
            f"whose department and level they take, {hire['age_draw']:.6f} of the age, "
            f"{hire['pay_draw']:.6f} of the pay"
        ),
    )
    rate = share(hire["leaving_rate"])
    if hire["leaves"]:
        yield (
            "leaving",
            (
                f"{rate} of the hires leave again, and this number is one of them; draw "
                f"{hire['leaving_draw']:.6f} of the last day"
            ),
        )
    else:
        yield "leaving", f"{rate} of the hires leave again; this one stays"


def _points(points: float) -> str:
    """Return what department and job family add to a merit."""
    if not points:
        return ""
    sign = "+" if points > 0 else "-"
    return f", {sign} {share(abs(points), 2)} of department and job family"


def _raise_reasons(raised: Row, year: Row) -> Iterator[tuple[str, str]]:
    if raised["hire_date"] > year["raise_date"]:
        yield "raise", f"none: hired after {year['raise_date']}"
        return
    if not raised["is_there"]:
        yield "raise", f"none: has left before {year['raise_date']}"
        return
    parts = []
    if raised["has_cola"]:
        parts.append(f"cost of living {share(raised['cola'], 2)}")
    if raised["has_merit"]:
        parts.append(
            f"merit {share(raised['merit'], 2)} = {share(float(raised['merit_rate']), 2)} (level) "
            f"x {float(raised['scale']):.4f}, by which the merits of all come to "
            f"{share(float(year['merit_budget']), 2)}{_points(raised['merit_points'])}"
        )
    missing = [
        name
        for name, has in (
            ("cost of living", raised["has_cola"]),
            ("merit", raised["has_merit"]),
        )
        if not has
    ]
    parts += [f"no {name}: too short in service on {year['raise_date']}" for name in missing]
    yield "raise", "; ".join(parts)
