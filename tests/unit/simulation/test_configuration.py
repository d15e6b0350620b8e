"""The configuration file: what it may say, and what is answered when it is wrong."""

import re
from pathlib import Path

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config import CONFIGURATION_FILE, load_scenario, load_settings
from simulation.config.loading import place_of
from simulation.config.parameters import fingerprint, year_parameters
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts, target_headcount

SHIPPED = CONFIGURATION_FILE.read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "simulation_config.yaml"


def write(file: Path, replaced: str, by: str) -> None:
    """Write the shipped file with one passage changed."""
    assert replaced in SHIPPED
    file.write_text(SHIPPED.replace(replaced, by, 1), encoding="utf-8")


def test_the_shipped_example_of_a_scenario_works_as_soon_as_its_comment_signs_are_removed(
    file: Path,
) -> None:
    head, example = SHIPPED.split("  # cautious_hiring:", 1)
    file.write_text(head + re.sub("(?m)^  # ", "  ", f"  # cautious_hiring:{example}"))

    settings = load_scenario("cautious_hiring", path=file)

    baseline = load_scenario("baseline")
    differing = {
        name
        for name in type(settings).model_fields
        if getattr(settings, name) != getattr(baseline, name)
    }
    assert differing == {"simulation", "workforce", "hiring", "compensation", "tables"}
    assert settings.simulation.growth_in(2027) == 0.0
    assert [row["merit_rate"] for row in settings.tables.model_dump()["merit_rates"]] == [
        0.03, 0.035, 0.04, 0.045, 0.05,
    ]  # fmt: skip
    assert "cautious_hiring" not in load_settings().scenarios


def test_the_shipped_baseline_has_the_agreed_figures() -> None:
    settings = load_scenario("baseline")
    assert settings.simulation.model_dump() == {
        "start_year": 2025,
        "end_year": 2029,
        "first_day": "01-01",
        "random_seed": 42,
        "target_growth_rate": 0.03,
        "growth_by_department": {},
        "growth_by_job_family": {},
    }
    assert settings.workforce.model_dump() == {
        "experienced_termination_rate": 0.12,
        "leaving_by_department": {},
        "leaving_by_job_family": {},
        "new_hire_termination_rate": 0.25,
        "minimum_days_before_leaving": 30,
        "retirement": ({"age": 75, "probability": 1.0},),
        "reduction_date": "03-31",
        "reduction_order": "hazard",
        "reduction_departments": (),
        "reduction_job_families": (),
        "known_events": None,
    }
    assert settings.compensation.model_dump() == {
        "cola_rate": 0.025,
        "cola_minimum_tenure": 0,
        "cola_by_department": {},
        "cola_by_job_family": {},
        "merit_budget": 0.04,
        "merit_by_department": {},
        "merit_by_job_family": {},
        "band_growth": None,
        "raise_date": "07-15",
        "raise_minimum_tenure": 1,
        "promotion_date": "02-01",
        "promotion_rate": 0.04,
        "promotion_minimum_tenure": 1,
        "promotion_age_limit": 65,
        "promotion_increase": 0.2,
        "promotion_increase_spread": 0.05,
        "promotion_increase_cap": 0.3,
    }


def test_every_shipped_scenario_is_valid() -> None:
    settings = load_settings()
    assert "baseline" in settings.scenarios
    assert len(settings.scenarios) > 1


NUMBER = "is not allowed, allowed is a number"
RATE = "a number from 0 to 0.9 or a mapping"
YEAR = "a whole number from 2000 to 2060"
GROWTH = "a number from -0.5 to 1"
NO_DAY = "is not a day of every year, allowed is month-day, such as 07-15"

