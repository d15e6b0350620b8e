"""Tables of a scenario in place of seeds: what they may say, and whose years they concern."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.config import CONFIGURATION_FILE, load_scenario, load_settings
from simulation.config.parameters import NOT_OF_ROWS, fingerprint

SHIPPED = CONFIGURATION_FILE.read_text(encoding="utf-8")
BANDS = """\
      job_levels:
        - {level: 1, level_name: Staff, min_compensation: 40000, max_compensation: 60000}
        - {level: 2, level_name: Manager, min_compensation: 61000, max_compensation: 90000}
        - {level: 3, level_name: Senior Manager, min_compensation: 91000, max_compensation: 120000}
        - {level: 4, level_name: Director, min_compensation: 121000, max_compensation: 200000}
        - {level: 5, level_name: VP, min_compensation: 190000, max_compensation: 300000}
"""
AGES = """\
      new_hire_ages:
        - {age: 30, share: 0.4}
        - {age: 40, share: 0.6}
"""
HAZARDS = """\
      termination_hazard_by_tenure:
        - {tenure_band: "<2", multiplier: 3}
        - {tenure_band: 2-4, multiplier: 1.5}
        - {tenure_band: 5-9, multiplier: 1}
        - {tenure_band: 10-19, multiplier: 1}
        - {tenure_band: 20+, multiplier: 1}
"""
PROMOTIONS = """\
      promotion_hazard_by_level:
        - {level: 1, multiplier: 1}
        - {level: 2, multiplier: 1}
        - {level: 3, multiplier: 1}
        - {level: 4, multiplier: 1}
        - {level: 5, multiplier: 0}
