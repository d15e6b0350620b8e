"""How many of a year's real figures lie in the bands that the fitted scenario has for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings
from simulation.ranges.bands import MEASURES, Band, bands_of, read_outcomes
from simulation.ranges.drawing import drawn_settings
from simulation.scratch.trials import Trial, run_trials
from simulation.scratch.warehouse import copy_workforce, scratch_folder

# By department, or None for everybody, and measure.
Bands = Mapping[tuple[str | None, str], Band]

# A band from P10 to P90 is to cover 80 % of what comes; so far from it, it still does its work.
LEAST_SHARE, MOST_SHARE = 0.7, 0.9

_REAL = """
with leavers as (
    select opening.department, count(*) as leavers
    from opening
    anti join later using (employee_id)
    group by opening.department
),

joiners as (
    select later.department, count(*) as joiners
    from later
    anti join opening using (employee_id)
    group by later.department
),

closing as (
    select department, count(*) as headcount, sum(pay) as payroll, avg(pay) as mean_pay
    from later
    group by department
)

select
    department,
    coalesce(headcount, 0) as headcount,
    coalesce(leavers, 0) as leavers,
    coalesce(joiners, 0) as joiners,
    coalesce(payroll, 0) as payroll,
    coalesce(mean_pay, 0) as mean_pay
from (select department from opening group by department having count(*) >= $least_people)
left join closing using (department)
left join leavers using (department)
left join joiners using (department)
order by department
"""


@dataclass(frozen=True)
class Coverage:
    """Of a measure: the departments, and those whose real figure lies from P10 to P90."""

    measure: str
    cells: int
    covered: int

    @property
    def share(self) -> float:
        """Return the share that is covered; 0 without a department."""
        return self.covered / self.cells if self.cells else 0.0


def trial_bands(
    connection: duckdb.DuckDBPyConnection,
    statements: Sequence[Statement],
    *,
    scenario_id: str,
    settings: ScenarioSettings,
    seeds: int,
) -> Bands:
    """Simulate the fitted year with many seeds; return what they come to.

    Args:
        connection: has the workforce of the scenario.
        statements: the compiled project, with one year.
        scenario_id: the scenario.
        settings: fitted ones, with their uncertainty.
        seeds: number of trials.
    """
    with scratch_folder() as folder:
        outcomes = list(
            run_trials(
                [
                    Trial(scenario_id=scenario_id, settings=drawn_settings(settings, seed))
                    for seed in range(seeds)
                ],
                read_outcomes,
                workforce=copy_workforce(connection, scenario_id, folder),
                statements=statements,
                last_year=settings.simulation.end_year,
            )
        )
    return {(band.department, band.measure): band for band in bands_of(outcomes)}


def covered_cells(
    connection: duckdb.DuckDBPyConnection, bands: Bands, *, least_people: int
) -> list[Coverage]:
    """Count by measure what the bands of departments cover of the real year.

    Args:
        connection: has the views ``opening`` and ``later``.
        bands: what trials of the year come to.
        least_people: departments with fewer at the start are left out.
    """
    columns = ("department", *MEASURES)
    real = {
        row[0]: dict(zip(columns, row, strict=True))
        for row in connection.execute(_REAL, {"least_people": least_people}).fetchall()
    }
    return [
        Coverage(
            measure,
            len(real),
            sum(
                bands[department, measure].covers(figures[measure])
                for department, figures in real.items()
                if (department, measure) in bands
            ),
        )
        for measure in MEASURES
    ]


def coverage_in_words(found: Sequence[Coverage]) -> str:
    """Return what the bands of all measures cover, and which cover more or less than they should.

    Coverage of several years is added up by measure.
    """
    by_measure = {
        measure: Coverage(
            measure,
            sum(each.cells for each in found if each.measure == measure),
            sum(each.covered for each in found if each.measure == measure),
        )
        for measure in dict.fromkeys(each.measure for each in found)
    }
    everything = Coverage(
        "all",
        sum(each.cells for each in by_measure.values()),
        sum(each.covered for each in by_measure.values()),
    )
    parts = ", ".join(
        f"{each.measure.replace('_', ' ')} {each.share:.0%}" for each in by_measure.values()
    )
    outside = [
        each.measure.replace("_", " ")
        for each in by_measure.values()
        if not LEAST_SHARE <= each.share <= MOST_SHARE
    ]
    words = (
        f"80 % bands cover {everything.share:.0%} of {everything.cells:,} figures of departments: "
        f"{parts}"
    )
    if outside:
        words += (
            f"; outside {LEAST_SHARE:.0%} to {MOST_SHARE:.0%}: {', '.join(outside)}. Departments "
            "of one year share its luck, so that one year is little evidence"
        )
    return words