# What is replaced in the shipped file, by what, the field named, and the rest of the message.
MISTAKES = [
    # out of range
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: 0.91",
     "workforce.experienced_termination_rate", f"0.91 is not allowed, allowed is {RATE}"),
    ("new_hire_termination_rate: 0.25", "new_hire_termination_rate: -0.1",
     "workforce.new_hire_termination_rate", f"-0.1 is not allowed, allowed is {RATE}"),
    ("start_year: 2025", "start_year: 1999",
     "simulation.start_year", f"1999 is not allowed, allowed is {YEAR}"),
    ("target_growth_rate: 0.03", "target_growth_rate: 3",
     "simulation.target_growth_rate", f"3 is not allowed, allowed is {GROWTH} or a mapping"),
    ("merit_budget: 0.04", "merit_budget: 4",
     "compensation.merit_budget", f"4 {NUMBER} from 0 to 0.5 or a mapping"),
    ("run_seconds: 60", "run_seconds: 0", "limits.run_seconds", f"0 {NUMBER} above 0"),
    # finer than headcounts are computed
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: 0.1234567",
     "workforce.experienced_termination_rate",
     "0.1234567 has more than six decimals, allowed are at most six"),
    # another type, among them those that a lenient reader would take for numbers
    ("start_year: 2025", "start_year: soon",
     "simulation.start_year", f"'soon' is not allowed, allowed is {YEAR}"),
    ("start_year: 2025", "start_year: 2025.5",
     "simulation.start_year", f"2025.5 is not allowed, allowed is {YEAR}"),
    ("start_year: 2025", 'start_year: "2025"',
     "simulation.start_year", f"'2025' is not allowed, allowed is {YEAR}"),
    ("target_growth_rate: 0.03", "target_growth_rate: true",
     "simulation.target_growth_rate", f"True is not allowed, allowed is {GROWTH} or a mapping"),
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: false",
     "workforce.experienced_termination_rate", f"False is not allowed, allowed is {RATE}"),
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: 12 %",
     "workforce.experienced_termination_rate", f"'12 %' is not allowed, allowed is {RATE}"),
    ("experienced_termination_rate: 0.12", "experienced_termination_rate:",
     "workforce.experienced_termination_rate", f"None is not allowed, allowed is {RATE}"),
    ("pay_percentile: 0.5", "pay_percentile: {first: 0.1}",
     "hiring.pay_percentile", f"a mapping {NUMBER} from 0 to 1"),
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: {first: 0.1}",
     "workforce.experienced_termination_rate.first",
     "'first' is not allowed as a key: Input should be a valid integer"),
    ("experienced_termination_rate: 0.12", "experienced_termination_rate: .nan",
     "workforce.experienced_termination_rate", f"nan is not allowed, allowed is {RATE}"),
    ("run_seconds: 60", "run_seconds: .inf", "limits.run_seconds", f"inf {NUMBER} above 0"),
    ("level_mix: []", "level_mix: 3",
     "hiring.level_mix", "3 is not allowed, allowed is a list of mappings"),
    # days
    ('raise_date: "07-15"', 'raise_date: "02-29"', "compensation.raise_date", f"'02-29' {NO_DAY}"),
    ('raise_date: "07-15"', 'raise_date: "7-15"', "compensation.raise_date", f"'7-15' {NO_DAY}"),
    ('raise_date: "07-15"', "raise_date: 715",
     "compensation.raise_date", "715 is not allowed, allowed is a text"),
    # unknown and missing
    ("  merit_budget: 0.04\n", "  merit_budget: 0.04\n  merit_bugdet: 0.04\n",
     "compensation.merit_bugdet", "unknown key, allowed is one of: band_growth, "
     "cola_by_department, cola_by_job_family, cola_minimum_tenure, cola_rate, merit_budget, "
     "merit_by_department, merit_by_job_family, promotion_age_limit, "
     "promotion_date, promotion_increase, promotion_increase_cap, promotion_increase_spread, "
     "promotion_minimum_tenure, promotion_rate, raise_date, raise_minimum_tenure"),
    ("compensation:\n  cola_rate: 0.025\n", "compensation:\n",
     "compensation.cola_rate", "missing, required is a number from 0 to 0.5 or a mapping"),
    ("limits:\n", "limit:\n", "limit", "unknown key, allowed is one of: census, compensation, "
     "cost, hiring, limits, retirement_plan, scenarios, simulation, tables, uncertainty, "
     "workforce"),
    # what has to agree
    ("end_year: 2029", "end_year: 2024",
     "simulation", "end_year 2024 is before start_year 2025, allowed is a year from 2025 to 2060"),
    ('promotion_date: "02-01"', 'promotion_date: "07-16"',
     "compensation", "promotion_date 07-16 is after raise_date 07-15, allowed is the same day or "
     "one before: raises follow promotions"),
    ("end_year: 2029\n", 'end_year: 2029\n  first_day: "07-01"\n',
     "compensation", "promotion_date 02-01 is after raise_date 07-15, allowed is the same day or "
     "one before: raises follow promotions"),
    ("end_year: 2029\n", 'end_year: 2029\n  first_day: "02-29"\n',
     "simulation.first_day", f"'02-29' {NO_DAY}"),
    ("census:\n", "census:\n  date: 2025-01-01\n",
     "census", "date 2025-01-01 is not allowed, allowed is a day from 2024-01-01 to 2024-12-31"),
    ("census:\n", "census:\n  date: soon\n",
     "census.date", "'soon' is not allowed, allowed is a text written as a date or nothing"),
    ("target_growth_rate: 0.03", "target_growth_rate: {2025: 0, 2026: 0, 2028: 0, 2029: 0}",
     "simulation", "target_growth_rate has no rate for 2027, required is one for each year from "
     "2025 to 2029"),
    ("target_growth_rate: 0.03", "target_growth_rate: {2025: 0, 2026: 7}",
     "simulation.target_growth_rate.2026", f"7 is not allowed, allowed is {GROWTH}"),
    ("target_growth_rate: 0.03", "target_growth_rate: {first: 0}",
     "simulation.target_growth_rate.first",
     "'first' is not allowed as a key: Input should be a valid integer"),
    ("cola_rate: 0.025", "cola_rate: {2025: 0, 2026: 0, 2027: 0, 2028: 0}",
     "(the whole file)", "cola_rate has no rate for 2029, required is one for each "
     "year from 2025 to 2029"),
    ("reduction_order: hazard", "reduction_order: youngest",
     "workforce.reduction_order", "'youngest' is not allowed, allowed is"),
    ("[{age: 75, probability: 1.0}]", "[{age: 75, probability: 1.0}, {age: 70, probability: 0.5}]",
     "workforce", "retirement has the ages [75, 70], allowed are ages in ascending order"),
    ("level_mix: []", "level_mix: [{level: 1, share: 0.7}]",
     "hiring", "the shares of level_mix add up to 0.7, allowed is 1"),
    ("level_mix: []", "level_mix: [{level: 2, share: 0.5}, {level: 2, share: 0.5}]",
     "hiring", "level_mix names a level twice: [2, 2], allowed is each once"),
    ("level_mix: []", "level_mix: [{level: 0, share: 1}]",
     "hiring.level_mix.0.level", "0 is not allowed, allowed is a whole number from 1 to 99"),
    # the census
    ("second_positions: sum", "mappings: {city: {columns: {annual_salary: annual_salary}}}",
     "census.mappings.city.columns.annual_salary",
     "'annual_salary' is not allowed as a key: Input should be 'employee_id', 'hire_date', "
     "'annual_compensation', 'birth_date', 'level', 'termination_date', 'department', 'status', "
     "'fte', 'pay_basis', 'position' or 'job_family'"),
    ("second_positions: sum", "second_positions: add", "census.second_positions",
     "'add' is not allowed"),
    ("generated_size: 10000", "generated_size: 0", "census.generated_size",
     "0 is not allowed, allowed is a whole number from 1 to 5000000"),
    # scenarios
    ("  baseline: {}", "  baseline:",
     "scenarios.baseline", "None is not allowed, allowed is a mapping"),
    ("  baseline: {}", "  Base-line: {}", "scenarios.Base-line",
     "'Base-line' is not allowed as a key: String should match pattern "
     "'^[a-z][a-z0-9_]{0,39}$'"),
    ("      target_growth_rate: 0.08", "      target_growth_rate: 8",
     "scenarios.high_growth.simulation.target_growth_rate",
     f"8 is not allowed, allowed is {GROWTH} or a mapping"),
    ("      target_growth_rate: 0.08", "      target_growth: 0.08",
     "scenarios.high_growth.simulation.target_growth",
     "unknown key, allowed is one of: end_year, first_day, growth_by_department, "
     "growth_by_job_family, random_seed, "
     "start_year, target_growth_rate"),
    ("  high_growth:\n", "  high_growth:\n    hiring:\n      level_mix:\n"
     "        - {level: 1, share: 2}\n",
     "scenarios.high_growth.hiring.level_mix.0.share", f"2 {NUMBER} from 0 to 1"),
    ("  high_growth:\n", "  high_growth:\n    hirings: {}\n", "scenarios.high_growth.hirings",
     "unknown key, allowed is one of: census, compensation, cost, hiring, limits, "
     "retirement_plan, simulation, tables, uncertainty, workforce"),
    ("2028: 0.0, 2029: 0.02}", "2028: 0.0}", "scenarios.hiring_freeze.simulation",
     "target_growth_rate has no rate for 2029, required is one for each year from 2025 to 2029"),
]  # fmt: skip


