"""A simulated year of a payroll against the real one.

From fy2013 with rates of fy2012 and fy2013 alone, the year to the end of fy2014 is simulated and
printed beside the real one and beside "last year's rates go on". The SQL is that of dbt, whose
years are calendar years: dates move so that 30 June 2013 is the 31 December before the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement, execute
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario
from simulation.config.settings import ScenarioSettings
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables

START_YEAR = 2025
_SCENARIO = "baseline"
_MONTHS_FROM_JUNE_2013 = 138

_PAYROLL = """
create temporary table fy{year} as
select employee_id, agency, hire_date::date as hire_date, annual_salary::decimal(16, 2) as pay
from read_csv(?, all_varchar = true)
where annual_salary::decimal(16, 2) > 0 and hire_date::date <= date '{year}-06-30'
qualify row_number() over (partition by employee_id order by annual_salary::decimal(16, 2) desc) = 1
"""

# Relative hazards of last year by tenure band, of completed years in the middle of the year.
_EXPERIENCE = """
create temporary table experience as
select
    bands.tenure_band,
    count(*) as exposed,
    count(*) filter (where later.employee_id is null) as observed
from fy{first} as opening
left join fy{second} as later using (employee_id)
inner join seeds.tenure_bands as bands
    on date_sub('year', opening.hire_date, date '{first}-06-30') >= bands.min_tenure
    and date_sub('year', opening.hire_date, date '{first}-06-30') < bands.max_tenure
group by bands.tenure_band
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    real: float
    simulated: float
    last_year: float


