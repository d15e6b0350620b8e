"""A search meets its target as near to the present value as it can, or says how near it comes."""

from collections.abc import Callable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulation.config import load_scenario
from simulation.config.settings import ScenarioSettings
from simulation.seek.__main__ import _show
from simulation.seek.levers import Lever, all_levers, parse_levers, unit_levers
from simulation.seek.search import Outcome, seek
from simulation.seek.solving import Solution
from simulation.seek.target import SeekRefusedError, Target, parse_target
from simulation.state.runs import YearRefusedError

SETTINGS = load_scenario("baseline")
MERIT, COLA = parse_levers("merit_budget cola_rate")


def target(sign: str, bound: float) -> Target:
    return parse_target(f"payroll 2027 {sign} {bound!r}", range(2025, 2030))


def found(
    measure: Callable[[ScenarioSettings], float], wanted: Target, *levers: Lever
) -> tuple[Outcome, int]:
    runs: list[ScenarioSettings] = []

    def simulate(settings: ScenarioSettings) -> float:
        runs.append(settings)
        return measure(settings)

    outcome = seek(
        simulate, SETTINGS, wanted, levers, present=measure(SETTINGS), on_try=lambda _: None
    )
    return outcome, len(runs)


def merit(settings: ScenarioSettings) -> float:
    return MERIT.current(settings, 2027) * 1000


@given(
    bound=st.integers(1, 4999).map(lambda steps: steps / 10),
    sign=st.sampled_from(["<=", ">="]),
    is_falling=st.booleans(),
)
def test_a_reachable_target_is_met_and_one_step_nearer_to_the_present_is_not(
    *, bound: float, sign: str, is_falling: bool
) -> None:
    wanted = target(sign, bound)

    def measure(settings: ScenarioSettings) -> float:
        return 500 - merit(settings) if is_falling else merit(settings)

    outcome, runs = found(measure, wanted, MERIT)

    assert outcome.is_met
    assert runs <= 20
    if not outcome.values:
        assert wanted.is_met(measure(SETTINGS))
        return
    ((lever, value),) = outcome.values
    assert measure(lever.moved(SETTINGS, value)) == outcome.measure
    towards = 0.0001 if value < 0.04 else -0.0001
    assert not wanted.is_met(measure(lever.moved(SETTINGS, round(value + towards, 4))))
    assert len({tried.value for tried in outcome.tries}) == len(outcome.tries)


def test_a_target_that_cannot_be_reached_says_how_near_it_comes() -> None:
    outcome, _ = found(merit, target(">=", 600), MERIT)
    assert not outcome.is_met
    assert outcome.values == [(MERIT, 0.5)]
    assert target(">=", 600).missed_by(outcome.measure) == pytest.approx(100)


def test_bounds_are_kept() -> None:
    (bounded,) = parse_levers("compensation.merit_budget=0.01..0.06")
    outcome, _ = found(merit, target("<=", 5), bounded)
    assert not outcome.is_met
    assert outcome.values == [(bounded, 0.01)]
    outcome, _ = found(merit, target(">=", 50), bounded)
    assert outcome.values == [(bounded, 0.05)]


def test_several_levers_move_in_their_order_each_as_far_as_it_has_to() -> None:
    def measure(settings: ScenarioSettings) -> float:
        return merit(settings) + COLA.current(settings, 2027) * 1000

    outcome, _ = found(measure, target("<=", 50), MERIT, COLA)
    assert [(lever.field, value) for lever, value in outcome.values] == [("merit_budget", 0.025)]
    outcome, _ = found(measure, target("<=", 10), MERIT, COLA)
    assert outcome.is_met
    assert outcome.values == [(MERIT, 0.0), (COLA, 0.01)]
    outcome, _ = found(measure, target(">=", 1100), COLA, MERIT)
    assert not outcome.is_met
    assert outcome.values == [(COLA, 0.5), (MERIT, 0.5)]


def test_a_target_that_is_met_only_between_the_bounds_is_found() -> None:
    outcome, _ = found(lambda settings: abs(merit(settings) - 270), target("<=", 20), MERIT)
    assert outcome.is_met
    assert 0.25 <= outcome.values[0][1] <= 0.29


