"""A saved scenario loads as it was planned, and nothing else in the file changes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config import CONFIGURATION_FILE, ScenarioSettings, load_scenario, load_settings
from simulation.plan.saved_scenario import ScenarioExistsError, run_command, save_scenario

YEARS = range(2025, 2030)
COMMENT = "  # baseline with other assumptions, by make plan\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "simulation_config.yaml"
    shutil.copy(CONFIGURATION_FILE, path)
    return path


def planned(**changes: Any) -> ScenarioSettings:
    return load_scenario("baseline", changes=changes)


def save(
    file: Path, name: str, settings: ScenarioSettings, *, is_replacing: bool = False
) -> list[str]:
    """Save; return the lines that the file has more than before, once those are checked."""
    before = file.read_text(encoding="utf-8").splitlines(keepends=True)
    save_scenario(name, settings, base="baseline", is_replacing=is_replacing, path=file)
    after = file.read_text(encoding="utf-8").splitlines(keepends=True)
    added = len(after) - len(before)
    start = next(place for place, line in enumerate(after) if line not in before[place : place + 1])
    if not is_replacing:
        assert after[:start] + after[start + added :] == before
    return after[start : start + added]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compensation": {"merit_budget": 0.02, "band_growth": 0.0}},
        {"simulation": {"target_growth_rate": dict.fromkeys(YEARS, -0.01), "random_seed": 7}},
        {"simulation": {"start_year": 2026, "end_year": 2027}},
        {"workforce": {"leaving_by_department": {"R&D: north": 1.5, "1e3": 2.0, "null": 1.0}}},
        {"workforce": {"retirement": [{"age": 60, "probability": 0.1}], "reduction_date": "09-30"}},
        {"hiring": {"pay_percentile_by_level": {1: 0.2}, "level_mix": [{"level": 1, "share": 1}]}},
        {"tables": {"merit_rates": [{"level": n, "merit_rate": 0.03} for n in range(1, 6)]}},
        {"census": {"generated_size": 300, "second_positions": "main"}},
        {"cost": {"employer_taxes": [], "benefits_per_head": 9.0, "bonus_rate": 0.1,
                  "overhead_rate": {2025: 0.1, 2027: 0.2}}},
    ],
)  # fmt: skip
def test_a_saved_scenario_loads_as_it_was_planned(file: Path, changes: dict[str, Any]) -> None:
    settings = planned(**changes)
    others = {name: load_scenario(name, path=file) for name in load_settings(file).scenarios}

    lines = save(file, "plan_a", settings)

    assert lines[0].startswith("  plan_a:")
    assert lines[0].endswith(COMMENT)
    assert load_scenario("plan_a", path=file) == settings
    assert {name: load_scenario(name, path=file) for name in others} == others


def test_only_what_differs_is_written_after_the_last_scenario(file: Path) -> None:
    settings = planned(
        compensation={"merit_budget": 0.02},
        census={"path": "/data/census.csv", "mapping": "hr"},
    )
    assert save(file, "plan_a", settings) == [
        f"  plan_a:{COMMENT}",
        "    compensation: {merit_budget: 0.02}\n",
    ]
    text = file.read_text(encoding="utf-8")
    assert text.index("  hiring_freeze:") < text.index("  plan_a:") < text.index("# cautious_hir")
    assert file.stat().st_mode == CONFIGURATION_FILE.stat().st_mode
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_scenario_is_added_where_the_file_goes_on_or_has_no_last_newline(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    head, _, scenarios = text.partition("# Each scenario is")
    common, _, limits = head.partition("limits:")
    file.write_text(f"{common}# Each scenario is{scenarios}\nlimits:{limits}", encoding="utf-8")
    save(file, "plan_a", planned())
    assert load_scenario("plan_a", path=file) == planned()
    file.write_text(f"{head}scenarios:\n    baseline: {{}}", encoding="utf-8")
    settings = planned(compensation={"cola_rate": 0.01})
    save_scenario("plan_a", settings, base="baseline", is_replacing=False, path=file)
    assert file.read_text(encoding="utf-8") == (
        f"{head}scenarios:\n    baseline: {{}}\n"
        f"    plan_a:{COMMENT}      compensation: {{cola_rate: 0.01}}\n"
    )


def test_a_scenario_is_replaced_only_when_that_is_agreed(file: Path) -> None:
    save(file, "plan_a", planned(compensation={"merit_budget": 0.02}))
    save(file, "plan_b", planned(compensation={"merit_budget": 0.03}))
    before = file.read_text(encoding="utf-8")

    for name in ("plan_a", "hiring_freeze"):
        with pytest.raises(ScenarioExistsError, match=f"there is a scenario {name} already"):
            save(file, name, planned())
    assert file.read_text(encoding="utf-8") == before

    changed = planned(compensation={"merit_budget": 0.01, "cola_rate": 0.01})
    save(file, "plan_a", changed, is_replacing=True)

    assert load_scenario("plan_a", path=file) == changed
    assert load_scenario("plan_b", path=file).compensation.merit_budget == 0.03
    save(file, "plan_a", planned(compensation={"merit_budget": 0.02}), is_replacing=True)
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("name", ["", "Plan", "1st", "a b", "a" * 41, "ä", "../x", "a: {}\n  b"])
def test_a_name_that_the_model_refuses_is_not_written(file: Path, name: str) -> None:
    before = file.read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not allowed as a key"):
        save(file, name, planned())
    assert file.read_text(encoding="utf-8") == before


def test_what_the_file_cannot_hold_is_refused_and_changes_nothing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    # a scenario adds to this mapping, and cannot take away from it
    text = text.replace("\nworkforce:\n", "\nworkforce:\n  leaving_by_department: {Sales: 2.0}\n")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="the file cannot hold plan_a"):
        save(file, "plan_a", planned())
    assert file.read_text(encoding="utf-8") == text
    flow = text.partition("scenarios:")[0] + "scenarios: {baseline: {}}\n"
    file.write_text(flow, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        save(file, "plan_a", planned())
    assert file.read_text(encoding="utf-8") == flow
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_the_command_has_the_census_and_the_years_that_were_planned_on() -> None:
    assert run_command("plan_a", planned(), YEARS) == "make run SCENARIO=plan_a"
    settings = planned(census={"path": "/data/a census.csv", "mapping": "hr"})
    assert run_command("plan_a", settings, range(2025, 2028)) == (
        "make run SCENARIO=plan_a 'CENSUS=/data/a census.csv' MAPPING=hr YEARS=2025-2027"
    )
