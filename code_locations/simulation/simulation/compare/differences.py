"""The differences of two scenarios: by year, by department and level, and by person."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from simulation.compare.pair import Pair
from simulation.report.cost.figures import Cost


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two scenarios at the end of a year. Amounts are in currency.

    ``pay`` is the difference of payroll by driver, the other scenario less the base.
    """

    year: int
    base_headcount: int
    other_headcount: int
    base_payroll: Decimal
    other_payroll: Decimal
    pay: dict[str, Decimal]

    @property
    def headcount(self) -> int:
        """Return the difference of headcount."""
        return self.other_headcount - self.base_headcount

    @property
    def payroll(self) -> Decimal:
        """Return the difference of payroll."""
        return self.other_payroll - self.base_payroll


@dataclass(frozen=True, kw_only=True)
class YearDifference(Difference):
    """All employees; ``people`` is the difference of headcount by driver."""

    base_paid: Decimal
    other_paid: Decimal
    people: dict[str, int]

    @property
    def paid(self) -> Decimal:
        """Return the difference of what was paid during the year."""
        return self.other_paid - self.base_paid


@dataclass(frozen=True, kw_only=True)
class GroupDifference(Difference):
    """The employees of the department or level ``name``."""

    name: str


@dataclass(frozen=True, kw_only=True)
class PersonDifference:
    """A person employed at the end in one scenario alone.

    ``driver`` is ``hires`` where the other has not hired them, else ``leavers``, who left there on
    ``left_on``.
    """

    employee_id: str
    only_in: str
    driver: str
    department: str | None
    level_name: str
    pay: Decimal
    hire_date: date
    left_on: date | None
    left_as: str | None


@dataclass(frozen=True, kw_only=True)
class CostDifference:
    """What people cost in a year of both scenarios, each by the rates of its own last run."""

    year: int
    base: Cost
    other: Cost


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All differences of two scenarios; people are those at the end of the last year."""

    pair: Pair
    years: list[YearDifference]
    departments_by_year: list[GroupDifference]
    levels_by_year: list[GroupDifference]
    people: list[PersonDifference]
    costs: list[CostDifference]

    @property
    def departments(self) -> list[GroupDifference]:
        """Return the departments at the end of the last year."""
        return [each for each in self.departments_by_year if each.year == self.pair.years[-1]]

    @property
    def levels(self) -> list[GroupDifference]:
        """Return the levels at the end of the last year."""
        return [each for each in self.levels_by_year if each.year == self.pair.years[-1]]
