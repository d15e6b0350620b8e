"""How far next year may differ from what is fitted: the evidence for the uncertainty of a scenario.

A fitted rate is known as far as its exposure carries, and next year differs from the years before.
Years differ as they did: growth, leaving and raises of all from one year to the other, those of a
department from the others' and its own. What the numbers alone make of chance is taken out, because
the simulation draws it again. Distances and factors hold with 90 %.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, log, log1p, sqrt
from statistics import stdev
from typing import Any

import duckdb

from simulation.planning.fitted_numbers import Number
from simulation.planning.history import Snapshot
from simulation.planning.leaving import Leaving

_Z90 = 1.645
_YEARS_OWN = 0.5
_DECIMALS = 4
_LEAST_DISTANCE, _LEAST_FACTOR = 0.0001, 1.0001
_MOST_DISTANCE, _MOST_FACTOR = 0.5, 1000.0

# Leavers of each department and year beside those of its years together.
_LEAVERS = """
with yearly as (
    select department, year, count(*) as people, count(*) filter (has_left) as leavers
    from exposed
    group by department, year
)

select
    leavers,
    -- what its years together, and everybody in this year, let expect
    people * sum(leavers) over of_department / sum(people) over of_department
    * (sum(leavers) over of_year / sum(people) over of_year)
    / (select sum(leavers) / sum(people) from yearly) as expected
from yearly
window of_department as (partition by department), of_year as (partition by year)
"""

# Who was hired in the year before each census, by department.
_HIRES = """
select
    people.department,
    people.year,
    count(*) as hires
from people
inner join days using (year)
where people.hire_date > days.day - interval 1 year
group by people.department, people.year
"""

# By how much the pay of those who stay in a department rises more than that of all, and the error.
_RAISES = """
with stayed as (
    select department, year, pay, next_pay from exposed where not has_left
),

yearly as (
    select year, sum(next_pay) / sum(pay) as ratio from stayed group by year
),

differing as (
    select
        stayed.department,
        stayed.year,
        count(*) as people,
        sum(next_pay) / sum(pay) - any_value(ratio) as difference,
        var_samp(next_pay - ratio * pay) * count(*) / sum(pay) ^ 2 as error
    from stayed
    inner join yearly using (year)
    group by stayed.department, stayed.year
)

