"""``python -m simulation.run``: a scenario from census to report, through Dagster.

Runs the job ``multi_year_simulation`` in this process and records it in the Dagster instance, so
that the UI shows it. At the end, prints a table of the years and the report's path.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.private_files import keep_files_private
from shared_lib.stored_errors import StoredError, innermost_message
from simulation.run.arguments import Arguments, parse_arguments
from simulation.year_names import YearNames

if TYPE_CHECKING:
    import dagster as dg
    from rich.console import Console

    from simulation.state.year_state import YearSummary

# Width of the table of the years, in characters; a file has no width of its own.
_TABLE_WIDTH = 124

JOB = "multi_year_simulation"

# Stores the events of all years of a model in one batch, and those of a run's plan in another.
_BATCHED_EVENTS = "DAGSTER_EVENT_BATCH_SIZE"

# What fails in them lies in the census, so that its inspection comes before the failure.
_CENSUS_STEPS = ("census", "census_data_validation", "baseline_workforce_validated")

# Names the process of a run, so that a later run can detect its death and free what it holds.
PROCESS_TAG = "simulation/process"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenario; the exit status is 0 if every year is complete and OK.

    What can be known before is checked before a run exists, with status 2.
    """
    asked = parse_arguments(arguments)
    # imported here so that --help and usage errors respond at once
    from rich.console import Console

    from shared_lib.configuration.environment import UnknownEnvironmentError
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from shared_lib.storage.sqlite_creation import DamagedStorageError
    from simulation.census.columns.mapping import CensusError
    from simulation.run.damaged_warehouse import DamagedWarehouseError
    from simulation.state.runs import YearRefusedError

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return _simulate(asked, errors)
    except (
        CensusError,
        ConfigurationError,
        DamagedStorageError,
        DamagedWarehouseError,
        UnknownEnvironmentError,
        YearRefusedError,
    ) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("interrupted; complete years are kept, the same command goes on from there")
        return 130


def _simulate(asked: Arguments, errors: "Console") -> int:
    from shared_lib.configuration.environment import current_environment
    from simulation.census.files.sources import check_census
    from simulation.config import load_scenario, requested_changes
    from simulation.config.partitions import refuse_years_outside
    from simulation.run.damaged_warehouse import explained_damage, make_room
    from simulation.run.preflight import look_ahead

    # before Dagster asks for it, whose own errors would bury this one
    current_environment()
    settings = load_scenario(asked.scenario, changes=requested_changes(**asked.settings()))
    check_census(
        settings.census.path,
        mappings=settings.census.mappings,
        mapping_name=settings.census.mapping,
    )
    horizon = settings.simulation
    years = asked.years or range(horizon.start_year, horizon.end_year + 1)
    if asked.fresh:
        make_room(errors.print)
    with explained_damage():
        ahead = look_ahead(asked.scenario, settings, years)
    refuse_years_outside(asked.scenario, years)
    if ahead.report and not asked.fresh:
        errors.print(f"{years[0]} to {years[-1]} are stored, and nothing has changed since then")
        _show(asked.scenario, years, str(ahead.report), settings.simulation.names)
        return 0
    if ahead.removal and not (asked.replace or _is_confirmed(f"{ahead.removal}", errors)):
        return 2
    outcome = _execute(asked, years, replace=asked.replace or bool(ahead.removal))
    if outcome.failure is not None:
        if outcome.failed_step in _CENSUS_STEPS and settings.census.path is not None:
            from simulation.census.inspection import inspect_census

            errors.print(
                inspect_census(Path(settings.census.path), settings=settings).screen(),
                markup=False,
            )
        message = f"run {outcome.run_id} failed: {outcome.failure}"
        errors.print(message, style="bold red", markup=False)
        return 1
    _show(asked.scenario, years, outcome.report, settings.simulation.names)
    return 0


