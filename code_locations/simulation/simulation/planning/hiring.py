"""Where hires go: a department replaces those who leave it, and grows by a part of what it grew.

Last year's number of hires is too high where many left by chance: leavers are fitted with
credibility, and hires that were not would let such a department grow for ever. So its hires are
the expected leavers and a share of its net growth, which is hires less leavers without transfers.
The share grows with the number of years.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from simulation.planning.fitted_numbers import growth_credibility
from simulation.planning.history import Snapshot
from simulation.planning.leaving import Leaving

_LEAST_FACTOR, _MOST_FACTOR = 0.001, 1000.0

# By department: those of the last census, those hired in the year before it, whom the simulation
# draws hires from, and the hires and leavers of all years.
_DEPARTMENTS = """
with hired as (
    select people.department, people.year
    from people
    inner join days using (year)
    where people.hire_date > days.day - interval 1 year
),

last as (
    select department, count(*) as people from people where year = $last group by department
),

hires as (
    select
        department,
        count(*) filter (year = $last) as recent,
        count(*) filter (year > $first) as hires
    from hired
    group by department
),

exposures as (
    select department, count(*) as exposed, count(*) filter (has_left) as leavers
    from exposed
    group by department
)

select
    department,
    last.people,
    hires.recent,
    hires.hires,
    coalesce(exposures.exposed, 0),
    coalesce(exposures.leavers, 0)
from last
inner join hires using (department)
left join exposures using (department)
where hires.recent > 0
order by department
"""


@dataclass(frozen=True)
class Hiring:
    """How many hires a department is expected to have, with the evidence.

    Attributes:
        name: the department.
        hired: hires of the year before the last census.
        replaced: leavers of the next year who are expected.
        grown: what of its net growth is expected to go on, in people.
        factor: of the share that the department has of the hires of last year.
    """

    name: str
    hired: int
    replaced: float
    grown: float
    factor: float

    @property
    def evidence(self) -> str:
        """Return in words what the factor is made of."""
        return (
            f"{self.hired:,} hired last year; {self.replaced:,.0f} to replace, "
            f"{self.grown:+,.0f} of its growth"
        )


def fit_hiring(
    connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot], leaving: Leaving
) -> list[Hiring]:
    """Return the departments that hired in the last year, by name.

    Those that hired nobody have none to draw hires from. Only ratios of the factors count.
    """
    rows = connection.execute(
        _DEPARTMENTS, {"first": snapshots[0].year, "last": snapshots[-1].year}
    ).fetchall()
    kept = growth_credibility(len(snapshots) - 1)
    rates = {
        factor.name: factor.expected * factor.fitted / factor.exposed
        for factor in leaving.of("department")
    }
    found = []
    for department, people, recent, hires, exposed, leavers in rows:
        replaced = people * rates.get(department, leaving.rate)
        # a department that the years before do not have grew by the hires of its only year
        net = (hires - leavers) * people / exposed if exposed else recent - replaced
        found.append((department, recent, replaced, kept * net))
    hired = sum(recent for _, recent, _, _ in found)
    expected = sum(max(replaced + grown, 0.0) for _, _, replaced, grown in found)
    return [
        Hiring(
            department,
            recent,
            replaced,
            grown,
            min(
                max(max(replaced + grown, 0.0) / expected * hired / recent, _LEAST_FACTOR),
                _MOST_FACTOR,
            ),
        )
        for department, recent, replaced, grown in found
    ]
