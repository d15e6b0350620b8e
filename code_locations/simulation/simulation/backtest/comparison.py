"""A simulated year of a history against the real one.

The scenario is fitted to all years but the last, the last is simulated, and printed beside the real
one, "last year's rates go on" and "no change". The SQL is that of dbt, compiled for calendar years:
dates move so that the last fitted census is of the 31 December before the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement, execute
from shared_lib.warehouse.connection import open_memory
from simulation.backtest.coverage import (
    Bands,
    Coverage,
    coverage_in_words,
    covered_cells,
    trial_bands,
)
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario, load_settings
from simulation.config.loading import merged
from simulation.config.settings import ScenarioSettings
from simulation.planning.fitting import Fit, fit
from simulation.planning.history import Snapshot, read_history
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables

START_YEAR = 2025
LEAST_PEOPLE = 50  # of a department that is judged by itself
_SCENARIO = "baseline"

# The fitted year and those around it. `experience` is what the year before shows by tenure.
_YEARS = """
create view before as from people where year = $year - 1;
create view opening as from people where year = $year;
create view later as from people where year = $year + 1;
create table experience as
select tenure_band, count(*) as exposed, count(*) filter (has_left) as observed
from exposed
where year = $year - 1
group by tenure_band;
"""

_JUDGED = """
create table judged as
select ledger.*, later.employee_id is null as has_left
from intermediate.int_employee_years as ledger
left join later using (employee_id)
where not ledger.is_new_hire
"""

_DEPARTMENTS = """
with real as (
    select department, count(*) as people, sum(pay) as pay from later group by department
),

ours as (
    select department, count(*) as people, sum(annual_compensation)::double as pay
    from intermediate.int_employee_years
    where termination_date is null
    group by department
),

start as (
    select department, count(*) as people, sum(pay) as pay from opening group by department
),

earlier as (
    select department, count(*) as people, sum(pay) as pay from before group by department
)

select
    department,
    coalesce(real.{measure}, 0),
    coalesce(ours.{measure}, 0),
    start.{measure} * start.{measure} / coalesce(earlier.{measure}, start.{measure}),
    start.{measure}
from start
left join real using (department)
left join ours using (department)
left join earlier using (department)
where start.people >= $least_people
order by start.people desc, department
"""


@dataclass(frozen=True)
class Figure:
    """A measure of the year: real, simulated, by last year's rates, and with no change."""

    name: str
    real: float
    simulated: float
    last_year: float
    no_change: float

    @property
    def is_better(self) -> bool:
        """Return whether the simulated figure is nearer to the real one than both naive ones."""
        naive = min(abs(self.last_year - self.real), abs(self.no_change - self.real))
        return abs(self.simulated - self.real) < naive

    @property
    def is_nearer(self) -> bool:
        """Return whether the simulated figure is nearer to the real one than last year's rates."""
        return abs(self.simulated - self.real) < abs(self.last_year - self.real)


@dataclass(frozen=True)
class Step:
    """One simulated year, with its figures and those of departments by measure."""

    year: int
    figures: list[Figure]
    departments: dict[str, list[Figure]] = field(default_factory=dict)
    coverage: list[Coverage] = field(default_factory=list)

    def words(self) -> list[str]:
        """Return in sentences where the simulation is not better than naive forecasts."""
        worse = [figure.name for figure in self.figures if not figure.is_better]
        sentences = [
            f"not better than both naive forecasts: {', '.join(worse)}"
            if worse
            else "better than both naive forecasts in every figure"
        ]
        for measure, figures in self.departments.items():
            others = [figure.name for figure in figures if not figure.is_nearer]
            sentences.append(
                f"{measure} of {len(figures) - len(others)} of {len(figures)} departments with "
                f"{LEAST_PEOPLE} people or more is nearer than by last year's rates"
                + (f"; not of {', '.join(others)}" if others else "")
            )
        if self.coverage:
            sentences.append(coverage_in_words(self.coverage))
        return sentences


def backtest(
    statements: Sequence[Statement],
    paths: Sequence[Path],
    *,
    year_end: tuple[int, int] | None = None,
    seeds: int = 0,
) -> Step:
    """Fit to all censuses but the last, simulate the last year, and compare.

    Args:
        statements: the compiled project with the batch of ``START_YEAR``.
        paths: three or more yearly censuses, as :func:`read_history` takes them.
        year_end: month and day of the censuses, if it is not to be found.
        seeds: number of trials that the bands, and the figures of departments, are made of; 0: no
            bands, and departments as in one simulation.

    Raises:
        HistoryError: the history is too short, or cannot be used.
        CensusError: a file cannot be read.
    """
    with open_memory() as connection:
        snapshots = read_history(
            connection, paths, mappings=load_settings().census.mappings, year_end=year_end
        )
        found = fit(connection, snapshots[:-1])
        connection.execute(_YEARS.replace("$year", str(snapshots[-2].year)))
        open_year(connection, found)
        played = [each for each in statements if each.year in (None, START_YEAR)]
        execute(connection, played)
        connection.execute(_JUDGED)
        figures = _figures(connection)
        departments = {
            "headcount": _departments(connection, "people"),
            "payroll": _departments(connection, "pay"),
        }
        if not seeds:
            return Step(snapshots[-1].year, figures, departments)
        bands = trial_bands(
            connection,
            played,
            scenario_id=_SCENARIO,
            settings=calendar_settings(found),
            seeds=seeds,
        )
        return Step(
            snapshots[-1].year,
            figures,
            {
                measure: _in_the_middle(each, bands, measure)
                for measure, each in departments.items()
            },
            covered_cells(connection, bands, least_people=LEAST_PEOPLE),
        )