def _is_confirmed(removal: str, errors: "Console") -> bool:
    """Say what is removed; return whether the user agrees, who is asked only at a terminal."""
    errors.print(f"this run would remove {removal}", style="bold", markup=False)
    if not (sys.stdin.isatty() and errors.is_terminal):
        errors.print("nothing was changed; add --replace (REPLACE=1) to remove these years")
        return False
    errors.print("Remove these years and go on? [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    errors.print("nothing was changed")
    return False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``failure`` is the innermost error, ``report`` the page's path."""

    run_id: str
    failure: str | None
    failed_step: str | None
    report: str | None


def _execute(asked: Arguments, years: range, *, replace: bool) -> Outcome:
    # Imported objects are never garbage: collecting them takes a quarter of the 3 s.
    gc.disable()
    import dagster as dg

    from shared_lib.observability.observer import observability
    from shared_lib.processes import this_process
    from simulation.definitions import defs
    from simulation.run.abandoned_runs import abandon_dead_runs
    from simulation.run.recording import record_origin
    from simulation.state.partitions import range_tags

    gc.freeze()
    # one in 50,000 objects instead of one in 700: a run makes few cycles, and looking for them
    # takes 5 % of its CPU
    gc.set_threshold(50_000)
    gc.enable()
    os.environ.setdefault(_BATCHED_EVENTS, "1000")

    request = {
        **asked.settings(),
        "scenario": asked.scenario,
        "resume": not asked.fresh,
        "replace": replace,
    }
    # reports invalid variables while the terminal is still available
    observability()
    with (
        _silent_output() as terminal,
        dg.DagsterInstance.from_config(str(_instance_home())) as instance,
    ):
        abandon_dead_runs(instance, tag=PROCESS_TAG)
        record_origin(instance, repository=defs.get_repository_def().name, job=JOB)
        result = defs.resolve_job_def(JOB).execute_in_process(
            run_config={
                "ops": {"simulation_config": {"config": request}},
                "loggers": {"progress": {"config": {"descriptor": terminal}}},
                "resources": _waiting(asked.wait),
            },
            instance=instance,
            tags={
                **range_tags(asked.scenario, years),
                "scenario": asked.scenario,
                "years": f"{years[0]}-{years[-1]}",
                PROCESS_TAG: this_process(),
            },
            raise_on_error=False,
        )
    if _was_interrupted(result):
        raise KeyboardInterrupt
    failed_steps = [event.step_key for event in result.all_events if event.is_step_failure]
    return Outcome(
        run_id=result.run_id,
        failure=_failure(result),
        failed_step=failed_steps[0] if failed_steps else None,
        report=_report_path(result),
    )


def _waiting(seconds: float | None) -> dict[str, Any]:
    if seconds is None:
        return {}
    return {"warehouse": {"config": {"location": "simulation", "wait_seconds": seconds}}}


@contextmanager
def _silent_output() -> Iterator[int]:
    """Keep the output of dbt and the steps off the terminal; Dagster's compute logs store it.

    The descriptors are redirected, not only ``sys.stdout``, because Dagster mirrors what it
    captures to the descriptors that it finds. Each process that mirrors would also print a
    traceback when Ctrl-C reaches it.

    Yields:
        A descriptor of the original standard error, for output to the user.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    output, errors, nowhere = os.dup(1), os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield errors
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for descriptor in (output, errors, nowhere):
            os.close(descriptor)


def _instance_home() -> Path:
    """Return the Dagster home, created with the repository's ``dagster.local.yaml`` if missing."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(REPOSITORY_ROOT / ".dagster_home")))
    keep_files_private()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        # written atomically, in case another process starts at the same time
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            shutil.copy(REPOSITORY_ROOT / "dagster.local.yaml", Path(scratch, "dagster.yaml"))
            Path(scratch, "dagster.yaml").replace(home / "dagster.yaml")
    return home


def _was_interrupted(result: "dg.ExecuteInProcessResult") -> bool:
    """Return whether Ctrl-C ended the run, which Dagster records as an ordinary failure."""
    interruptions = {"KeyboardInterrupt", "DagsterExecutionInterruptedError"}
    return any(
        event.job_failure_data.error is not None
        and event.job_failure_data.error.cls_name in interruptions
        for event in result.all_events
        if event.is_job_failure
    )


def _failure(result: "dg.ExecuteInProcessResult") -> str | None:
    """Return the user's own error of the first failed step, or of a run that failed without one."""
    if result.success:
        return None
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
                return f"step {event.step_key}: {_failed_checks(result, event.step_key)}"
            return f"step {event.step_key}: {_text(error)}"
    for event in result.all_events:
        if event.is_job_failure:
            return _text(event.job_failure_data.error)
    return _text(None)


def _text(error: StoredError | None) -> str:
    return innermost_message(error) if error is not None else "no error was recorded"


def _failed_checks(result: "dg.ExecuteInProcessResult", step: str | None) -> str:
    """Return what the failed checks of a step found; Dagster's own error only names them."""
    evaluations = [
        event.asset_check_evaluation_data
        for event in result.all_events
        if event.event_type_value == "ASSET_CHECK_EVALUATION" and event.step_key == step
    ]
    return "; ".join(
        f"check {evaluation.check_name} failed: {evaluation.description}"
        for evaluation in evaluations
        if not evaluation.passed
    )


def _report_path(result: "dg.ExecuteInProcessResult") -> str | None:
    for event in result.all_events:
        if event.is_step_materialization:
            entry = event.materialization.metadata.get("report")
            if entry is not None:
                return str(entry.value)
    return None


def _show(scenario: str, years: range, report: str | None, names: YearNames) -> None:
    from rich.console import Console

    from shared_lib.warehouse import read_location
    from simulation.state.year_state import read_summaries

    with read_location("simulation") as connection:
        summaries = read_summaries(connection, scenario_id=scenario, years=years)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TABLE_WIDTH)
    console.print(years_table(scenario, summaries, names))
    if report:
        console.print(f"Report: {report}", markup=False, soft_wrap=True)


def years_table(scenario: str, summaries: Sequence["YearSummary"], names: YearNames) -> Any:
    """Return the years as a table for the terminal."""
    from rich.table import Table

    from simulation.year_columns import year_columns

    dates = (
        f", {names.span(summaries[0].simulation_year, summaries[-1].simulation_year)}"
        if summaries and not names.is_calendar
        else ""
    )
    table = Table(title=f"Scenario {scenario}{dates}")
    columns = year_columns(names)
    for heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for year in summaries:
        table.add_row(*(shown(year) for _, shown in columns))
    return table


if __name__ == "__main__":
    status = main()
    gc.freeze()  # at the end too: saves 0.3 s of collecting memory that the system is about to free
    sys.exit(status)
