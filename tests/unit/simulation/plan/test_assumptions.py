"""The page's inputs are those of the models, and what is entered becomes settings or problems."""

from typing import Any

import pytest

from simulation.config import ScenarioSettings, load_scenario
from simulation.plan.assumptions import Entered, all_assumptions, read_form

BASELINE = load_scenario("baseline")
ASSUMPTIONS = all_assumptions()
YEARS = BASELINE.simulation.years


def form_of(settings: ScenarioSettings, **changes: str) -> dict[str, str]:
    """What the inputs hold for these settings, with some changed; ``__`` stands for a dot."""
    fields = {name: text for each in ASSUMPTIONS for name, text in each.entered(settings).items()}
    return fields | {name.replace("__", "."): text for name, text in changes.items()}


def entered(**changes: str) -> Entered:
    return read_form(ASSUMPTIONS, BASELINE, form_of(BASELINE, **changes))


def test_every_share_of_the_models_is_an_assumption_with_its_own_words_and_bounds() -> None:
    known = {each.name: each for each in ASSUMPTIONS}
    assert {
        "simulation.target_growth_rate",
        "workforce.experienced_termination_rate",
        "workforce.new_hire_termination_rate",
        "hiring.pay_percentile",
        "compensation.cola_rate",
        "compensation.merit_budget",
        "compensation.band_growth",
        "compensation.promotion_rate",
    } <= set(known)
    growth = known["simulation.target_growth_rate"]
    model = type(BASELINE.simulation).model_fields["target_growth_rate"]
    assert growth.description == model.description
    assert (growth.low, growth.high, growth.is_yearly, growth.is_optional) == (-0.5, 1, True, False)
    assert known["compensation.band_growth"].is_optional
    assert not known["hiring.pay_percentile"].is_yearly


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"simulation": {"target_growth_rate": dict(zip(YEARS, [0, 0.1, -0.2, 0, 1], strict=True))}},
        {"compensation": {"band_growth": 0.123456, "cola_rate": 1e-06}},
        {"compensation": {"band_growth": dict.fromkeys(YEARS, 0.01)}},
        {"workforce": {"leaving_by_department": {"Sales": 1.5}, "reduction_departments": ["A"]}},
        {"hiring": {"level_mix": [{"level": 1, "share": 1.0}]}},
        {"tables": {"merit_rates": [{"level": n, "merit_rate": 0.03} for n in range(1, 6)]}},
    ],
)
def test_a_form_that_is_not_changed_has_the_settings_of_the_scenario(
    changes: dict[str, Any],
) -> None:
    settings = load_scenario("baseline", changes=changes)
    assert read_form(ASSUMPTIONS, settings, form_of(settings)).settings == settings


def test_each_number_reaches_the_setting_of_its_input_alone() -> None:
    for each in ASSUMPTIONS:
        value = (each.low + each.high) / 4
        changed = entered(**{each.name: f" {value} "}).settings
        assert changed is not None, each
        expected = load_scenario("baseline", changes={each.section: {each.field: value}})
        assert changed == expected


def test_a_year_has_its_own_number_and_the_others_that_of_all_years() -> None:
    settings = entered(compensation__merit_budget__2026="0.01").settings
    assert settings is not None
    assert settings.compensation.merit_budget == {
        year: 0.01 if year == 2026 else 0.04 for year in YEARS
    }
    each_year = {f"simulation__target_growth_rate__{year}": "0.01" for year in YEARS}
    settings = entered(simulation__target_growth_rate="", **each_year).settings
    assert settings is not None
    assert settings.simulation.target_growth_rate == dict.fromkeys(YEARS, 0.01)


def test_an_optional_setting_may_be_empty() -> None:
    settings = load_scenario("baseline", changes={"compensation": {"band_growth": 0.02}})
    form = form_of(settings, compensation__band_growth=" ")
    assert read_form(ASSUMPTIONS, settings, form).settings == BASELINE


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("compensation.merit_budget", "0.9", "0.9 is not allowed, allowed is a number from 0 to"),
        ("compensation.merit_budget", "0,03", "'0,03' is not allowed, allowed is a number from 0"),
        ("compensation.merit_budget", "nan", "nan is not allowed"),
        ("compensation.merit_budget", "", "missing, required is a number from 0"),
        ("compensation.merit_budget.2027", "-1", "-1.0 is not allowed, allowed is a number"),
        ("compensation.band_growth", "5 %", "'5 %' is not allowed"),
        ("hiring.pay_percentile", "1.5", "1.5 is not allowed, allowed is a number from 0 to 1"),
        ("workforce.experienced_termination_rate", "0.1234567", "more than six decimals"),
    ],
)
def test_what_the_models_refuse_is_shown_beside_its_input(
    name: str, text: str, problem: str
) -> None:
    found = entered(**{name: text})
    assert found.settings is None
    assert list(found.problems) == [name]
    assert problem in "; ".join(found.problems[name])


def test_a_rule_about_several_years_is_shown_beside_the_setting_that_it_names() -> None:
    found = entered(compensation__merit_budget="", compensation__merit_budget__2025="0.01")
    (text,) = found.problems["compensation.merit_budget"]
    assert text.startswith("merit_budget has no rate for 2026")
    found = entered(simulation__target_growth_rate="0.0000001")
    assert "more than six decimals" in "".join(found.problems[""])


def test_a_wrong_number_of_all_years_is_shown_once_beside_it() -> None:
    found = entered(compensation__cola_rate="7", compensation__cola_rate__2026="0.01")
    assert list(found.problems) == ["compensation.cola_rate"]
    (text,) = found.problems["compensation.cola_rate"]
    assert text.startswith("7.0 is not allowed")


