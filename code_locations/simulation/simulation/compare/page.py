"""The page of a comparison: one HTML file, in the style of the report, that needs nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from shared_lib.private_files import keep_files_private
from simulation.compare.differences import Comparison, GroupDifference, YearDifference
from simulation.compare.parts import DRIVERS
from simulation.report import charts, units
from simulation.report.files import replaced
from simulation.report.units import MoneyScale

# In folders of their own, so that a template of one name is found for certain.
_FOLDERS = (Path(__file__).parent, Path(charts.__file__).parent)
_TEMPLATE = "comparison.html.j2"

# The workbook has all.
_SHOWN_PEOPLE = 25
_DRAWN_DEPARTMENTS = 6
_DRAWN_LETTERS = 22


def write_page(comparison: Comparison, *, path: Path, workbook: Path) -> Path:
    """Write the page of a comparison; it appears complete or not at all.

    Args:
        comparison: what the page shows.
        path: the file to write; an existing one is replaced, missing folders are created.
        workbook: the file beside it that has every row.

    Returns:
        The path of the file.
    """
    page = _render(comparison, workbook)
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path


def _render(comparison: Comparison, workbook: Path) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDERS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    years, pair = comparison.years, comparison.pair
    money = MoneyScale.of_changes(
        float(amount) for year in years for amount in (year.payroll, *year.pay.values())
    )
    departments = sorted(comparison.departments, key=lambda each: (-abs(each.payroll), each.name))
    changed = [each for each in departments if each.headcount or each.payroll]
    return environment.get_template(_TEMPLATE).render(
        pair=pair,
        names=pair.names,
        years=years,
        last=years[-1],
        money=money,
        units=units,
        drivers=DRIVERS,
        lead=lead(comparison),
        drivers_title=drivers_title(years[-1]),
        drivers_chart=_drivers_chart(years[-1], money),
        departments=departments,
        earlier_departments=_earlier_departments(comparison, [each.name for each in departments]),
        departments_chart=_departments_chart(changed, money) if changed else None,
        drawn_departments=min(_DRAWN_DEPARTMENTS, len(changed)),
        levels=comparison.levels,
        costs=comparison.costs,
        changes=pair.changed_settings(),
        people=comparison.people,
        shown_people=comparison.people[:_SHOWN_PEOPLE],
        reasons=_reasons(comparison),
        workbook=workbook.name,
        written_at=datetime.now(UTC),
    )


def _earlier_departments(
    comparison: Comparison, names: Sequence[str]
) -> list[tuple[YearDifference, list[GroupDifference]]]:
    """Return the departments of the years before the last, the latest first, in that order."""
    places = {name: place for place, name in enumerate(names)}
    found = []
    for year in reversed(comparison.years[:-1]):
        groups = [each for each in comparison.departments_by_year if each.year == year.year]
        groups.sort(key=lambda each: (places.get(each.name, len(places)), each.name))
        found.append((year, groups))
    return found


def lead(comparison: Comparison) -> str:
    """Return the outcome in one sentence."""
    last, pair = comparison.years[-1], comparison.pair
    amount = MoneyScale.of_total(float(last.payroll)).amount(abs(float(last.payroll)))
    people = (
        f"employs {units.count(abs(last.headcount))} "
        f"{'more' if last.headcount > 0 else 'fewer'} people"
        if last.headcount
        else "employs as many people"
    )
    pay = (
        f"pays {amount} a year {'more' if last.payroll > 0 else 'less'}"
        if last.payroll
        else "pays as much a year"
    )
    return (
        f"At the end of {pair.names.name(last.year)}, {pair.other.scenario_id} {people} and {pay} "
        f"than {pair.base.scenario_id}."
        if last.headcount and last.payroll
        else f"At the end of {pair.names.name(last.year)}, {pair.other.scenario_id} {people} and "
        f"{pay}, compared with {pair.base.scenario_id}."
    )


def drivers_title(year: YearDifference) -> str:
    """Return which driver makes most of the difference at the end of a year."""
    most = max(DRIVERS, key=lambda name: abs(year.pay[name]))
    amount = float(year.pay[most])
    if not amount:
        return "Nothing differs in payroll"
    verb = "add" if amount > 0 else "take away"
    subject = "The mix of people" if most == "mix" else most.capitalize()
    if most == "mix":
        verb = "adds" if amount > 0 else "takes away"
    return f"{subject} {verb} most, {MoneyScale.of_total(amount).amount(abs(amount))}"


def _drivers_chart(year: YearDifference, money: MoneyScale) -> str:
    flows = [
        _flow(name.capitalize(), amount, money, f"{name}: ")
        for name, amount in [*year.pay.items(), ("all", year.payroll)]
    ]
    return charts.flows([flows], axis_format=",~r")[0]


def _departments_chart(departments: Sequence[GroupDifference], money: MoneyScale) -> str:
    flows = [
        _flow(
            each.name
            if len(each.name) <= _DRAWN_LETTERS
            else f"{each.name[: _DRAWN_LETTERS - 1]}…",
            each.payroll,
            money,
            f"{each.name}: {units.change(each.headcount)} people, ",
        )
        for each in departments[:_DRAWN_DEPARTMENTS]
    ]
    return charts.flows([flows], axis_format=",~r")[0]


def _flow(name: str, amount: Decimal, money: MoneyScale, subject: str) -> charts.Flow:
    value = float(amount)
    change = money.change(value)
    return charts.Flow(name, money.scaled(value), change, f"{subject}{change} {money.unit}")


def _reasons(comparison: Comparison) -> list[tuple[str, int]]:
    """Return why people are in one scenario alone, each with their number."""
    base, other = (each.scenario_id for each in (comparison.pair.base, comparison.pair.other))
    counted: dict[tuple[str, str], int] = {}
    for person in comparison.people:
        key = (person.only_in, person.driver)
        counted[key] = counted.get(key, 0) + 1
    return [
        (words, counted.get((only_in, driver), 0))
        for only_in, driver, words in (
            (other, "hires", f"hired in {other} alone"),
            (base, "hires", f"hired in {base} alone"),
            (other, "leavers", f"employed in {other}, have left in {base}"),
            (base, "leavers", f"employed in {base}, have left in {other}"),
        )
    ]