def line_of_key(text: str, field: str) -> int:
    """The line of the field's own key, or of the nearest key above it that is there."""
    line, depth = 1, -1
    wanted = field.split(".")
    for number, content in enumerate(text.splitlines(), 1):
        key = content.strip().removeprefix("- ").partition(":")[0]
        indent = (len(content) - len(content.lstrip())) // 2
        if key and not key.startswith("#") and indent <= depth:
            break  # another section, which may have keys of the same name
        if indent == depth + 1 and wanted and key == wanted[0]:
            line, depth = number, indent
            wanted.pop(0)
    return line


@pytest.mark.parametrize(("replaced", "by", "field", "message"), MISTAKES)
def test_a_mistake_is_answered_with_place_value_and_remedy(
    replaced: str, by: str, field: str, message: str, file: Path
) -> None:
    write(file, replaced, by)
    with pytest.raises(ConfigurationError) as refused:
        load_settings(file)
    found = [line for line in str(refused.value).splitlines() if f": {field}: " in line]
    assert found, str(refused.value)
    line = line_of_key(file.read_text(encoding="utf-8"), field)
    if "level_mix.0" in field and field.startswith("scenarios"):
        line += 1  # the list's first entry is below its key
    assert found[0].startswith(f"{file}:{line}: {field}: {message}")