"""
TABLES = BANDS + AGES + HAZARDS + PROMOTIONS


def file_with(directory: Path, tables: str) -> Path:
    """The shipped file with one more scenario that has the tables."""
    file = directory / "simulation_config.yaml"
    file.write_text(f"{SHIPPED}  other_market:\n    tables:\n{tables}", encoding="utf-8")
    return file


def fingerprint_of(scenario: str, file: Path) -> str:
    return fingerprint(
        scenario_id=scenario,
        settings=load_scenario(scenario, path=file),
        census_digest="census",
        rules_digest="rules",
    )


def test_a_scenario_has_its_own_tables_and_no_other_has(tmp_path: Path) -> None:
    file = file_with(tmp_path, TABLES)
    settings = load_scenario("other_market", path=file)
    assert settings.tables.pay_bands()[4] == (121000, 200000)
    assert ("new_hire_ages", "40", 0.6) in list(settings.tables.rates())
    assert load_scenario("baseline", path=file).tables.pay_bands()[4] == (161000, 300000)
    assert not list(load_scenario("baseline", path=file).tables.rates())


def test_the_fingerprint_of_a_scenario_covers_its_own_tables_only(tmp_path: Path) -> None:
    before = {name: fingerprint_of(name, CONFIGURATION_FILE) for name in load_settings().scenarios}
    file = file_with(tmp_path, TABLES)
    assert {name: fingerprint_of(name, file) for name in before} == before
    first = fingerprint_of("other_market", file)
    file = file_with(tmp_path, TABLES.replace("share: 0.4", "share: 0.5").replace("0.6}", "0.5}"))
    assert fingerprint_of("other_market", file) != first
    assert fingerprint_of("baseline", file) == before["baseline"]


def test_a_scenario_without_tables_keeps_the_fingerprint_of_releases_before_them() -> None:
    settings = load_scenario("baseline")
    known: dict[str, Any] = settings.model_dump(mode="json", exclude={*NOT_OF_ROWS, "tables"})
    del known["simulation"]["end_year"], known["simulation"]["first_day"]
    del known["simulation"]["growth_by_department"], known["simulation"]["growth_by_job_family"]
    del known["workforce"]["reduction_job_families"]
    del known["workforce"]["leaving_by_department"], known["hiring"]["hiring_by_department"]
    del known["compensation"]["cola_by_department"], known["workforce"]["known_events"]
    del known["workforce"]["leaving_by_job_family"], known["hiring"]["hiring_by_job_family"]
    del known["compensation"]["cola_by_job_family"]
    del known["compensation"]["merit_by_department"], known["compensation"]["merit_by_job_family"]
    identity = json.dumps(["baseline", known, "census", "rules"], sort_keys=True)
    before = hashlib.sha256(identity.encode()).hexdigest()[:16]
    assert fingerprint_of("baseline", CONFIGURATION_FILE) == before


LEVELS = "allowed is one of: 1, 2, 3, 4, 5"

# What is replaced in the tables above, by what, the field named, and the rest of the message.
MISTAKES = [
    ("min_compensation: 91000", "min_compensation: -1", "job_levels.2.min_compensation",
     "-1 is not allowed, allowed is a number above 0 below 1000000000000.0"),
    ("level: 3, level_name", "level: 7, level_name", "job_levels.2.level",
     f"7 is not in the seed job_levels, {LEVELS}"),
    ("level_name: Manager", "level_name: Boss", "job_levels",
     "level 2 is named 'Boss', allowed is its name in the seed, 'Manager'"),
    ("max_compensation: 90000", "max_compensation: 50000", "job_levels",
     "level 2 is paid 61,000 to 50,000, allowed is a band that ends above its start, both ends "
     "above those of the level below, 40,000 to 60,000"),
    ("min_compensation: 61000", "min_compensation: 61000, minimum: 1", "job_levels.1.minimum",
     "unknown key, allowed is one of: level, level_name, max_compensation, min_compensation"),
    ("tenure_band: 10-19", "tenure_band: 10-20", "termination_hazard_by_tenure.3.tenure_band",
     "'10-20' is not in the seed tenure_bands, allowed is one of: <2, 2-4, 5-9, 10-19, 20+; did "
     "you mean '10-19'?"),
    ("tenure_band: 20+", "tenure_band: 5-9", "termination_hazard_by_tenure",
     "tenure_band 5-9 is there more than once, allowed is each once"),
    ("        - {tenure_band: 20+, multiplier: 1}\n", "", "termination_hazard_by_tenure",
     "no row for tenure_band 20+, required is one for each"),
    ('"<2", multiplier: 3', '"<2", multiplier: 0', "termination_hazard_by_tenure.0.multiplier",
     "0 is not allowed, allowed is a number above 0 to 1000"),
    ('"<2", multiplier: 3', '"<2"', "termination_hazard_by_tenure.0.multiplier",
     "missing, required is a number above 0 to 1000"),
    ("share: 0.4", "share: 0.3", "new_hire_ages", "the shares add up to 0.9, allowed is 1"),
    ("age: 30", "age: 9", "new_hire_ages.0.age",
     "9 is not allowed, allowed is a whole number from 14 to 99"),
    ("level: 5, multiplier: 0", "level: 5, multiplier: 1", "promotion_hazard_by_level",
     "level 5 has the multiplier 1.0, allowed is 0 at the top level 5 and above 0 below it"),
    ("promotion_hazard_by_level:", "promotion_hazard:", "promotion_hazard",
     "unknown key, allowed is one of: job_levels, merit_rates, new_hire_ages, "
     "promotion_hazard_by_age, promotion_hazard_by_level, promotion_hazard_by_tenure, "
     "termination_hazard_by_age, termination_hazard_by_level, termination_hazard_by_tenure"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "text"), MISTAKES)
def test_mistakes_name_file_line_field_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, field: str, text: str
) -> None:
    assert TABLES.count(old) == 1
    file = file_with(tmp_path, TABLES.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    place, _, message = str(caught.value).partition(f": scenarios.other_market.tables.{field}: ")
    assert message == text
    path, _, line = place.rpartition(":")
    assert path == str(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    last = field.rpartition(".")[2]
    # a row's field is on the row's line, and a missing field is missing there
    assert (last in lines[int(line) - 1]) or '"<2"' in lines[int(line) - 1]
