"""The page of ranges: one HTML file, in the style of the report, that needs nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared_lib.private_files import keep_files_private
from simulation.ranges.bands import MEASURES, Band
from simulation.ranges.ensemble import ScenarioRanges, what_stays, what_varies
from simulation.report import charts, units
from simulation.report.band_charts import BandPoint, bands
from simulation.report.files import replaced
from simulation.report.index import write_index
from simulation.report.units import MoneyScale

# In folders of their own, so that a template of one name is found for certain.
_FOLDERS = (Path(__file__).parent, Path(charts.__file__).parent)
_TEMPLATE = "ranges.html.j2"
_MONEY = ("payroll", "mean_pay")


def write_ranges(ranges: Sequence[ScenarioRanges], folder: Path) -> Path:
    """Write the page into ``folder``, list it among the reports, and return its path.

    A page of the same scenarios, seeds and growth is replaced.
    """
    first = ranges[0]
    names = "-".join(each.scenario_id for each in ranges)
    path = folder / f"ranges-{names}-{first.growth}-{first.seeds[0]}-{len(first.seeds)}.html"
    page = _render(ranges)
    keep_files_private()
    folder.mkdir(parents=True, exist_ok=True)
    with replaced(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    write_index(folder)
    return path


def lead(ranges: ScenarioRanges) -> str:
    """Return the last year in one sentence."""
    last = ranges.years[-1]
    headcount, payroll = (ranges.band(last, measure) for measure in ("headcount", "payroll"))
    scale = MoneyScale.of_changes([payroll.p90])
    people = _reach(units.count(headcount.p10), units.count(headcount.p90))
    pay = _reach(scale.amount(payroll.p10), scale.amount(payroll.p90))
    return (
        f"At the end of {ranges.settings.simulation.names.name(last)}, 80 % of "
        f"{len(ranges.seeds):,} runs of {ranges.scenario_id} employ {people} people and pay {pay} "
        "a year."
    )


def _reach(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _render(ranges: Sequence[ScenarioRanges]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDERS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ranges[0].settings.simulation.names
    return environment.get_template(_TEMPLATE).render(
        scenarios=[_scenario(each) for each in ranges],
        span=names.span(ranges[0].years[0], ranges[0].years[-1]),
        names=names,
        measures=MEASURES,
        lead=" ".join(lead(each) for each in ranges),
        written_at=datetime.now(UTC),
    )


def _scenario(ranges: ScenarioRanges) -> dict[str, Any]:
    """Return what the template shows of a scenario."""
    departments = sorted({band.department for band in ranges.bands if band.department is not None})
    last = ranges.years[-1]
    money = MoneyScale.of_changes([ranges.band(last, "payroll").p90])
    by_key = {(band.year, band.department, band.measure): band for band in ranges.bands}

    def cells(year: int, department: str | None) -> list[Band | None]:
        return [by_key.get((year, department, measure)) for measure in MEASURES]

    def shown(band: Band | None, share: str) -> str:
        value = getattr(band, share) if band else None
        if band and band.measure == "payroll":
            return money.number(value)
        return units.count(value)

    return {
        "ranges": ranges,
        "money": money,
        "varies": what_varies(ranges.settings, ranges.growth),
        "same": what_stays(ranges.settings, ranges.growth),
        "charts": [(_title(measure), _chart(ranges, measure)) for measure in MEASURES],
        "year_rows": [
            (ranges.settings.simulation.names.name(year), cells(year, None))
            for year in ranges.years
        ],
        "departments": [(name, cells(last, name)) for name in departments],
        "shown": shown,
    }


def _title(measure: str) -> str:
    return measure.replace("_", " ").capitalize()


def _chart(ranges: ScenarioRanges, measure: str) -> str:
    found = [ranges.band(year, measure) for year in ranges.years]
    names = ranges.settings.simulation.names
    money = MoneyScale.of_changes([band.p90 for band in found])

    def scaled(value: float) -> float:
        return money.scaled(value) if measure in _MONEY else value

    def worded(value: float) -> str:
        return money.amount(value) if measure in _MONEY else units.count(value)

    points = [
        BandPoint(
            name=names.name(band.year),
            low=scaled(band.p10),
            middle=scaled(band.p50),
            high=scaled(band.p90),
            tooltip=(
                f"{names.name(band.year)}: {worded(band.p50)}, in 80 % of the runs "
                f"{worded(band.p10)} to {worded(band.p90)}"
            ),
        )
        for band in found
    ]
    return bands(
        points,
        axis_title=money.unit if measure in _MONEY else "people",
        axis_format=",~r" if measure in _MONEY else ",d",
    )
