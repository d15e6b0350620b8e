"""Total cost and the retirement plan of one scenario, read from its marts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

COMPONENTS = {
    "paid_compensation": "Pay",
    "bonuses": "Bonuses",
    "employer_taxes": "Employer taxes",
    "benefits": "Benefits",
    "retirement_match": "Retirement match",
    "overhead": "Overhead",
}

_COSTS = """
select
    simulation_year as year,
    {department} as department,
    round(sum(average_headcount), 6) as average_headcount,
    sum(paid_compensation)::double as paid_compensation,
    sum(bonuses)::double as bonuses,
    sum(employer_taxes)::double as employer_taxes,
    sum(benefits)::double as benefits,
    sum(retirement_match)::double as retirement_match,
    sum(overhead)::double as overhead,
    sum(total_cost)::double as total_cost
from marts.fct_total_cost
where scenario_id = $scenario_id
group by all
order by all
"""

_PLAN = """
select
    simulation_year as year,
    sum(employees)::bigint as employees,
    sum(eligible)::bigint as eligible,
    sum(enrolled)::bigint as enrolled,
    sum(enrolled_pay)::double as enrolled_pay,
    sum(savings)::double as savings,
    sum(at_limit)::bigint as at_limit,
    sum(employer_match)::double as employer_match
from marts.fct_retirement_plan
where scenario_id = $scenario_id
group by simulation_year
order by simulation_year
"""

# In a warehouse of an earlier release they appear with its next run.
_MARTS = """
select count(*)
from information_schema.tables
where table_schema = 'marts' and table_name in ('fct_total_cost', 'fct_retirement_plan')
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What people cost in a year: all, or those of a department."""

    year: int
    department: str | None
    average_headcount: float
    paid_compensation: float
    bonuses: float
    employer_taxes: float
    benefits: float
    retirement_match: float
    overhead: float
    total_cost: float

    @property
    def per_employee(self) -> float:
        """Return the cost of one employee for a whole year, on average."""
        return self.total_cost / self.average_headcount


@dataclass(frozen=True, slots=True)
class PlanYear:
    """The retirement plan in a year."""

    year: int
    employees: int
    eligible: int
    enrolled: int
    enrolled_pay: float
    savings: float
    at_limit: int
    employer_match: float


def read_costs(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, *, by_department: bool = False
) -> list[Cost]:
    """Return the cost of each year, in all or by department; nothing where none is configured."""
    if not has_marts(connection):
        return []
    query = _COSTS.format(department="department" if by_department else "null")
    rows = connection.execute(query, {"scenario_id": scenario_id}).fetchall()
    return [Cost(*row) for row in rows]


def read_plan(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> list[PlanYear]:
    """Return the retirement plan of each year; nothing where there is no plan."""
    if not has_marts(connection):
        return []
    rows = connection.execute(_PLAN, {"scenario_id": scenario_id}).fetchall()
    return [PlanYear(*row) for row in rows]


def has_marts(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a run of this release has built the marts of cost."""
    (found,) = connection.execute(_MARTS).fetchone() or (0,)
    return found > 0
