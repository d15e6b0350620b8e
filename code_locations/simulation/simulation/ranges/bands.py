"""What many trials come to: P10, P50 and P90 by year, department and measure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb

# by year and department: counts of people, and annual pay at the end of the year
MEASURES = ("headcount", "leavers", "joiners", "payroll", "mean_pay")
NO_DEPARTMENT = "none"
EVERYBODY = None
_SHARES = (0.1, 0.5, 0.9)

_OUTCOMES = """
select
    simulation_year,
    if(grouping(department) = 1, null, coalesce(department, $none)) as department,
    count(*) filter (termination_date is null) as headcount,
    count(termination_date) as leavers,
    count(*) filter (is_new_hire) as joiners,
    coalesce(sum(annual_compensation) filter (termination_date is null), 0)::double as payroll
from intermediate.int_employee_years
group by grouping sets ((simulation_year), (simulation_year, department))
order by all
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a department, or everybody, comes to in a year of one trial."""

    year: int
    department: str | None
    headcount: int
    leavers: int
    joiners: int
    payroll: float

    @property
    def mean_pay(self) -> float:
        """Return annual pay by head at the end of the year; 0 if nobody is employed."""
        return self.payroll / self.headcount if self.headcount else 0.0


@dataclass(frozen=True, slots=True)
class Band:
    """Where a measure lies: in 10, 50 and 90 % of the trials it is at most this."""

    year: int
    department: str | None
    measure: str
    p10: float
    p50: float
    p90: float

    def covers(self, value: float) -> bool:
        """Return whether a value lies between P10 and P90, both included."""
        return self.p10 <= value <= self.p90

    def as_record(self) -> dict[str, int | float | str | None]:
        """Return it for JSON."""
        return asdict(self)


def read_outcomes(connection: duckdb.DuckDBPyConnection) -> list[Outcome]:
    """Return the outcomes of a simulated warehouse, everybody's with no department."""
    rows = connection.execute(_OUTCOMES, {"none": NO_DEPARTMENT}).fetchall()
    return [Outcome(*row) for row in rows]


def bands_of(trials: Sequence[Sequence[Outcome]]) -> list[Band]:
    """Return the bands of all years, departments and measures, everybody's first.

    A department that a trial does not have counts as empty in it.
    """
    import numpy as np

    found: dict[tuple[int, str | None], list[Outcome]] = defaultdict(list)
    for outcomes in trials:
        for outcome in outcomes:
            found[outcome.year, outcome.department].append(outcome)
    bands = []
    for (year, department), outcomes in sorted(
        found.items(), key=lambda entry: (entry[0][0], entry[0][1] or "")
    ):
        for measure in MEASURES:
            values = [getattr(outcome, measure) for outcome in outcomes]
            # the mean pay of nobody is not 0, so that it does not count
            if measure == "mean_pay":
                values = [value for value in values if value] or [0.0]
            else:
                values += [0] * (len(trials) - len(outcomes))
            p10, p50, p90 = np.quantile(values, _SHARES)
            bands.append(Band(year, department, measure, float(p10), float(p50), float(p90)))
    return bands