def read_payroll(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """Read ``fy2012.csv`` to ``fy2014.csv``; rows without pay are not employees."""
    for year in (2012, 2013, 2014):
        connection.execute(_PAYROLL.format(year=year), [str(directory / f"fy{year}.csv")])


def observed_settings(connection: duckdb.DuckDBPyConnection) -> ScenarioSettings:
    """Return the settings of a year like fy2013: what can be measured in two snapshots, no more.

    Hires who leave again, promotions and retirements do not show in snapshots without levels
    and birth dates; all raises are cost of living.
    """
    start, end, left, raised = _row(
        connection,
        "select count(*), (select count(*) from fy2013), "
        "count(*) filter (where later.employee_id is null), "
        "sum(later.pay) / sum(opening.pay) filter (where later.employee_id is not null) - 1 "
        "from fy2012 as opening left join fy2013 as later using (employee_id)",
    )
    return load_scenario(
        _SCENARIO,
        changes={
            "simulation": {
                "start_year": START_YEAR,
                "end_year": START_YEAR,
                "target_growth_rate": round(end / start - 1, 6),
            },
            "workforce": {
                "experienced_termination_rate": round(left / start, 6),
                "new_hire_termination_rate": 0.0,
                "retirement": [],
            },
            "hiring": {"recent_joiner_years": 1},
            "compensation": {
                "cola_rate": round(max(float(raised), 0.0), 6),
                "merit_budget": 0.0,
                "promotion_rate": 0.0,
            },
        },
    )


def backtest(statements: Sequence[Statement], directory: Path) -> list[Figure]:
    """Simulate the year after fy2013 and return it beside fy2014 and last year's rates.

    Args:
        statements: the compiled project with the batch of ``START_YEAR``.
        directory: has the payroll of three fiscal years.
    """
    with duckdb.connect() as connection:
        create_tables(connection)
        create_census_tables(connection)
        read_payroll(connection, directory)
        open_year(connection, observed_settings(connection))
        # the bands first, for last year's experience by band
        first = ("schemas", "tenure_bands")
        for statement in sorted(statements, key=lambda each: each.node not in first):
            if statement.year in (None, START_YEAR):
                execute(connection, [statement])
                if statement.node == "tenure_bands":
                    connection.execute(_EXPERIENCE.format(first=2012, second=2013))
                _set_hazards(connection, statement.node)
        return _figures(connection)


def open_year(connection: duckdb.DuckDBPyConnection, settings: ScenarioSettings) -> None:
    """Make the end of fy2013 the opening workforce of ``START_YEAR``."""
    connection.execute(
        "insert into raw.baseline_workforce_validated "
        "(scenario_id, employee_id, hire_date, department, annual_compensation) "
        "select ?, employee_id, (hire_date + to_months(?))::date, agency, pay from fy2013",
        [_SCENARIO, _MONTHS_FROM_JUNE_2013],
    )
    record_request(connection, scenario_id=_SCENARIO, settings=settings, resume=False)
    open_run(connection, run_id="backtest", first_year=START_YEAR, last_year=START_YEAR)


def _set_hazards(connection: duckdb.DuckDBPyConnection, node: str) -> None:
    """Put last year's experience in place of the seeds' hazards of leaving."""
    if node == "termination_hazard_by_tenure":
        connection.execute(
            "delete from seeds.termination_hazard_by_tenure;"
            "insert into seeds.termination_hazard_by_tenure (tenure_band, multiplier) "
            "select tenure_band, -ln(1 - greatest(observed, 1) / (exposed + 1)) from experience"
        )
    elif node in {"termination_hazard_by_age", "termination_hazard_by_level"}:
        connection.execute(f"update seeds.{node} set multiplier = 1")  # noqa: S608 - own names


def _figures(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    connection.execute(
        "create temporary table judged as select ledger.*, later.employee_id is null as has_left "
        "from intermediate.int_employee_years as ledger "
        "left join fy2014 as later using (employee_id) where not ledger.is_new_hire"
    )
    last_rate = _number(connection, "select sum(observed) / sum(exposed) from experience")
    opening = _number(connection, "select count(*) from fy2013")
    growth = _number(connection, "select (select count(*) from fy2013) / count(*) from fy2012")
    pay_growth = _number(connection, "select (select sum(pay) from fy2013) / sum(pay) from fy2012")
    joiners = "from fy{} where employee_id not in (select employee_id from fy{})"
    ledger = "from intermediate.int_employee_years where "
    figures = [
        Figure(
            "headcount",
            _number(connection, "select count(*) from fy2014"),
            _number(connection, f"select count(*) {ledger} termination_date is null"),
            opening * growth,
        ),
        Figure(
            "leavers",
            _number(connection, "select count(*) from judged where has_left"),
            _number(connection, f"select count(termination_date) {ledger} true"),
            opening * last_rate,
        ),
        Figure(
            "joiners",
            _number(connection, f"select count(*) {joiners.format(2014, 2013)}"),
            _number(connection, f"select count(*) {ledger} is_new_hire"),
            _number(connection, f"select count(*) {joiners.format(2013, 2012)}"),
        ),
        Figure(
            "payroll, M",
            _number(connection, "select sum(pay) / 1e6 from fy2014"),
            _number(
                connection,
                f"select sum(annual_compensation) / 1e6 {ledger} termination_date is null",
            ),
            pay_growth * _number(connection, "select sum(pay) / 1e6 from fy2013"),
        ),
        Figure(
            "mean pay of joiners",
            _number(connection, f"select avg(pay) {joiners.format(2014, 2013)}"),
            _number(connection, f"select avg(annual_compensation) {ledger} is_new_hire"),
            _number(connection, f"select avg(pay) {joiners.format(2013, 2012)}"),
        ),
    ]
    figures += [
        Figure(f"leavers of tenure {band}", *counts)
        for band, *counts in connection.execute(
            "select bands.tenure_band, count(*) filter (where has_left), "
            "count(termination_date), count(*) * any_value(observed / exposed) "
            "from judged inner join seeds.tenure_bands as bands "
            "on judged.opening_tenure_band = bands.tenure_band "
            "inner join experience on bands.tenure_band = experience.tenure_band "
            "group by bands.tenure_band, bands.min_tenure order by bands.min_tenure"
        ).fetchall()
    ]
    brier = "select avg(({} - has_left::integer) ** 2) from judged"
    return [
        *figures,
        Figure("AUC of leaving", 1.0, _number(connection, _AUC), 0.5),
        Figure(
            "Brier score of leaving",
            0.0,
            _number(connection, brier.format("termination_probability")),
            _number(connection, brier.format(last_rate)),
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
