"""What is sought: a measure of a year, and the bound that it is to keep."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import duckdb

# Each as SQL over the summary of a year, and over that of a department's year.
MEASURES = {
    "payroll": "end_payroll",
    "headcount": "end_headcount",
    "average_pay": "end_payroll / nullif(end_headcount, 0)",
    "paid": "paid_compensation",
    "hires": "hires",
    "leavers": "experienced_terminations + reductions_in_force + new_hire_terminations",
    "promotions": "promotions",
}
_HAS_DEPARTMENTS = """
select 1 from information_schema.tables
where table_schema = 'marts' and table_name = 'fct_department_summary'
"""
_TARGET = re.compile(
    r"\s*(?P<measure>[a-z_]+)(?:\s+of\s+(?P<department>.+?))?\s+(?:FY)?(?P<year>\d{4})\s*(?P<sign><=|>=)\s*(?P<bound>[\d.,_e+]+)\s*"
)


class SeekRefusedError(ValueError):
    """The target or a lever is not one; the message says what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A measure of one year, at most or at least ``bound``; amounts in currency.

    It is that of all employees, or of those of a department.
    """

    measure: str
    year: int
    sign: Literal["<=", ">="]
    bound: float
    department: str | None = None

    @property
    def subject(self) -> str:
        """Return what is measured."""
        return self.measure if self.department is None else f"{self.measure} of {self.department}"

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.subject} {self.year} {self.sign} {shown(self.bound)}"

    def is_met(self, value: float) -> bool:
        """Return whether a value keeps the bound."""
        return value <= self.bound if self.sign == "<=" else value >= self.bound

    def missed_by(self, value: float) -> float:
        """Return how far a value is beyond the bound; 0 if it keeps it."""
        return 0.0 if self.is_met(value) else abs(value - self.bound)

    def read(self, connection: duckdb.DuckDBPyConnection, scenario_id: str) -> float | None:
        """Return the measure of a simulated scenario; None if it lacks the year.

        That of a department is also None in a warehouse from before the marts by department.
        """
        mart, of_department = "fct_year_summary", ""
        named: dict[str, Any] = {"scenario": scenario_id, "year": self.year}
        if self.department is not None:
            mart, of_department = "fct_department_summary", "and department = $department"
            named["department"] = self.department
            if connection.execute(_HAS_DEPARTMENTS).fetchone() is None:
                return None
        row = connection.execute(
            f"select ({MEASURES[self.measure]})::double from marts.{mart} "  # noqa: S608 - our own
            f"where scenario_id = $scenario and simulation_year = $year {of_department}",
            named,
        ).fetchone()
        return row[0] if row else None


def shown(value: float) -> str:
    """Return a value with thousands separators, and with cents only where it has some."""
    return f"{value:,.2f}".removesuffix(".00")


def parse_target(text: str, years: range) -> Target:
    """Return ``payroll 2027 <= 1.2e9`` as a target.

    Args:
        text: measure, ``of`` and a department if it is not that of all, year, ``<=`` or ``>=``, and
            a number, such as 1.2e9 or 1,200,000,000.
        years: that the scenario may be simulated for.

    Raises:
        SeekRefusedError: the format is wrong, or there is no such measure or year.
    """
    match = _TARGET.fullmatch(text)
    if match is None:
        message = (
            f"target {text!r} is not a measure, a year, <= or >=, and a number, "
            "such as: payroll 2027 <= 1.2e9"
        )
        raise SeekRefusedError(message)
    measure = match["measure"]
    if measure not in MEASURES:
        near = get_close_matches(measure, MEASURES, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]}?" if near else ""
        message = f"there is no measure {measure!r}{hint}; allowed is one of: {', '.join(MEASURES)}"
        raise SeekRefusedError(message)
    year = int(match["year"])
    if year not in years:
        message = f"year {year} is not allowed, allowed is a year from {years[0]} to {years[-1]}"
        raise SeekRefusedError(message)
    return Target(
        measure=measure,
        year=year,
        sign="<=" if match["sign"] == "<=" else ">=",
        bound=_bound(match["bound"], text),
        department=match["department"],
    )


def _bound(number: str, text: str) -> float:
    # a comma separates thousands, or it is a mistake: 1,2e9 is not 12e9
    is_grouped = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", number) is not None
    try:
        return float(number.replace(",", "") if is_grouped else number)
    except ValueError:
        message = f"target {text!r}: {number!r} is not a number, such as 1.2e9 or 1,200,000,000"
        raise SeekRefusedError(message) from None