select people, difference, error from differing where people > 1
"""


def uncertainty_of(
    connection: duckdb.DuckDBPyConnection,
    snapshots: Sequence[Snapshot],
    leaving: Leaving,
    numbers: Sequence[Number],
) -> dict[str, Any]:
    """Return the section ``uncertainty`` of a fitted scenario."""
    fitted = {number.name.partition(".")[2]: number for number in numbers}
    growth = [after.people / before.people - 1 for before, after in pairwise(snapshots)]
    rates, raises = _yearly_rates(connection)
    hires = _hires_by_year(connection, snapshots)
    leavers = {factor.name: factor.observed for factor in leaving.of("department")}
    hiring_deviation = sqrt(log1p(relative_dispersion(_repeated(hires))))
    leaving_deviation = sqrt(
        log1p(relative_dispersion(connection.execute(_LEAVERS).fetchall()))
        if len(rates) > 1
        # One year does not show how years differ. As of growth, half of what it shows is its own.
        else _YEARS_OWN / leaving.k
    )
    # what the departments' own years add up to, as a share of everybody at the start
    joining_share = sum(hires[-1].values()) / snapshots[-1].people
    all_joining = _Z90 * joining_share * hiring_deviation * _concentration(hires[-1].values())
    all_leaving = _Z90 * leaving.rate * leaving_deviation * _concentration(leavers.values())
    distances = {
        "target_growth_rate": max(_between(growth), _together(all_joining, all_leaving)),
        "experienced_termination_rate": _together(
            _half(fitted["experienced_termination_rate"]), max(_between(rates), all_leaving)
        ),
        # after one year, the next may have no raises, or twice as many
        "cola_rate": _together(_half(fitted["cola_rate"]), _between(raises) or abs(raises[0])),
    }
    if promotions := fitted.get("promotion_rate"):
        distances["promotion_rate"] = _half(promotions)
    raising = _distance(_Z90 * _raise_deviation(connection))
    return {
        **{name: _distance(value) for name, value in distances.items()},
        "leaving_by_department": {
            factor.name: _factor(
                _together(log(factor.high / factor.fitted), _Z90 * leaving_deviation)
            )
            for factor in leaving.of("department")
        },
        "hiring_by_department": {
            department: _factor(_Z90 * _together(hiring_deviation, 1 / sqrt(hired)))
            for department, hired in sorted(hires[-1].items())
        },
        "cola_by_department": dict.fromkeys(leavers, raising),
    }


def _concentration(counts: Iterable[int]) -> float:
    """Return the deviation of a sum whose parts deviate by 1 of themselves, as a share of it."""
    numbers = list(counts)
    return sqrt(sum(number**2 for number in numbers)) / sum(numbers) if any(numbers) else 0.0


def _between(yearly: Sequence[float]) -> float:
    """Return how far the next year is from the mean of these; 0 if there is one alone."""
    if len(yearly) == 1:
        return 0.0
    return _Z90 * stdev(yearly) * sqrt(1 + 1 / len(yearly))


def _yearly_rates(connection: duckdb.DuckDBPyConnection) -> tuple[list[float], list[float]]:
    """Return the share who left, and the raise of those who stayed, of each year in order."""
    rows = connection.execute(
        "select avg(has_left::integer), "
        "sum(next_pay) filter (not has_left) / sum(pay) filter (not has_left) - 1 "
        "from exposed group by year order by year"
    ).fetchall()
    return [rate for rate, _ in rows], [increase for _, increase in rows]


def _hires_by_year(
    connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot]
) -> list[dict[str, int]]:
    by_year: dict[int, dict[str, int]] = {snapshot.year: {} for snapshot in snapshots}
    for department, year, hires in connection.execute(_HIRES).fetchall():
        by_year[year][department] = hires
    return list(by_year.values())


def _repeated(yearly: Sequence[dict[str, int]]) -> list[tuple[float, float, float]]:
    """Return hires of a year by department beside those of the year before, and the variance.

    The variance is that of chance, of both years.
    """
    found = []
    for before, after in pairwise(yearly):
        if not before or not after:
            continue
        ratio = sum(after.values()) / sum(before.values())
        found += [
            (after.get(department, 0), hires * ratio, hires * ratio * (1 + ratio))
            for department, hires in before.items()
        ]
    return found


def relative_dispersion(counts: Sequence[tuple[float, ...]]) -> float:
    """Return the relative variance of counts around what was expected, beyond that of chance.

    Args:
        counts: observed, expected, and the variance of chance where it is not the expected count.
    """
    beyond = sum((each[0] - each[1]) ** 2 - each[-1] for each in counts)
    squares = sum(each[1] ** 2 for each in counts)
    return max(0.0, beyond / squares) if squares else 0.0


def _raise_deviation(connection: duckdb.DuckDBPyConnection) -> float:
    rows = connection.execute(_RAISES).fetchall()
    people = sum(each[0] for each in rows)
    if not people:
        return 0.0
    return sqrt(max(0.0, sum(n * (gap**2 - error) for n, gap, error in rows) / people))


def _half(number: Number) -> float:
    return (number.high - number.low) / 2


def _together(*distances: float) -> float:
    """Return the distance of a sum of independent deviations."""
    return sqrt(sum(distance**2 for distance in distances))


def _distance(value: float) -> float:
    return round(min(max(value, _LEAST_DISTANCE), _MOST_DISTANCE), _DECIMALS)


def _factor(logarithm: float) -> float:
    return round(min(max(exp(min(logarithm, 10.0)), _LEAST_FACTOR), _MOST_FACTOR), _DECIMALS)