@pytest.mark.parametrize(
    ("replaced", "by", "message"),
    [
        ("  high_growth:\n", "  baseline:\n", 'found duplicate key "baseline"'),
        ("limits:\n", "limits: [\n", "expected ',' or ']', but got ':'"),
    ],
)
def test_invalid_yaml_is_an_error_with_file_and_line(
    replaced: str, by: str, message: str, file: Path
) -> None:
    write(file, replaced, by)
    with pytest.raises(ConfigurationError, match=rf"{file}:\d+: {message}"):
        load_settings(file)


def test_a_mistake_in_one_scenario_does_not_stop_another(file: Path) -> None:
    write(file, "      target_growth_rate: 0.08", "      target_growth_rate: 8")
    assert load_scenario("baseline", path=file).simulation.target_growth_rate == 0.03
    with pytest.raises(ConfigurationError, match=r"scenarios\.high_growth\.simulation"):
        load_scenario("high_growth", path=file)


def test_an_unknown_scenario_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_scenario("base_line")
    line = SHIPPED.splitlines().index("scenarios:") + 1
    assert str(refused.value) == (
        f"{CONFIGURATION_FILE}:{line}: scenarios: no scenario 'base_line', "
        "allowed is one of: baseline, high_growth, hiring_freeze"
    )


def test_the_arguments_of_a_run_win_and_their_errors_do_not_name_the_file() -> None:
    asked = {"simulation": {"start_year": 2030, "end_year": 2031}, "census": {"path": "a.csv"}}
    settings = load_scenario("high_growth", changes=asked)
    assert (settings.simulation.start_year, settings.simulation.end_year) == (2030, 2031)
    assert settings.simulation.target_growth_rate == 0.08
    assert settings.census.path == "a.csv"
    with pytest.raises(ConfigurationError) as refused:
        load_scenario("baseline", changes={"simulation": {"start_year": 1990}})
    assert str(refused.value) == (
        f"requested for this run: simulation.start_year: 1990 is not allowed, allowed is {YEAR}"
    )


def test_a_scenario_replaces_growth_rates_whole_and_the_rest_key_by_key() -> None:
    settings = load_scenario("hiring_freeze")
    assert [settings.simulation.growth_in(year) for year in range(2025, 2030)] == [
        0.0, -0.05, -0.05, 0.0, 0.02,
    ]  # fmt: skip
    assert settings.simulation.random_seed == load_scenario("baseline").simulation.random_seed
    uniform = load_scenario("hiring_freeze", changes={"simulation": {"target_growth_rate": 0.1}})
    assert uniform.simulation.growth_in(2026) == 0.1


def test_settings_survive_being_kept_as_json() -> None:
    """Steps hand them on through the warehouse."""
    mix = {"hiring": {"level_mix": [{"level": 1, "share": 0.7}, {"level": 3, "share": 0.3}]}}
    for name in load_settings().scenarios:
        settings = load_scenario(name, changes=mix)
        assert ScenarioSettings.model_validate_json(settings.model_dump_json()) == settings


