"""What a history shows, beside what a fit makes of it: leaving, joiners and raises."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import duckdb

from simulation.config.tables import seed_rows
from simulation.planning.fitting import Fit
from simulation.planning.leaving import GROUPS, Factor

_Z90 = 1.645

# Each person's place in the pay of their level, in fifths, and the expected leavers there by the
# fitted factors. The base makes the expected total equal to those who left. Leavers are exposed for
# half of the year, as in the fit.
_PAY_POSITIONS = """
with placed as (
    select
        exposed.has_left,
        ntile(5) over (
            partition by exposed.year, exposed.level order by exposed.pay, exposed.employee_id
        ) as fifth,
        (1 - exposed.has_left::integer / 2) * tenures.fitted * coalesce(ages.fitted, 1)
        * levels.fitted * departments.fitted as hazard
    from exposed
    inner join fitted_factors as tenures
        on tenures.kind = 'tenure_band' and exposed.tenure_band = tenures.name
    inner join fitted_factors as levels
        on levels.kind = 'level' and exposed.level::varchar = levels.name
    inner join fitted_factors as departments
        on departments.kind = 'department' and exposed.department = departments.name
    -- where birth dates are missing, leaving does not differ by age
    left join fitted_factors as ages
        on ages.kind = 'age_band' and exposed.age_band = ages.name
),

base as (select sum(has_left::integer) / sum(hazard) as rate from placed)

select
    fifth,
    count(*) as people,
    count(*) filter (has_left) as leavers,
    sum(hazard) * any_value(base.rate) as expected
from placed
cross join base
group by fifth
order by fifth
"""

# From one census to the next: who came, who went, and the pay of those who stayed.
_YEARS = """
with joined as (
    select
        closing.year,
        count(*) as people,
        count(*) filter (opening.employee_id is null) as joiners,
        avg(closing.pay) as mean_pay,
        avg(closing.pay) filter (opening.employee_id is null) as joiners_pay,
        sum(closing.pay) filter (opening.employee_id is not null)
        / sum(opening.pay) - 1 as increase
    from people as closing
    left join people as opening
        on closing.employee_id = opening.employee_id and opening.year = closing.year - 1
    group by closing.year
)

select
    joined.year,
    count(*) as opening,
    count(*) filter (exposed.has_left) as leavers,
    any_value(joined.joiners),
    any_value(joined.people),
    any_value(joined.increase),
    any_value(joined.mean_pay),
    any_value(joined.joiners_pay)
from joined
inner join exposed on joined.year = exposed.year + 1
group by joined.year
order by joined.year
"""

_RAISES = """
select department, count(*) as stayed, sum(next_pay) / sum(pay) - 1 as increase
from exposed
where not has_left
group by department
order by stayed desc, department
"""


@dataclass(frozen=True)
class LeavingRate:
    """How many of a group left in a year, beside what is fitted, with its 90 % interval.

    `alike` is the rate that the group's other properties alone predict; a fit returns it for a
    group without exposure. The fit has no factor for some groups. For these, `alike` is None, and
    `low` and `high` bound the observed rate instead of the fitted one.
    """

    name: str
    exposed: int
    left: int
    fitted: float
    low: float
    high: float
    alike: float | None = None
    credibility: float | None = None

    @property
    def observed(self) -> float:
        """Return the share who left, as it was."""
        return self.left / self.exposed


@dataclass(frozen=True)
class PastYear:
    """What happened from one census to the one of `year`."""

    year: int
    opening: int
    leavers: int
    joiners: int
    closing: int
    increase: float
    mean_pay: float
    joiners_pay: float | None


@dataclass(frozen=True)
class DepartmentRaise:
    """By how much the pay of those who stayed in a department rose, over all years."""

    department: str
    stayed: int
    increase: float


@dataclass(frozen=True)
class Evidence:
    """A fit with the history that it was made of."""

    fit: Fit
    has_levels: bool
    leaving: dict[str, list[LeavingRate]]
    years: list[PastYear]
    raises: list[DepartmentRaise]


def read_evidence(connection: duckdb.DuckDBPyConnection, fit: Fit) -> Evidence:
    """Return what the tables `people` and `exposed` show beside the fit that was made of them."""
    has_levels = "job_levels" not in fit.settings["tables"]
    leaving = {group: [_rate(factor) for factor in fit.leaving.of(group)] for group in GROUPS}
    for group in ("tenure_band", "age_band"):
        bands = [row[group] for row in seed_rows(f"{group}s")]
        # whose birth date is missing is in none, and comes last
        order = {name: place for place, name in enumerate([*bands, "unknown"])}
        leaving[group].sort(key=lambda rate, order=order: order[rate.name])
    for group in ("department", "job_family"):
        leaving[group].sort(key=lambda rate: (-rate.exposed, rate.name))
    # without levels, five bands of pay stand for them
    leaving["pay position"] = (
        _pay_positions(connection, fit.leaving.factors) if has_levels else leaving.pop("level")
    )
    return Evidence(
        fit,
        has_levels,
        {group: rates for group, rates in leaving.items() if rates},
        [PastYear(*row) for row in connection.execute(_YEARS).fetchall()],
        [DepartmentRaise(*row) for row in connection.execute(_RAISES).fetchall()],
    )


def _rate(factor: Factor) -> LeavingRate:
    alike = factor.expected / factor.exposed
    return LeavingRate(
        factor.name,
        factor.exposed,
        factor.observed,
        alike * factor.fitted,
        alike * factor.low,
        alike * factor.high,
        alike,
        factor.credibility,
    )


def _pay_positions(
    connection: duckdb.DuckDBPyConnection, factors: Sequence[Factor]
) -> list[LeavingRate]:
    """Return the fifths of the pay within each level, which the fit does not know."""
    connection.execute(
        "create or replace temporary table fitted_factors "
        "(kind varchar, name varchar, fitted double)"
    )
    connection.executemany(
        "insert into fitted_factors values (?, ?, ?)",
        [(each.group, each.name, each.fitted) for each in factors],
    )
    rows = connection.execute(_PAY_POSITIONS).fetchall()
    names = ("lowest fifth", "second", "middle", "fourth", "highest fifth")
    return [
        LeavingRate(names[fifth - 1], people, left, expected / people, *_interval(left, people))
        for fifth, people, left, expected in rows
    ]


def _interval(left: int, people: int) -> tuple[float, float]:
    """Return where a rate lies with 90 % (Agresti and Coull)."""
    trials = people + _Z90**2
    centre = (left + _Z90**2 / 2) / trials
    error = _Z90 * sqrt(centre * (1 - centre) / trials)
    return max(0.0, centre - error), min(1.0, centre + error)
