"""Decides which years a run computes: all, those after the last complete one, or none."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import put_row
from simulation.config.census_file import reading_digest
from simulation.config.parameters import own_rates, year_parameters
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts
from simulation.state.cost_rates import record_cost_rates
from simulation.state.identity import census_digest, current_rules, identity_of
from simulation.state.job_families import job_family_problems
from simulation.state.known_events import checked_events, record_events
from simulation.state.opening import growth_problems, opening_headcounts
from simulation.state.stored_years import completed_years
from simulation.state.tables import THIS_REQUEST, THIS_RUN
from simulation.state.year_state import first_altered_year


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
    replace: bool = False,
) -> None:
    """Record the scenario, its settings and what the run may do, for the steps that follow."""
    with transaction(connection):
        put_row(
            connection,
            "raw.simulation_config",
            {
                "scenario_id": scenario_id,
                "configuration": settings.model_dump_json(),
                "is_resumed": resume,
                "recorded_at": _now(connection),
                "is_replacing": replace,
            },
            key=["scenario_id"],
        )


def _now(connection: duckdb.DuckDBPyConnection) -> datetime:
    [(now,)] = connection.execute("select now()::timestamp").fetchall()
    return now


def requested_scenario(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[str, ScenarioSettings, bool]:
    """Return the scenario, its settings and whether to resume, as :func:`record_request` stored.

    They are those of the connection's scenario, or of the last request if it has none.

    Raises:
        YearRefusedError: no scenario has been requested in this warehouse.
    """
    row = connection.execute(
        f"select scenario_id, configuration, is_resumed from {THIS_REQUEST}"  # noqa: S608 - our own
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
    run resumes after the last complete year. A complete range is recomputed. Years of the same
    fingerprint outside the range stay, and those of another are removed: see
    :mod:`simulation.state.removal`, which asks before.

    Raises:
        YearRefusedError: a year precedes the scenario's first, or the year before it is missing
            or was computed from another configuration, census or set of rules; or the growth is
            impossible with this workforce, or a job family unknown in it.
    """
    scenario_id, settings, resume = requested_scenario(connection)
    identity = identity_of(
        scenario_id=scenario_id,
        settings=settings,
        census_digest=census_digest(connection, scenario_id),
    )
    start_year = settings.simulation.start_year
    stored = completed_years(connection, scenario_id)
    altered_from = first_altered_year(connection, scenario_id=scenario_id, fingerprint=identity)
    complete = {
        year: owner
        for year, owner in stored.items()
        if owner != identity or altered_from is None or year < altered_from
    }
    refuse_impossible(
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
    opening = opening_headcounts(connection, scenario_id, settings)
    problems = [
        *growth_problems(connection, scenario_id, settings, opening, opened.years_so_far),
        *job_family_problems(connection, scenario_id, settings),
    ]
    if problems:
        raise YearRefusedError("\n".join(problems))
    events = checked_events(connection, scenario_id, settings, opening)
    with transaction(connection):
        _remove_years(connection, opened, stored=stored, complete=complete)
        _record(connection, opened, settings, opening, run_id=run_id)
        record_events(connection, scenario_id, identity, events)
    return opened


def _remove_years(
    connection: duckdb.DuckDBPyConnection,
    opened: OpenedRun,
    *,
    stored: dict[int, str],
    complete: dict[int, str],
) -> None:
    """Remove the stored years that no longer follow, unless a batch of the run replaces them."""
    run = range(opened.first_year, opened.last_year + 1)
    others = {year for year, owner in complete.items() if owner != opened.fingerprint}
    removed = sorted((stored.keys() - complete.keys()) | (others - set(run)))
    if removed:
        connection.execute(
            "delete from intermediate.int_employee_years "
            "where scenario_id = ? and list_contains(?, simulation_year)",
            [opened.scenario_id, removed],
        )
    # A year is recorded as complete when the whole run is done. Until then, the rows that are
    # about to be replaced must not be recorded as complete.
    connection.execute(
        "delete from raw.simulation_year_state where scenario_id = ? "
        "and (simulation_year between ? and ? or list_contains(?, simulation_year) "
        "or fingerprint <> ?)",
        [
            opened.scenario_id,
            opened.first_year,
            opened.last_year,
            removed,
            opened.fingerprint,
        ],
    )


def refuse_impossible(
    *,
    scenario_id: str,
    identity: str,
    start_year: int,
    first_year: int,
    complete: dict[int, str],
) -> None:
    """Refuse a first year that nothing precedes.

    Raises:
        YearRefusedError: it lies before the scenario's first, or the year before it is missing or
            was computed from another configuration, census or set of rules.
    """
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


def _record(
    connection: duckdb.DuckDBPyConnection,
    opened: OpenedRun,
    settings: ScenarioSettings,
    opening: Headcounts,
    *,
    run_id: str,
) -> None:
    for year in range(opened.start_year, opened.last_year + 1):
        row = {
            "fingerprint": opened.fingerprint,
            "scenario_id": opened.scenario_id,
            **year_parameters(settings, year, opening=opening),
        }
        put_row(
            connection, "raw.simulation_parameters", row, key=["fingerprint", "simulation_year"]
        )
    for entry in settings.hiring.level_mix:
        put_row(
            connection,
            "raw.hire_level_mix",
            {"fingerprint": opened.fingerprint, "level": entry.level, "share": entry.share},
            key=["fingerprint", "level"],
        )
    _record_tables(connection, opened.fingerprint, settings)
    record_cost_rates(connection, opened.scenario_id, settings, years=settings.simulation.years)
    now = _now(connection)
    [(sha256,)] = connection.execute(
        "select max(sha256) from raw.census_file where scenario_id = ?",
        [opened.scenario_id],
    ).fetchall()
    put_row(
        connection,
        "raw.simulation_configurations",
        {
            "fingerprint": opened.fingerprint,
            "scenario_id": opened.scenario_id,
            "configuration": settings.model_dump_json(),
            "recorded_at": now,
            "census_digest": census_digest(connection, opened.scenario_id),
            "census_sha256": sha256,
            "reading_digest": reading_digest(),
            "rules_digest": current_rules(),
        },
        key=["fingerprint"],
    )
    put_row(
        connection,
        "raw.simulation_run",
        {
            "scenario_id": opened.scenario_id,
            "fingerprint": opened.fingerprint,
            "run_id": run_id,
            "start_year": opened.start_year,
            "first_year": opened.first_year,
            "last_year": opened.last_year,
            "requested_at": now,
        },
        key=["scenario_id"],
    )


def _record_tables(
    connection: duckdb.DuckDBPyConnection, fingerprint: str, settings: ScenarioSettings
) -> None:
    """Record what the scenario has in place of seeds, and its rates by department and family."""
    for level in settings.tables.job_levels:
        row = {
            "fingerprint": fingerprint,
            "level": level.level,
            "min_compensation": level.min_compensation,
            "max_compensation": level.max_compensation,
        }
        put_row(connection, "raw.scenario_levels", row, key=["fingerprint", "level"])
    for table, key, rate in [*settings.tables.rates(), *own_rates(settings)]:
        row = {"fingerprint": fingerprint, "table_name": table, "row_key": key, "rate": rate}
        put_row(connection, "raw.scenario_rates", row, key=["fingerprint", "table_name", "row_key"])


def current_run(connection: duckdb.DuckDBPyConnection) -> tuple[OpenedRun, str]:
    """Return the run that :func:`open_run` recorded, with the id of its Dagster run.

    It is that of the connection's scenario, or the last of all if it has none.

    Raises:
        YearRefusedError: no run has been opened in this warehouse.
    """
    row = connection.execute(
        "select scenario_id, fingerprint, start_year, first_year, last_year, run_id "  # noqa: S608 - our own
        f"from {THIS_RUN}"
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
