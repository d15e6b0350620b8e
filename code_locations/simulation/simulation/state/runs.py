"""Decides which years a run computes: all, those after the last complete one, or none."""

from dataclasses import dataclass

import duckdb

from shared_lib.dbt.project import rules_digest
from shared_lib.warehouse import transaction
from simulation.config.parameters import fingerprint, target_headcount, year_parameters
from simulation.config.settings import ScenarioSettings

# What determines the rows of a year; marts only show them.
_RULES = ("macros", "seeds", "models/staging", "models/intermediate")


class YearRefusedError(RuntimeError):
    """The requested years cannot be computed from what exists; the message says what to run."""


@dataclass(frozen=True, kw_only=True)
class OpenedRun:
    """The years that a run is about to compute.

    Attributes:
        scenario_id: the scenario.
        fingerprint: identifies configuration, census and rules.
        start_year: the scenario's first year.
        first_year: the first year to compute; later than requested if the run resumes.
        last_year: the last year to compute.
    """

    scenario_id: str
    fingerprint: str
    start_year: int
    first_year: int
    last_year: int

    @property
    def years_so_far(self) -> range:
        """Return the scenario's years from its first to the last of this run."""
        return range(self.start_year, self.last_year + 1)


def record_request(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    settings: ScenarioSettings,
    resume: bool,
) -> None:
    """Record the scenario and the settings for the steps that follow."""
    with transaction(connection):
        connection.execute("delete from raw.simulation_config")
        connection.execute(
            "insert into raw.simulation_config "
            "(scenario_id, configuration, is_resumed, recorded_at) "
            "values (?, ?, ?, now()::timestamp)",
            [scenario_id, settings.model_dump_json(), resume],
        )