def test_rates_by_year_become_one_rate() -> None:
    by_year = load_scenario("hiring_freeze")
    (growth,) = parse_levers("target_growth_rate")
    assert growth.current(by_year, 2027) == -0.05
    assert growth.moved(by_year, 0.01).simulation.target_growth_rate == 0.01


def test_every_lever_can_be_moved_to_its_bounds() -> None:
    levers = all_levers()
    assert {"merit_budget", "cola_rate", "target_growth_rate", "experienced_termination_rate"} <= {
        lever.field for lever in levers
    }
    for lever in levers:
        for value in (lever.low, lever.high):
            assert lever.current(lever.moved(SETTINGS, value), 2027) == value


def test_a_department_follows_a_setting_by_department() -> None:
    plain, quoted, raises = parse_levers(
        "growth_by_department.Police=-0.05..0.1, "
        "'simulation.growth_by_department.Parks & Rec (North), 2=0..0.5' "
        "cola_by_department.Police"
    )
    assert (plain.name, plain.low, plain.high) == (
        "simulation.growth_by_department.Police", -0.05, 0.1,
    )  # fmt: skip
    assert (quoted.unit, quoted.high) == ("Parks & Rec (North), 2", 0.5)
    assert (raises.name, raises.low) == ("compensation.cola_by_department.Police", -0.5)
    # without a growth of its own, it starts at that of all
    assert plain.current(SETTINGS, 2027) == SETTINGS.simulation.target_growth_rate
    assert raises.current(SETTINGS, 2027) == 0
    moved = quoted.moved(plain.moved(SETTINGS, 0.04), 0.02)
    assert moved.simulation.growth_by_department == {
        "Police": 0.04,
        "Parks & Rec (North), 2": 0.02,
    }
    assert plain.current(moved, 2027) == 0.04
    assert moved.simulation.target_growth_rate == SETTINGS.simulation.target_growth_rate


def test_what_departments_and_job_families_have_are_levers() -> None:
    levers = {lever.label: lever for lever in [*unit_levers("Sales")]}
    kinds = ("growth", "leaving", "hiring", "cola", "merit")
    units = ("department", "job_family")
    assert {*levers} == {f"{kind}_by_{unit}.Sales" for kind in kinds for unit in units}
    for lever in levers.values():
        assert parse_levers(lever.name) == [lever]
        for value in (lever.low, lever.high):
            moved = lever.moved(SETTINGS, value)
            assert lever.current(moved, 2027) == value
    # without a value of its own, a factor is 1 and points are 0
    assert levers["hiring_by_department.Sales"].current(SETTINGS, 2027) == 1
    assert levers["merit_by_job_family.Sales"].current(SETTINGS, 2027) == 0


def test_a_lever_of_a_job_family_leaves_what_it_has_in_single_departments() -> None:
    settings = load_scenario(
        "baseline",
        changes={
            "compensation": {"merit_by_job_family": {"Clerks": {"Sales": 0.02}, "Cooks": 0.01}}
        },
    )
    clerks, cooks = parse_levers("merit_by_job_family.Clerks merit_by_job_family.Cooks")
    assert (clerks.current(settings, 2027), cooks.current(settings, 2027)) == (0, 0.01)
    moved = cooks.moved(clerks.moved(settings, 0.03), -0.01)
    assert moved.compensation.merit_by_job_family == {
        "Clerks": {"Sales": 0.02, "*": 0.03},
        "Cooks": -0.01,
    }
    assert clerks.current(moved, 2027) == 0.03


def test_growth_by_year_of_a_job_family_becomes_one_rate() -> None:
    rates = dict.fromkeys(range(2025, 2030), 0.02) | {2027: 0.05}
    settings = load_scenario(
        "baseline", changes={"simulation": {"growth_by_job_family": {"Nurses": rates}}}
    )
    (growth,) = parse_levers("growth_by_job_family.Nurses")
    assert growth.current(settings, 2027) == 0.05
    assert growth.moved(settings, 0.1).simulation.growth_by_job_family == {"Nurses": 0.1}
    (other,) = parse_levers("growth_by_department.Sales")
    with pytest.raises(SeekRefusedError, match="are both given"):
        other.moved(settings, 0.1)