def identity(settings: ScenarioSettings, **changes: str) -> str:
    known = {"scenario_id": "baseline", "census_digest": "census", "rules_digest": "rules"}
    return fingerprint(settings=settings, **(known | changes))


def test_the_fingerprint_moves_with_all_that_rows_depend_on() -> None:
    base = load_scenario("baseline")
    prints = [identity(base)]
    prints += [
        identity(load_scenario("baseline", changes={section: {field: value}}))
        for section, field, value in (
            ("simulation", "random_seed", 43),
            ("simulation", "start_year", 2024),
            ("simulation", "target_growth_rate", 0.031),
            ("workforce", "experienced_termination_rate", 0.13),
            ("hiring", "pay_percentile", 0.6),
            ("compensation", "cola_rate", 0.03),
        )
    ]
    prints += [
        identity(base, **{part: "another"})
        for part in ("scenario_id", "census_digest", "rules_digest")
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(text) == 16 for text in prints)


def test_the_fingerprint_stays_with_what_no_row_depends_on() -> None:
    base = identity(load_scenario("baseline"))
    for changes in (
        {"simulation": {"end_year": 2035}},
        {"census": {"path": "moved/census.csv", "generated_size": 5}},
        {"limits": {"run_seconds": 5}},
    ):
        assert identity(load_scenario("baseline", changes=changes)) == base


def test_the_parameters_of_a_year_are_its_own_and_exact() -> None:
    parameters = year_parameters(
        load_scenario("hiring_freeze"), 2026, opening=Headcounts(total=1000)
    )
    assert parameters["growth_millionths"] == -50_000
    assert parameters["termination_millionths"] == 120_000
    assert str(parameters["raise_date"]) == "2026-07-15"
    assert str(parameters["promotion_date"]) == "2026-02-01"
    assert parameters["target_headcount"] == 950


def test_rates_of_a_year_are_that_years() -> None:
    rates = {2025: 0.01, 2026: 0.02, 2027: 0.03, 2028: 0.04, 2029: 0.05}
    settings = load_scenario(
        "baseline",
        changes={
            "workforce": {
                "experienced_termination_rate": rates,
                "new_hire_termination_rate": rates,
            },
            "compensation": {"cola_rate": rates, "merit_budget": rates, "promotion_rate": rates},
        },
    )
    parameters = year_parameters(settings, 2027, opening=Headcounts(total=100))
    assert parameters["termination_millionths"] == 30_000
    assert parameters["new_hire_termination_millionths"] == 30_000
    assert parameters["cola_rate"] == parameters["merit_budget"] == 0.03
    assert parameters["promotion_rate"] == 0.03
    # bands grow as the cost of living of the years before
    assert parameters["band_index"] == pytest.approx(1.01 * 1.02)
    assert parameters["band_index_after_raises"] == pytest.approx(1.01 * 1.02 * 1.03)


def test_the_target_is_growth_upon_the_census_and_not_upon_rounded_years() -> None:
    settings = load_scenario("baseline")
    targets = [target_headcount(settings, 12, year) for year in range(2025, 2035)]
    assert targets == [12, 13, 13, 14, 14, 14, 15, 15, 16, 16]


@pytest.mark.parametrize(
    ("rate", "opening", "target"),
    [
        (0.005, 100, 101),  # 100.5, in floating point 100.49999999999999
        (0.285, 100, 129),
        (-0.2, 3, 2),  # 2.4
        (-0.5, 1, 1),  # 0.5
    ],
)
def test_halves_are_rounded_up_exactly(rate: float, opening: int, target: int) -> None:
    settings = load_scenario("baseline", changes={"simulation": {"target_growth_rate": rate}})
    assert target_headcount(settings, opening, 2025) == target


def test_a_setting_has_its_line_in_the_scenario_or_the_file(tmp_path: Path) -> None:
    file = tmp_path / "simulation_config.yaml"
    text = CONFIGURATION_FILE.read_text(encoding="utf-8").replace(
        "      target_growth_rate: 0.08", "      growth_by_department: {Sales: 0.08}"
    )
    file.write_text(text, encoding="utf-8")
    line = text[: text.index("{Sales")].count("\n") + 1
    location = ("simulation", "growth_by_department", "Sales")
    assert place_of("high_growth", location, path=file) == (
        f"{file}:{line}: scenarios.high_growth.simulation.growth_by_department.Sales"
    )
    assert place_of("gone", location, path=file) == "simulation.growth_by_department.Sales"