def requested_scenario(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[str, ScenarioSettings, bool]:
    """Return the scenario, its settings and whether to resume, as :func:`record_request` stored.

    Raises:
        YearRefusedError: no scenario has been requested in this warehouse.
    """
    row = connection.execute(
        "select scenario_id, configuration, is_resumed from raw.simulation_config"
    ).fetchone()
    if row is None:
        message = "no scenario has been requested: materialise simulation_config first"
        raise YearRefusedError(message)
    scenario_id, configuration, resume = row
    return scenario_id, ScenarioSettings.model_validate_json(configuration), resume


def open_run(
    connection: duckdb.DuckDBPyConnection, *, run_id: str, first_year: int, last_year: int
) -> OpenedRun:
    """Decide which of the years ``first_year`` to ``last_year`` to compute and record it.

    If the whole range was requested and a run of the same fingerprint stopped within it, the
    run resumes after the last complete year. A complete range is recomputed.

    Raises:
        YearRefusedError: a year precedes the scenario's first, or the year before it is missing
            or was computed from another configuration, census or set of rules.
    """
    scenario_id, settings, resume = requested_scenario(connection)
    identity = fingerprint(
        scenario_id=scenario_id,
        settings=settings,
        census_digest=_census_digest(connection, scenario_id),
        rules_digest=rules_digest(_RULES),
    )
    start_year = settings.simulation.start_year
    complete = completed_years(connection, scenario_id)
    _refuse_impossible(
        scenario_id=scenario_id,
        identity=identity,
        start_year=start_year,
        first_year=first_year,
        complete=complete,
    )
    same = {year for year, owner in complete.items() if owner == identity}
    resume_at = first_year
    while resume and resume_at in same:
        resume_at += 1
    opened = OpenedRun(
        scenario_id=scenario_id,
        fingerprint=identity,
        start_year=start_year,
        first_year=first_year if resume_at > last_year else resume_at,
        last_year=last_year,
    )
    opening_headcount = _opening_headcount(connection, scenario_id)
    _refuse_empty_years(opened, settings, opening_headcount)
    _record(connection, opened, settings, opening_headcount, run_id=run_id)
    return opened


def _opening_headcount(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> int:
    row = connection.execute(
        "select count(*) from raw.baseline_workforce_validated where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    return row[0] if row else 0


def _refuse_empty_years(
    opened: OpenedRun, settings: ScenarioSettings, opening_headcount: int
) -> None:
    for year in opened.years_so_far:
        if opening_headcount and not target_headcount(settings, opening_headcount, year):
            message = (
                f"target_growth_rate leaves nobody of {opening_headcount} employees at the end of "
                f"{year}: raise it, or end before {year}"
            )
            raise YearRefusedError(message)


def _refuse_impossible(
    *,
    scenario_id: str,
    identity: str,
    start_year: int,
    first_year: int,
    complete: dict[int, str],
) -> None:
    if first_year < start_year:
        message = (
            f"year {first_year} lies before start_year {start_year} of scenario {scenario_id}: "
            f"run {start_year} or later, or set start_year to {first_year}"
        )
        raise YearRefusedError(message)
    before = first_year - 1
    if first_year == start_year or complete.get(before) == identity:
        return
    reason = (
        f"year {before} of scenario {scenario_id} has not been simulated"
        if before not in complete
        else f"year {before} of scenario {scenario_id} was simulated with another "
        f"configuration, census or set of rules (fingerprint {complete[before]}, now {identity})"
    )
    message = (
        f"year {first_year} starts from the end of {before}, but {reason}: "
        f"run multi_year_simulation for {start_year}-{first_year}"
    )
    raise YearRefusedError(message)


def completed_years(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> dict[int, str]:
    """Return the years of a scenario that the ledger holds, each with its fingerprint.

    The ledger itself is queried, because a year and its rows are committed together.
    """
    exists = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'intermediate' and table_name = 'int_employee_years'"
    ).fetchone()
    if exists == (0,):
        return {}
    rows = connection.execute(
        "select distinct simulation_year, fingerprint from intermediate.int_employee_years "
        "where scenario_id = ?",
        [scenario_id],
    ).fetchall()
    return dict(rows)


def _census_digest(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> str:
    """Return a digest of the accepted employees, whatever their file and order."""
    row = connection.execute(
        "select count(*) || '-' || bit_xor(md5_number(concat_ws('|', employee_id, "
        "coalesce(birth_date::varchar, '?'), hire_date, coalesce(level::varchar, '?'), "
        "coalesce(department, '?'), annual_compensation))) "
        "from raw.baseline_workforce_validated where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    return str(row[0]) if row else ""


def _record(
    connection: duckdb.DuckDBPyConnection,
    opened: OpenedRun,
    settings: ScenarioSettings,
    opening_headcount: int,
    *,
    run_id: str,
) -> None:
    with transaction(connection):
        # A year is recorded as complete when the whole run is done. Until then, the rows that are
        # about to be replaced must not be recorded as complete.
        connection.execute(
            "delete from raw.simulation_year_state "
            "where scenario_id = ? and (simulation_year >= ? or fingerprint <> ?)",
            [opened.scenario_id, opened.first_year, opened.fingerprint],
        )
        for year in range(opened.start_year, opened.last_year + 1):
            row = {
                "fingerprint": opened.fingerprint,
                "scenario_id": opened.scenario_id,
                **year_parameters(settings, year, opening_headcount=opening_headcount),
            }
            connection.execute(
                f"insert or replace into raw.simulation_parameters ({', '.join(row)}) "  # noqa: S608 - own names
                f"values ({', '.join('?' for _ in row)})",
                list(row.values()),
            )
        for entry in settings.hiring.level_mix:
            connection.execute(
                "insert or replace into raw.hire_level_mix (fingerprint, level, share) "
                "values (?, ?, ?)",
                [opened.fingerprint, entry.level, entry.share],
            )
        connection.execute(
            "insert or replace into raw.simulation_configurations "
            "(fingerprint, scenario_id, configuration, recorded_at) "
            "values (?, ?, ?, now()::timestamp)",
            [opened.fingerprint, opened.scenario_id, settings.model_dump_json()],
        )
        connection.execute("delete from raw.simulation_run")
        connection.execute(
            "insert into raw.simulation_run (scenario_id, fingerprint, run_id, start_year, "
            "first_year, last_year, requested_at) values (?, ?, ?, ?, ?, ?, now()::timestamp)",
            [
                opened.scenario_id,
                opened.fingerprint,
                run_id,
                opened.start_year,
                opened.first_year,
                opened.last_year,
            ],
        )


def current_run(connection: duckdb.DuckDBPyConnection) -> tuple[OpenedRun, str]:
    """Return the run that :func:`open_run` recorded last, with the id of its Dagster run.

    Raises:
        YearRefusedError: no run has been opened in this warehouse.
    """
    row = connection.execute(
        "select scenario_id, fingerprint, start_year, first_year, last_year, run_id "
        "from raw.simulation_run"
    ).fetchone()
    if row is None:
        message = "no run has been opened: materialise simulation_run first"
        raise YearRefusedError(message)
    scenario_id, identity, start_year, first_year, last_year, run_id = row
    opened = OpenedRun(
        scenario_id=scenario_id,
        fingerprint=identity,
        start_year=start_year,
        first_year=first_year,
        last_year=last_year,
    )
    return opened, run_id
