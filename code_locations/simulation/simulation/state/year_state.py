"""The finished years: the result of each, and whether all its rows are there."""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from shared_lib.warehouse import transaction
from simulation.state.tables import THIS_RUN


@dataclass(frozen=True, kw_only=True)
class YearSummary:
    """One row of ``marts.fct_year_summary``; headcounts in employees, payroll in currency."""

    scenario_id: str
    simulation_year: int
    start_headcount: int
    hires: int
    experienced_terminations: int
    retirements: int
    reductions_in_force: int
    new_hire_terminations: int
    promotions: int
    raises: int
    end_headcount: int
    target_headcount: int
    growth_rate: float
    target_growth_rate: float
    growth_tolerance: float
    total_turnover: float
    start_payroll: Decimal
    end_payroll: Decimal

    @property
    def growth_allowance(self) -> float:
        """Return how far the growth may be from its target: the tolerance plus half an employee."""
        return self.growth_tolerance + 0.5 / self.start_headcount

    @property
    def meets_growth(self) -> bool:
        """Return whether the growth is within its allowance of that to the target headcount.

        The configured rate does not measure a small unit: the year before was rounded as well.
        """
        growth = self.target_headcount / self.start_headcount - 1
        return abs(self.growth_rate - growth) <= self.growth_allowance

    @property
    def unaccounted(self) -> int:
        """Return by how many employees start, hires and leavers fail to add up to the end."""
        return (
            self.start_headcount
            + self.hires
            - self.experienced_terminations
            - self.reductions_in_force
            - self.new_hire_terminations
            - self.end_headcount
        )


def read_summaries(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, years: range
) -> list[YearSummary]:
    """Return the summaries of the simulated years among ``years``, in ascending order."""
    names = list(YearSummary.__dataclass_fields__)
    rows = connection.execute(
        f"select {', '.join(names)} from marts.fct_year_summary "  # noqa: S608 - our own columns
        "where scenario_id = ? and simulation_year between ? and ? order by simulation_year",
        [scenario_id, years[0], years[-1]],
    ).fetchall()
    return [YearSummary(**dict(zip(names, row, strict=True))) for row in rows]


# Sums over the bits of each row's digest, independent of the order of the stored rows.
_STATES = """
select
    run.scenario_id,
    ledger.simulation_year,
    run.fingerprint,
    run.run_id,
    count(*) filter (where ledger.termination_date is null) as active_headcount,
    coalesce(sum(ledger.annual_compensation) filter (where ledger.termination_date is null), 0)
        as payroll,
    {digest} as digest,
    now()::timestamp as completed_at
from {this_run} as run
inner join intermediate.int_employee_years as ledger
    on run.scenario_id = ledger.scenario_id and run.fingerprint = ledger.fingerprint
where ledger.simulation_year between ? and ?
group by all
"""


def record_states(connection: duckdb.DuckDBPyConnection, *, years: range) -> None:
    """Record headcount, payroll and a digest of all rows for the current scenario's ``years``.

    Equal digests mean equal rows. States of other configurations of the scenario are removed.
    """
    with transaction(connection):
        connection.execute(
            f"delete from raw.simulation_year_state as state using {THIS_RUN} as run "  # noqa: S608 - our own
            "where state.scenario_id = run.scenario_id "
            "and (state.simulation_year between ? and ? or state.fingerprint <> run.fingerprint)",
            [years[0], years[-1]],
        )
        # the rows of these years are gone, so nothing is replaced
        connection.execute(
            "insert into raw.simulation_year_state by name "
            + _STATES.format(digest=_digest(connection), this_run=THIS_RUN),
            [years[0], years[-1]],
        )


def first_altered_year(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, fingerprint: str
) -> int | None:
    """Return the first complete year whose rows are no longer those that were recorded."""
    recorded = connection.execute(
        "select simulation_year, digest from raw.simulation_year_state "
        "where scenario_id = ? and fingerprint = ? order by simulation_year",
        [scenario_id, fingerprint],
    ).fetchall()
    if not recorded:
        return None
    ledger = dict(
        connection.execute(
            f"select simulation_year, {_digest(connection)} "  # noqa: S608 - our own columns
            "from intermediate.int_employee_years as ledger "
            "where scenario_id = ? and fingerprint = ? group by simulation_year",
            [scenario_id, fingerprint],
        ).fetchall()
    )
    altered = [year for year, digest in recorded if ledger.get(year) != digest]
    return altered[0] if altered else None


def _digest(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the SQL of the digest of a year's rows.

    Columns are cast to text one by one; casting whole rows takes twice as long.
    """
    columns = connection.execute(
        "select column_name from duckdb_columns() "
        "where schema_name = 'intermediate' and table_name = 'int_employee_years' "
        "order by column_index"
    ).fetchall()
    values = ", ".join(f"coalesce(ledger.{name}::varchar, '-')" for (name,) in columns)
    return f"bit_xor(md5_number(concat_ws(chr(31), {values})))::varchar"


@dataclass(frozen=True)
class YearState:
    """One row of ``raw.simulation_year_state``."""

    simulation_year: int
    active_headcount: int
    payroll: Decimal
    digest: str


def headcounts_by_scenario(
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, dict[int, int]]:
    """Return the active headcount of each complete year of every scenario, both in order."""
    rows = connection.execute(
        "select scenario_id, simulation_year, active_headcount "
        "from raw.simulation_year_state order by scenario_id, simulation_year"
    ).fetchall()
    found: dict[str, dict[int, int]] = {}
    for scenario_id, year, headcount in rows:
        found.setdefault(scenario_id, {})[year] = headcount
    return found


def read_states(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, years: range
) -> list[YearState]:
    """Return the recorded states of the complete years among ``years``, in ascending order."""
    rows = connection.execute(
        "select simulation_year, active_headcount, payroll, digest "
        "from raw.simulation_year_state "
        "where scenario_id = ? and simulation_year between ? and ? order by simulation_year",
        [scenario_id, years[0], years[-1]],
    ).fetchall()
    return [YearState(*row) for row in rows]