def test_values_that_the_workforce_does_not_allow_ask_for_bounds() -> None:
    def refused(settings: ScenarioSettings) -> float:
        if settings.simulation.growth_by_department:
            raise YearRefusedError("Police are to have 900 employees")
        return 9.0

    (lever,) = parse_levers("growth_by_department.Police")
    with pytest.raises(SeekRefusedError) as error:
        found(refused, target("<=", 5), lever)
    assert str(error.value) == (
        "growth_by_department.Police -0.5: Police are to have 900 employees. Narrow its bounds: "
        "growth_by_department.Police=low..high"
    )


def test_the_settings_to_keep_name_every_department(capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_scenario("baseline", changes={"simulation": {"growth_by_department": {"A": 0}}})
    levers = parse_levers("growth_by_department.B merit_budget")
    wanted = target("<=", 5)
    for lever in levers:
        settings = lever.moved(settings, 0.02)
    outcome = Outcome(
        tries=[],
        values=[(lever, 0.02) for lever in levers],
        settings=settings,
        measure=4.0,
        is_met=True,
    )
    _show(Solution(scenario_id="baseline", target=wanted, outcome=outcome))
    printed = capsys.readouterr().out.partition("As settings of a scenario:\n")[2]
    assert yaml.safe_load(printed) == {
        "simulation": {"growth_by_department": {"A": 0.0, "B": 0.02}},
        "compensation": {"merit_budget": 0.02},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("growth_by_department", "did you mean growth_by_department.<department>?"),
        ("leaving_by_departmnt.Sales", "did you mean leaving_by_department.<department>?"),
        ("merit_by_job_family", "did you mean merit_by_job_family.<job_family>?"),
        ("leaving_by_department.Sales=0..2", "ascending order from 0.0001 to 1000"),
        ("promotion_by_department.Sales", "there is no lever 'promotion_by_department'"),
        ("growth_by_department.Sales=0..7", "ascending order from -0.5 to 1"),
        ("'growth_by_department.Sales", "a quote is not closed"),
        ("", "name a lever"),
        ("merit_budgt", "did you mean merit_budget?"),
        ("random_seed", "allowed is one of: target_growth_rate"),
        ("growth_tolerance", "there is no lever"),
        ("merit_budget=0.06..0.01", "ascending order from 0 to 0.5"),
        ("merit_budget=0..0.9", "ascending order from 0 to 0.5"),
        ("merit_budget=1.2.3..4", "not numbers"),
        ("merit_budget=5", "such as merit_budget=0.01..0.06"),
        ("merit budget", "there is no lever 'merit'"),
    ],
)
def test_a_lever_that_is_not_one_is_refused(text: str, message: str) -> None:
    with pytest.raises(SeekRefusedError) as refused:
        parse_levers(text)
    assert message in str(refused.value)


def test_a_target_may_be_of_a_department() -> None:
    wanted = parse_target("headcount of Parks 2 and Rec 2027 >= 10", range(2025, 2030))
    assert (wanted.department, wanted.year, wanted.bound) == ("Parks 2 and Rec", 2027, 10)
    assert str(wanted) == "headcount of Parks 2 and Rec 2027 >= 10"


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("payroll 2027 <= 1.2e9", 1.2e9),
        ("payroll 2027<=1,200,000,000", 1.2e9),
        (" payroll FY2027 <= 1_200_000_000 ", 1.2e9),
        ("headcount 2025 >= 10500.5", 10500.5),
    ],
)
def test_a_target_is_read(text: str, bound: float) -> None:
    assert parse_target(text, range(2025, 2030)).bound == bound


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("payroll 2027 < 1.2e9", "<= or >="),
        ("payroll <= 1.2e9", "such as: payroll 2027 <= 1.2e9"),
        ("payrol 2027 <= 1.2e9", "did you mean payroll?"),
        ("payroll 2031 <= 1.2e9", "allowed is a year from 2025 to 2029"),
        ("payroll 2027 <= 1,2e9", "'1,2e9' is not a number"),
        ("payroll 2027 <= 1.200.000.000", "is not a number"),
        ("payroll 2027 <= 12,00", "is not a number"),
    ],
)
def test_a_target_that_is_not_one_is_refused(text: str, message: str) -> None:
    with pytest.raises(SeekRefusedError) as refused:
        parse_target(text, range(2025, 2030))
    assert message in str(refused.value)
