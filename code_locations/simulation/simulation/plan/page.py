"""The page: assumptions to change, and what the main figures come to with them."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from simulation.config.settings import ScenarioSettings
from simulation.plan.assumptions import Assumption
from simulation.plan.figures import DepartmentFigures, Figures
from simulation.report import charts, units
from simulation.report.units import MoneyScale
from simulation.stored.scenarios import StoredScenario
from simulation.year_names import YearNames

# In folders of their own, so that a template of one name is found for certain.
_FOLDERS = (Path(__file__).parent, Path(charts.__file__).parent)
_TEMPLATE = "plan.html.j2"
_SCRIPTS = ("refresh.js", "tooltip.js")

# The measures in the order of the page: how each is named, and whether it is an amount.
_MEASURES = {
    "headcount": ("Employees at the end", False),
    "hires": ("Hires", False),
    "leavers": ("Leavers", False),
    "promotions": ("Promotions", False),
    "payroll": ("Payroll at the end", True),
    "paid": ("Paid in the year", True),
    "average_pay": ("Average pay at the end, USD", False),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows of a request.

    Attributes:
        fields: what is entered, by the name of the input.
        figures: what it comes to; None if it cannot be simulated.
        seconds: that the simulation took; None if none was needed.
        problems: by the name of the input; those of no input have the name ``""``.
        name: of the scenario to save.
        exists: whether a scenario of this name is there, to be replaced only on request.
        command: that runs the scenario that was saved; empty if none was.
    """

    fields: Mapping[str, str]
    figures: Figures | None
    seconds: float | None = None
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
    name: str = ""
    exists: bool = False
    command: str = ""


class PlanPage:
    """Draws the page for one stored scenario."""

    def __init__(
        self,
        scenario: StoredScenario,
        stored: Figures,
        assumptions: Sequence[Assumption],
        *,
        warning: str,
    ) -> None:
        """Prepare the page of ``scenario``.

        Args:
            scenario: the stored scenario that is planned on.
            stored: its figures.
            assumptions: what may be changed.
            warning: what the reader must know; empty for none.
        """
        import jinja2

        self._scenario, self._stored, self._warning = scenario, stored, warning
        self._sections = [
            (str(ScenarioSettings.model_fields[section].description).removesuffix("."), list(group))
            for section, group in groupby(assumptions, key=lambda each: each.section)
        ]
        settings = scenario.as_settings()
        self._base = {
            name: value for each in assumptions for name, value in each.entered(settings).items()
        }
        self._of_units = {
            name: each.field
            for each in assumptions
            if each.unit is not None
            for name in each.entered(settings)
        }
        self._scripts = [
            (_FOLDERS[place] / name).read_text(encoding="utf-8")
            for place, name in enumerate(_SCRIPTS)
        ]
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDERS),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template(_TEMPLATE)

    @property
    def base(self) -> Mapping[str, str]:
        """Return what the inputs hold before anything is changed."""
        return self._base

    @property
    def policy(self) -> str:
        """Return what the browser may load and do: the page's own scripts, forms and no more."""
        digests = " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in self._scripts
        )
        return (
            "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"script-src {digests}"
        )

    def drawn(self, shown: Shown, *, report: str | None, has_reports: bool) -> str:
        """Return the page as HTML.

        Args:
            shown: what it shows.
            report: the file name of the scenario's newest report.
            has_reports: whether there is a list of reports.
        """
        names = self._scenario.names
        years = self._scenario.years
        money = MoneyScale.of_changes(
            amount
            for figures in (self._stored, shown.figures)
            if figures
            for year in figures.by_year.values()
            for amount in (year["payroll"], year["paid"])
        )
        compared = None
        if shown.figures:
            compared = _Compared(self._stored, shown.figures, years, names, money)
        return self._template.render(
            scenario=self._scenario,
            sections=self._sections,
            base=self._base,
            # settings by department or job family that somebody has entered something of
            entered={
                field
                for name, field in self._of_units.items()
                if shown.fields.get(name) or shown.problems.get(name)
            },
            shown=shown,
            compared=compared,
            years=years,
            input_years=self._scenario.as_settings().simulation.years,
            names=names,
            money=money,
            units=units,
            warning=self._warning,
            scripts=self._scripts,
            report=report,
            has_reports=has_reports,
        )


class _Compared:
    """Planned beside stored figures, as the template shows them."""

    def __init__(
        self, stored: Figures, planned: Figures, years: range, names: YearNames, money: MoneyScale
    ) -> None:
        self._stored, self._planned = stored, planned
        self._years, self._names, self._money = years, names, money

    @property
    def lead(self) -> str:
        """Return the outcome in one sentence."""
        last = self._years[-1]
        stored, planned = self._stored.by_year[last], self._planned.by_year[last]
        people = planned["headcount"] - stored["headcount"]
        payroll = planned["payroll"] - stored["payroll"]
        amount = MoneyScale.of_total(payroll).amount(abs(payroll))
        return (
            f"At the end of {self._names.name(last)}: "
            + (
                f"{units.count(abs(people))} {'more' if people > 0 else 'fewer'} employees, "
                if people
                else "as many employees, "
            )
            + (
                f"{amount} {'more' if payroll > 0 else 'less'} payroll a year."
                if payroll
                else "the same payroll."
            )
        )

    @property
    def measures(self) -> list[dict[str, Any]]:
        """Return the rows of each measure: a cell for each year, as (value, text)."""
        found = []
        for measure, (title, is_amount) in _MEASURES.items():
            number, change = (
                (self._money.number, self._money.change)
                if is_amount
                else (units.count, units.change)
            )
            pairs = [
                (self._planned.by_year[year][measure], self._stored.by_year[year][measure])
                for year in self._years
            ]
            found.append(
                {
                    "name": measure,
                    "title": f"{title}, {self._money.unit}" if is_amount else title,
                    "planned": [(planned, number(planned)) for planned, _ in pairs],
                    "stored": [(stored, number(stored)) for _, stored in pairs],
                    "change": [
                        (planned - stored, change(planned - stored)) for planned, stored in pairs
                    ],
                }
            )
        return found

    @property
    def departments(self) -> list[tuple[int, list[tuple[str, DepartmentFigures, Any]]]]:
        """Return for each year, the last first, its departments: planned and stored."""
        nobody = DepartmentFigures()
        found = []
        for year in reversed(self._years):
            planned, stored = self._planned.departments[year], self._stored.departments[year]
            rows = [
                (name, planned.get(name, nobody), stored.get(name, nobody))
                for name in {**planned, **stored}
            ]
            found.append((year, rows))
        return found

    @property
    def headcount_chart(self) -> str:
        """Return the planned headcount beside the stored one, as SVG."""
        return charts.bars(
            self._bars("headcount", 1.0, units.count), axis_title="employees", axis_format=",d"
        )

    @property
    def payroll_chart(self) -> str:
        """Return the planned payroll beside the stored one, as SVG."""
        return charts.bars(
            self._bars("payroll", self._money.divisor, self._money.number),
            axis_title=self._money.unit,
            axis_format=",~r",
        )

    def _bars(self, measure: str, divisor: float, number: Any) -> list[charts.Bar]:
        pairs = [
            (year, self._planned.by_year[year][measure], self._stored.by_year[year][measure])
            for year in self._years
        ]
        return [
            charts.Bar(
                name=self._names.name(year),
                value=planned / divisor,
                label=number(planned),
                tooltip=f"{self._names.name(year)}: planned {number(planned)}, "
                f"stored {number(stored)}",
                mark=stored / divisor,
            )
            for year, planned, stored in pairs
        ]
