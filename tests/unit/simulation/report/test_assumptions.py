"""What a scenario assumes, in the words of its report."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.report_marts import Scenario, recorded_configuration, report_marts

from simulation.report import write_report
from simulation.report.assumptions import in_words
from simulation.report.figures import Configuration


def sentences(settings: dict[str, Any]) -> list[str]:
    configuration = Configuration("f", 2025, 2027, json.dumps(settings))
    return [one.sentence.replace("\xa0", " ") for one in in_words(configuration)]


def test_settings_of_a_scenario_are_in_its_sentences():
    settings = recorded_configuration(
        simulation={
            "end_year": 2027,
            "target_growth_rate": {"2025": 0.0, "2026": -0.05, "2027": 0.031},
        },
        workforce={
            "experienced_termination_rate": 0.111,
            "new_hire_termination_rate": 0.222,
            "retirement": [{"age": 67, "probability": 0.3}],
            "reduction_date": "10-31",
            "reduction_order": "least_tenure",
            "reduction_departments": ["Sales"],
        },
        hiring={"pay_percentile": 0.4, "pay_percentile_by_level": {"2": 0.7}},
        compensation={
            "cola_rate": 0.017,
            "merit_budget": {"2025": 0.02, "2026": 0.03, "2027": 0.04},
            "band_growth": 0.013,
            "raise_date": "09-01",
            "promotion_rate": 0.055,
        },
    )

    text = " ".join(sentences(settings))

    for part in (
        "31 December 2024",
        "0.0 % (2025), \N{MINUS SIGN}5.0 % (2026), 3.1 % (2027) a year",
        "11.1 % leave",
        "22.2 % leave again",
        "Retirement: 30.0 % a year from age 67.",
        "31 October: the last hired leave first, from Sales before other departments.",
        "at 40 % of the pay band of their level, 70 % at level 2",
        "On 1 September pay rises by 1.7 % for the cost of living",
        "2.0 % (2025), 3.0 % (2026), 4.0 % (2027) of payroll for merit",
        "the pay of hires rise by 1.3 %.",
        "a chance of 5.5 % of a promotion",
        "seed 42",
    ):
        assert part in text


def test_a_difference_between_scenarios_is_a_difference_of_one_sentence():
    base = sentences(recorded_configuration())

    for section, field, value in (
        ("simulation", "random_seed", 7),
        ("simulation", "target_growth_rate", 0.08),
        ("workforce", "experienced_termination_rate", 0.2),
        ("workforce", "retirement", []),
        ("hiring", "pay_spread", 0.1),
        ("compensation", "cola_rate", 0.05),
        ("compensation", "band_growth", 0.01),
        ("compensation", "promotion_date", "03-01"),
        ("census", "path", "people.csv"),
    ):
        changed = sentences(recorded_configuration(**{section: {field: value}}))
        differing = [one for one, other in zip(base, changed, strict=True) if one != other]
        assert len(differing) == 1, field


def test_departments_with_a_growth_of_their_own_are_a_sentence_more():
    own = {"Sales": 0.1, "Legal": {str(year): 0.05 for year in range(2025, 2030)}}
    configuration = recorded_configuration(simulation={"growth_by_department": own})
    [more] = set(sentences(configuration)) - set(sentences(recorded_configuration()))
    assert "Sales 10.0 %; Legal 5.0 % (2025), 5.0 % (2026), 5.0 % (2027)." in more


def test_job_families_with_a_growth_or_an_order_of_their_own_are_in_the_sentences():
    configuration = recorded_configuration(
        simulation={"growth_by_job_family": {"Nurses": 0.1}},
        workforce={"reduction_departments": ["Sales"], "reduction_job_families": ["Clerks"]},
    )
    said = " ".join(sentences(configuration))
    assert "Job families with a growth of their own: Nurses 10.0 %." in said
    assert ", from Sales before other departments, from Clerks before other job families." in said


@pytest.mark.parametrize(("path", "is_invented"), [(None, True), ("people.csv", False)])
def test_page_marks_an_invented_census_and_has_the_sentences(
    tmp_path: Path, path: str | None, *, is_invented: bool
):
    scenario = Scenario(configuration=recorded_configuration(census={"path": path}))

    page = write_report(
        report_marts(scenario), scenario_id=scenario.name, path=tmp_path / "report.html"
    ).read_text(encoding="utf-8")

    section = page.split("What the scenario assumes</h2>")[1].split("</section>")[0]
    first = section.split("<li>")[1]
    assert ('<span class="invented">' in first) == is_invented
    assert section.count("<li>") == len(sentences(recorded_configuration()))


def test_a_configuration_of_another_release_has_no_sentences_but_its_text(tmp_path: Path):
    scenario = Scenario(configuration={"workforce": {"total_termination_rate": 0.12}})

    page = write_report(
        report_marts(scenario), scenario_id=scenario.name, path=tmp_path / "report.html"
    ).read_text(encoding="utf-8")

    assert "No assumptions can be read from this configuration" in page
    assert "total_termination_rate: 0.12" in page
