"""Prepares a plan: the stored figures, and the models to play with other settings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_lib.configuration.environment import current_settings
from simulation.config import CONFIGURATION_FILE
from simulation.config.settings import ScenarioSettings
from simulation.plan.figures import Figures, read_figures
from simulation.plan.server import Plan
from simulation.scratch.warehouse import (
    build_scratch,
    copy_workforce,
    scratch_folder,
    units_in,
)
from simulation.stored.scenarios import find_stored, read_stored, reading_stored


@contextmanager
def prepared(
    scenario_id: str,
    *,
    on_progress: Callable[[str], None],
    configuration: Path = CONFIGURATION_FILE,
) -> Iterator[Plan]:
    """Yield a plan on a stored scenario; its scratch files are removed at the end.

    The warehouse is only read, and released before the models are built.

    Args:
        scenario_id: the stored scenario.
        on_progress: called with a line for each step that takes long.
        configuration: the file that scenarios are saved in.

    Raises:
        NotStoredError: the scenario is not stored; the message has what computes it.
        ScratchFailedError: the models cannot be built.
        WarehouseBusyError: a run holds the warehouse for longer than a minute.
    """
    with scratch_folder() as folder:
        with reading_stored(scenario_id, on_wait=on_progress) as connection:
            scenario = find_stored(read_stored(connection), scenario_id)
            years = scenario.years
            stored = read_figures(connection, scenario_id, years)
            workforce = copy_workforce(connection, scenario_id, folder)
        settings = scenario.as_settings()
        on_progress(f"preparing the models up to {years[-1]}")
        runs = build_scratch(scenario_id, workforce, settings, years[-1])

        def simulate(changed: ScenarioSettings) -> Figures:
            with runs.simulated(changed, years[-1]) as connection:
                return read_figures(connection, scenario_id, years)

        plan = Plan(
            scenario,
            stored,
            simulate,
            job_families=units_in(workforce, "job_family"),
            configuration=configuration,
            reports=current_settings().report_directory,
            warning="" if simulate(settings) == stored else _changed_rules(scenario_id),
        )
        plan.draw_ahead()
        yield plan


def _changed_rules(scenario_id: str) -> str:
    return (
        f"The rules have changed since {scenario_id} was stored, so that a part of each difference "
        f"is theirs: run {scenario_id} again."
    )
