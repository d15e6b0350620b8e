"""The ranges of stored and configured scenarios, all from one dbt invocation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulation.config.loading import load_scenario
from simulation.config.partitions import scenario_names
from simulation.config.settings import ScenarioSettings
from simulation.ranges.bands import Band, bands_of, read_outcomes
from simulation.ranges.drawing import Growth, drawn_settings
from simulation.scratch.trials import Trial, run_trials
from simulation.scratch.warehouse import compiled_models, copy_workforce, scratch_folder
from simulation.stored.scenarios import StoredScenario, find_stored, read_stored, reading_stored

LEAST_SEEDS, MOST_SEEDS = 10, 10_000
_REPORTS = 10  # lines of progress


class RangesRefusedError(ValueError):
    """The ranges cannot be computed; the message says why, and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class ScenarioRanges:
    """A scenario's bands over its seeds.

    Attributes:
        scenario_id: its name.
        settings: with its uncertainty.
        growth: whether growth is a target, or the outcome of hires and leaving.
        years: the simulated ones.
        seeds: of the trials.
        bands: by year, department and measure.
    """

    scenario_id: str
    settings: ScenarioSettings
    growth: Growth
    years: range
    seeds: range
    bands: Sequence[Band]

    def band(self, year: int, measure: str, department: str | None = None) -> Band:
        """Return one of them; without a department, everybody's."""
        return next(
            band
            for band in self.bands
            if (band.year, band.measure, band.department) == (year, measure, department)
        )

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "scenario": self.scenario_id,
            "seeds": [self.seeds[0], self.seeds[-1]],
            "growth": self.growth,
            "varies": what_varies(self.settings, self.growth),
            "same": what_stays(self.settings, self.growth),
            "bands": [band.as_record() for band in self.bands],
        }


def compute_ranges(
    scenario_ids: Sequence[str],
    *,
    seeds: int,
    growth: Growth,
    on_progress: Callable[[str], None],
) -> list[ScenarioRanges]:
    """Simulate scenarios with many seeds each, from the stored workforce of the first.

    The first is stored; another may be configured alone. The uncertainty of a scenario that is
    configured is that of the configuration, because no stored row depends on it. The warehouse is
    released before the first run.

    Raises:
        RangesRefusedError: the number of seeds is not allowed, or the scenarios do not begin
            with the same people on the same day.
        NotStoredError: the first is not stored, or another is not known.
        ConfigurationError: a configured one cannot be simulated for the years.
        ScratchFailedError: the models cannot be built.
        WarehouseBusyError: a run holds the warehouse for longer than a minute.
    """
    if not LEAST_SEEDS <= seeds <= MOST_SEEDS:
        message = f"{seeds} seeds are not allowed, allowed are {LEAST_SEEDS} to {MOST_SEEDS:,}"
        raise RangesRefusedError(message)
    with scratch_folder() as folder:
        with reading_stored(scenario_ids[0], on_wait=on_progress) as connection:
            stored = read_stored(connection)
            first = find_stored(stored, scenario_ids[0])
            workforce = copy_workforce(connection, first.scenario_id, folder)
        years = first.years
        settings = {name: _settings_of(name, stored, first) for name in dict.fromkeys(scenario_ids)}
        trials = {
            name: [
                Trial(scenario_id=name, settings=drawn_settings(each, seed, growth=growth))
                for seed in _seeds(each, seeds)
            ]
            for name, each in settings.items()
        }
        on_progress(f"preparing the models, {first.names.range(years[0], years[-1])}")
        statements = compiled_models(
            first.scenario_id, workforce, settings[first.scenario_id], years[-1]
        )
        everything = [trial for of_scenario in trials.values() for trial in of_scenario]
        outcomes = []
        for outcome in run_trials(
            everything,
            read_outcomes,
            workforce=workforce,
            statements=statements,
            last_year=years[-1],
        ):
            outcomes.append(outcome)
            done, all_runs = len(outcomes), len(everything)
            if done * _REPORTS // all_runs > (done - 1) * _REPORTS // all_runs:
                on_progress(f"{done:,} of {all_runs:,} runs")
    return [
        ScenarioRanges(
            scenario_id=name,
            settings=each,
            growth=growth,
            years=years,
            seeds=_seeds(each, seeds),
            bands=bands_of(outcomes[place * seeds : (place + 1) * seeds]),
        )
        for place, (name, each) in enumerate(settings.items())
    ]


def _seeds(settings: ScenarioSettings, number: int) -> range:
    """Return the scenario's own seed and those after it."""
    first = settings.simulation.random_seed
    return range(first, first + number)


def _settings_of(
    name: str, stored: dict[str, StoredScenario], first: StoredScenario
) -> ScenarioSettings:
    if name not in stored:
        if name not in scenario_names():
            find_stored(stored, name, like=first)  # raises with what is known
        horizon = {"start_year": first.years[0], "end_year": first.years[-1]}
        settings = load_scenario(name, changes={"simulation": horizon})
        begins = settings.simulation.first_day_of(first.years[0])
    else:
        found = stored[name]
        settings = found.as_settings()
        if name in scenario_names():
            settings = settings.model_copy(update={"uncertainty": load_scenario(name).uncertainty})
        begins = found.names.first_day_of(found.years[0])
        if found.census_digest != first.census_digest:
            message = (
                f"{name} begins with {found.census_size} of {found.census_name}, "
                f"{first.scenario_id} with {first.census_size} of {first.census_name}: "
                "name scenarios that begin with the same people"
            )
            raise RangesRefusedError(message)
    if begins != first.names.first_day_of(first.years[0]):
        message = (
            f"{name} begins on {begins}, {first.scenario_id} on "
            f"{first.names.first_day_of(first.years[0])}: name scenarios that begin on the same day"
        )
        raise RangesRefusedError(message)
    return settings


_NAMES = {
    "target_growth_rate": "growth",
    "experienced_termination_rate": "the rate of leaving",
    "new_hire_termination_rate": "the rate of hires who leave again",
    "cola_rate": "the cost of living",
    "merit_budget": "the merit budget",
    "promotion_rate": "the chance of a promotion",
    "leaving_by_department": "leaving by department",
    "hiring_by_department": "hiring by department",
    "cola_by_department": "the cost of living by department",
}


def what_varies(settings: ScenarioSettings, growth: Growth) -> str:
    """Return in a sentence what differs from run to run."""
    drawn = _drawn(settings, growth)
    if not drawn:
        return (
            "Each run has another seed: other people leave, join and are promoted. No setting "
            "varies, because the scenario states no uncertainty."
        )
    return (
        "Each run has another seed, so that other people leave, join and are promoted. Drawn anew, "
        f"once for all its years: {_listed(drawn)}."
    )


def what_stays(settings: ScenarioSettings, growth: Growth) -> str:
    """Return in sentences what is the same in every run, and what that means for the bands."""
    drawn = _drawn(settings, growth)
    same = [name for name in _NAMES.values() if name not in drawn]
    parts = [*same, "the workforce at the start", "the rules", "all other settings"]
    sentence = f"The same in every run: {_listed(parts)}."
    if "growth" in same:
        sentence += " Headcount follows from growth alone, so that its band has no width."
    return f"{sentence} What the scenario does not state, such as a reorganisation, is in no band."


def _drawn(settings: ScenarioSettings, growth: Growth) -> list[str]:
    """Return the names of the settings that are drawn, and growth where it follows from one."""
    uncertain = {field for field, within in settings.uncertainty if within}
    if growth == "outcome" and "experienced_termination_rate" in uncertain:
        uncertain.add("target_growth_rate")
    return [name for field, name in _NAMES.items() if field in uncertain]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