def test_all_problems_are_found_at_once() -> None:
    found = entered(compensation__cola_rate="x", hiring__pay_spread="2")
    assert set(found.problems) == {"compensation.cola_rate", "hiring.pay_spread"}


NAMES = ["Human", "Human Resources", 'R&D, 2 "new"']
OF_DEPARTMENTS = all_assumptions(NAMES)


def entered_for_departments(settings: ScenarioSettings, **growths: str) -> Entered:
    fields = {
        name: text for each in OF_DEPARTMENTS for name, text in each.entered(settings).items()
    }
    of = "simulation.growth_by_department"
    changes = {f"{of}.{name}": text for name, text in growths.items()}
    assert set(changes) <= set(fields)
    return read_form(OF_DEPARTMENTS, settings, fields | changes)


def test_a_department_has_a_growth_of_its_own_where_one_is_entered() -> None:
    assert [each.name for each in OF_DEPARTMENTS if each not in ASSUMPTIONS] == [
        f"{setting}.{name}"
        for setting in (
            "simulation.growth_by_department",
            "workforce.leaving_by_department",
            "hiring.hiring_by_department",
            "compensation.cola_by_department",
            "compensation.merit_by_department",
        )
        for name in NAMES
    ]
    one = next(each for each in OF_DEPARTMENTS if each.unit == "Human")
    assert (one.low, one.high, one.is_yearly) == (-0.5, 1, True)
    settings = entered_for_departments(BASELINE, **{NAMES[1]: "0.05", NAMES[2]: " -0.1 "}).settings
    assert settings is not None
    assert settings.simulation.growth_by_department == {NAMES[1]: 0.05, NAMES[2]: -0.1}
    # emptied, it shares the growth of all again, and what no input is for stays
    kept = load_scenario(
        "baseline",
        changes={"simulation": {"growth_by_department": {"Human": 0.1, "Elsewhere": 0.2}}},
    )
    settings = entered_for_departments(kept, Human="").settings
    assert settings is not None
    assert settings.simulation.growth_by_department == {"Elsewhere": 0.2}


def test_a_growth_by_year_of_a_department_is_kept_and_may_change_in_a_year() -> None:
    rates = {year: (year - 2024) / 100 for year in YEARS}
    by_year = load_scenario(
        "baseline", changes={"simulation": {"growth_by_department": {NAMES[1]: rates}}}
    )
    assert entered_for_departments(by_year).settings == by_year
    settings = entered_for_departments(by_year, **{f"{NAMES[1]}.2026": "0.5"}).settings
    assert settings is not None
    assert settings.simulation.growth_by_department == {NAMES[1]: rates | {2026: 0.5}}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("Human Resources", "7", "7.0 is not allowed, allowed is a number from -0.5 to 1"),
        ("Human Resources", "x", "'x' is not allowed"),
        (NAMES[2], "7", "7.0 is not allowed"),
        ("Human Resources.2026", "7", "7.0 is not allowed"),
    ],
)
def test_a_refused_growth_is_shown_beside_its_department(
    name: str, text: str, problem: str
) -> None:
    # the other years have a number too
    found = entered_for_departments(
        BASELINE, **({name.partition(".")[0]: "0.1"} if "." in name else {}) | {name: text}
    )
    assert list(found.problems) == [f"simulation.growth_by_department.{name}"]
    assert problem in "; ".join(found.problems[f"simulation.growth_by_department.{name}"])


def test_a_growth_that_leaves_out_a_year_is_shown_beside_its_own_department() -> None:
    found = entered_for_departments(BASELINE, **{"Human Resources.2026": "0.1"})
    (text,) = found.problems["simulation.growth_by_department.Human Resources"]
    assert text.startswith("growth_by_department.Human Resources has no rate for 2025")


def test_a_job_family_has_inputs_that_keep_what_it_has_in_single_departments() -> None:
    assumptions = all_assumptions([], ["Clerks", "Nurses"])
    merit, growth = "compensation.merit_by_job_family", "simulation.growth_by_job_family"
    own = {"Clerks": {"Sales": 0.02, "*": 0.01}, "Nurses": {"Sales": 0.01}}
    settings = load_scenario("baseline", changes={"compensation": {"merit_by_job_family": own}})
    fields = {name: text for each in assumptions for name, text in each.entered(settings).items()}
    assert (fields[f"{merit}.Clerks"], fields[f"{merit}.Nurses"]) == ("0.01", "")
    assert f"{merit}.Clerks.2026" not in fields
    assert read_form(assumptions, settings, fields).settings == settings
    changes = {f"{merit}.Clerks": "", f"{merit}.Nurses": "0.03", f"{growth}.Nurses.2026": "0.1"}
    changed = read_form(
        assumptions, settings, fields | changes | {f"{growth}.Nurses": "0"}
    ).settings
    assert changed is not None
    assert changed.compensation.merit_by_job_family == {
        "Clerks": {"Sales": 0.02},
        "Nurses": {"Sales": 0.01, "*": 0.03},
    }
    assert changed.simulation.growth_by_job_family == {
        "Nurses": dict.fromkeys(YEARS, 0.0) | {2026: 0.1}
    }
    found = read_form(assumptions, settings, fields | {f"{merit}.Clerks": "7"})
    assert list(found.problems) == [f"{merit}.Clerks"]
    found = read_form(
        assumptions, settings, fields | {"workforce.leaving_by_job_family.Nurses": "0"}
    )
    (texts,) = found.problems.values()
    assert list(found.problems) == ["workforce.leaving_by_job_family.Nurses"]
    assert texts[0].startswith("0.0 is not allowed, allowed is a number above 0 to 1000")
