"""What the bench of scenarios at once says of its figures, and its configuration."""

from pathlib import Path

from bench.simulation.scenarios_at_once import Group, ratios, with_scenarios

from simulation.config import load_settings


def test_the_most_at_once_are_compared_with_what_the_cores_allow() -> None:
    groups = [Group(1, 31.2, 30.3), Group(2, 43.5, 64.8), Group(8, 186.1, 293.0)]
    assert ratios(groups, cores=2) == [
        "8 at once: 1.07 of the time of 2 at a time, 174.0 s",
        "1.27 of their CPU divided by 2 cores, 146.5 s",
    ]


def test_its_scenarios_are_the_baseline_under_other_names(tmp_path: Path) -> None:
    settings = load_settings(with_scenarios(["scenario_0", "scenario_1"], tmp_path))
    assert {"baseline", "scenario_0", "scenario_1"} <= settings.scenarios.keys()
    assert settings.scenarios["scenario_0"] == settings.scenarios["baseline"]