def open_year(connection: duckdb.DuckDBPyConnection, found: Fit) -> None:
    """Make the last fitted census the opening workforce of ``START_YEAR``."""
    last = found.snapshots[-1]
    create_tables(connection)
    create_census_tables(connection)
    connection.execute(
        "insert into raw.baseline_workforce_validated (scenario_id, employee_id, birth_date, "
        "hire_date, level, department, annual_compensation, job_family) "
        "select $scenario, employee_id, (birth_date + to_months($months))::date, "
        "(hire_date + to_months($months))::date, level, department, pay, job_family "
        "from people where year = $year",
        {"scenario": _SCENARIO, "months": _months_to_start(last), "year": last.year},
    )
    record_request(
        connection, scenario_id=_SCENARIO, settings=calendar_settings(found), resume=False
    )
    open_run(connection, run_id="backtest", first_year=START_YEAR, last_year=START_YEAR)


def calendar_settings(found: Fit) -> ScenarioSettings:
    """Return the fitted settings for the calendar year ``START_YEAR``."""
    middle = "07-01"
    calendar = {
        "simulation": {"start_year": START_YEAR, "end_year": START_YEAR, "first_day": "01-01"},
        "compensation": {"raise_date": middle, "promotion_date": middle},
    }
    changes = merged(found.settings, calendar)
    del changes["census"]
    return load_scenario(_SCENARIO, changes=changes)


def _months_to_start(last: Snapshot) -> int:
    return 12 * START_YEAR - (12 * last.day.year + last.day.month)


def _departments(connection: duckdb.DuckDBPyConnection, measure: str) -> list[Figure]:
    rows = connection.execute(
        _DEPARTMENTS.format(measure=measure), {"least_people": LEAST_PEOPLE}
    ).fetchall()
    return [Figure(*row) for row in rows]


def _in_the_middle(figures: Sequence[Figure], bands: Bands, measure: str) -> list[Figure]:
    """Return departments with the middle of the trials as what is simulated.

    One trial of a department of fifty is as far from the middle as years are from one another.
    """
    return [
        replace(figure, simulated=bands[figure.name, measure].p50)
        if (figure.name, measure) in bands
        else figure
        for figure in figures
    ]


def _figures(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    last_rate = _number(connection, "select sum(observed) / sum(exposed) from experience")
    opening, before, later = (
        _row(connection, f"select count(*), sum(pay) / 1e6, avg(pay) from {view}")  # noqa: S608
        for view in ("opening", "before", "later")
    )
    joined = "from {} where employee_id not in (select employee_id from {})"
    now, then = joined.format("later", "opening"), joined.format("opening", "before")
    joiners = _number(connection, f"select count(*) {then}")
    joiners_pay = _number(connection, f"select avg(pay) {then}")
    ledger = "from intermediate.int_employee_years where "
    figures = [
        Figure(
            "headcount",
            later[0],
            _number(connection, f"select count(*) {ledger} termination_date is null"),
            opening[0] * opening[0] / before[0],
            opening[0],
        ),
        Figure(
            "leavers",
            _number(connection, "select count(*) from judged where has_left"),
            _number(connection, f"select count(termination_date) {ledger} true"),
            opening[0] * last_rate,
            before[0] * last_rate,
        ),
        Figure(
            "joiners",
            _number(connection, f"select count(*) {now}"),
            _number(connection, f"select count(*) {ledger} is_new_hire"),
            opening[0] * joiners / before[0],
            joiners,
        ),
        Figure(
            "payroll, M",
            later[1],
            _number(
                connection,
                f"select sum(annual_compensation) / 1e6 {ledger} termination_date is null",
            ),
            opening[1] * opening[1] / before[1],
            opening[1],
        ),
        Figure(
            "mean pay of joiners",
            _number(connection, f"select avg(pay) {now}"),
            _number(connection, f"select avg(annual_compensation) {ledger} is_new_hire"),
            joiners_pay * opening[2] / before[2],
            joiners_pay,
        ),
    ]
    figures += [
        Figure(f"leavers of tenure {band}", *counts)
        for band, *counts in connection.execute(
            "select bands.tenure_band, count(*) filter (where has_left), "
            "count(termination_date), count(*) * any_value(observed / exposed), "
            "any_value(observed) "
            "from judged inner join seeds.tenure_bands as bands "
            "on judged.opening_tenure_band = bands.tenure_band "
            "inner join experience on bands.tenure_band = experience.tenure_band "
            "group by bands.tenure_band, bands.min_tenure order by bands.min_tenure"
        ).fetchall()
    ]
    brier = "select avg(({} - has_left::integer) ** 2) from judged"
    constant = _number(connection, brier.format(last_rate))
    return [
        *figures,
        Figure("AUC of leaving", 1.0, _number(connection, _AUC), 0.5, 0.5),
        Figure(
            "Brier score of leaving",
            0.0,
            _number(connection, brier.format("termination_probability")),
            constant,
            constant,
        ),
    ]


# The share of pairs of a leaver and a stayer in which the leaver had the higher chance; ties half.
_AUC = """
with ranked as (
    select
        has_left,
        rank() over (order by termination_probability)
        + (count(*) over (partition by termination_probability) - 1) / 2 as place
    from judged
)
select
    (sum(place) filter (where has_left) - l * (l + 1) / 2) / (l * (count(*) - l))
from ranked, (select count(*) as l from judged where has_left)
group by l
"""


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    (row,) = connection.execute(query).fetchall()
    return row


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    return float(_row(connection, query)[0])
