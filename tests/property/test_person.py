"""What a stored year decided follows from hazards, draws and rules: of everybody, recomputed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings
from simulation.person.decisions import decide
from simulation.person.timeline import PersonUnknownError, PersonYear, timeline
from simulation.stored.scenarios import StoredScenario

YEARS = range(2025, 2028)
TENURES = ("<2", "2-4", "5-9", "10-19", "20+")


def millionths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda value: value / 1e6)


SCENARIOS = st.builds(
    lambda growth, own, seed, order, departments, leaving, promotion, tenure, retirement, family: (
        settings_with(
            simulation={
                "target_growth_rate": growth,
                **own,
                "random_seed": seed,
                "end_year": YEARS[-1],
                "first_day": "07-01",
            },
            workforce={
                "reduction_order": order,
                "reduction_departments": departments,
                "reduction_job_families": ["Clerks"],
                "leaving_by_department": leaving,
                "leaving_by_job_family": family,
                "reduction_date": "09-30",
                "retirement": [{"age": 55, "probability": retirement}],
            },
            compensation={
                "promotion_rate": promotion,
                "promotion_date": "02-01",
                "raise_date": "03-15",
                "raise_minimum_tenure": tenure,
                "cola_minimum_tenure": 2 - tenure,
                "cola_by_job_family": {"Nurses": 0.02, "Clerks": {"Sales": -0.3}},
                "merit_by_department": {"Sales": -0.03},
                "merit_by_job_family": {"Nurses": 0.02, "Clerks": {"Sales": 0.01}},
            },
            tables={
                "termination_hazard_by_tenure": [
                    {"tenure_band": band, "multiplier": 1.5 - 0.2 * place}
                    for place, band in enumerate(TENURES)
                ]
            },
        )
    ),
    growth=millionths(-0.3, 0.2),
    own=st.sampled_from(
        [
            {},
            {"growth_by_department": {"Sales": -0.2, "Engineering": 0.05}},
            {"growth_by_job_family": {"Nurses": -0.2, "Clerks": 0.05}},
        ]
    ),
    seed=st.integers(0, 2**40),
    order=st.sampled_from(["least_tenure", "lowest_level", "hazard"]),
    departments=st.sampled_from([[], ["Sales", "Finance"]]),
    leaving=st.sampled_from([{}, {"Sales": 2.5, "Finance": 0.4}]),
    promotion=millionths(0, 0.9),
    tenure=st.integers(0, 2),
    retirement=millionths(0, 1),
    family=st.sampled_from([{}, {"Nurses": 0.3, "Clerks": {"Sales": 4.0, "*": 2.0}}]),
)


def known_leavers(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
    if node == "schemas":
        warehouse.execute(
            "update raw.baseline_workforce_validated set termination_date = date '2024-10-01' "
            "+ (ascii(right(employee_id, 1)) * 20)::integer where employee_id like '%7_'"
        )


@pytest.fixture(scope="module")
def played(statements: tuple[Statement, ...], census: Path) -> Callable[..., StoredScenario]:
    def play(
        employees: int, scenario: ScenarioSettings
    ) -> tuple[duckdb.DuckDBPyConnection, StoredScenario]:
        warehouse = simulate(
            [statement for statement in statements if statement.year in (None, *YEARS)],
            census=census,
            settings=scenario,
            employees=employees,
            after=known_leavers,
        )
        found = warehouse.sql("select fingerprint, rules_digest from raw.simulation_configurations")
        (fingerprint, rules) = found.fetchone() or ("", "")
        return warehouse, StoredScenario(
            scenario_id="baseline", fingerprint=fingerprint, years=YEARS,
            settings=scenario.model_dump(mode="json"), census_digest="", census_name="",
            rules_digest=rules,
        )  # fmt: skip

    return play


@settings(
    max_examples=4,
    deadline=None,
    # an example takes a second: shrinking one would take minutes and say no more
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(employees=st.integers(40, 300), scenario=SCENARIOS)
def test_hazards_draws_and_rules_come_to_every_stored_outcome(
    played: Callable[..., tuple[duckdb.DuckDBPyConnection, StoredScenario]],
    employees: int,
    scenario: ScenarioSettings,
) -> None:
    warehouse, stored = played(employees, scenario)
    with warehouse:
        for year in YEARS:
            decide(warehouse, scenario_id="baseline", fingerprint=stored.fingerprint, year=year)
            for table, differs in (
                ("person_decisions", "decided_category is distinct from termination_category"),
                ("person_decisions", "decided_date is distinct from termination_date"),
                ("person_decisions", "decided_promotion <> (promotion_date is not null)"),
                ("person_decisions", "promotion_chance <> promotion_probability"),
                ("person_hires", "decided_hire_date <> hire_date"),
                ("person_hires", "decided_date is distinct from termination_date"),
                (
                    "person_raises inner join person_ledger using (employee_id)",
                    "decided_pay <> annual_compensation",
                ),
                ("person_decisions", "decided_promotion and not is_there_to_be_promoted"),
            ):
                rows = warehouse.sql(f"select count(*) from {table} where {differs}").fetchone()
                assert rows == (0,), (year, table, differs)
            known = warehouse.sql(
                "select count(*) from person_ledger as ledger full join "
                "(select employee_id from person_decisions union all "
                "select employee_id from person_hires) using (employee_id) "
                "where ledger.scenario_id is null or employee_id is null"
            ).fetchone()
            assert known == (0,)


def shown(years: Iterator[PersonYear]) -> str:
    lines = [
        line
        for year in years
        for line in (year.summary, *(f"{name}: {why}" for name, why in year.reasons))
    ]
    return "\n".join(lines)


def test_a_timeline_names_each_decision_with_its_hazard_draw_and_rule(
    played: Callable[..., tuple[duckdb.DuckDBPyConnection, StoredScenario]],
) -> None:
    warehouse, stored = played(
        200,
        settings_with(
            simulation={"end_year": YEARS[-1], "target_growth_rate": -0.1},
            compensation={"promotion_rate": 0.5},
            workforce={
                "experienced_termination_rate": 0.05,
                "leaving_by_department": {"Sales": 2.5},
            },
        ),
    )
    with warehouse:
        ledger = "from intermediate.int_employee_years "

        def story(where: str) -> str:
            found = warehouse.sql(f"select employee_id {ledger} where {where} limit 1").fetchone()
            assert found is not None, where
            years = list(timeline(warehouse, stored, found[0], on_progress=str))
            assert all(year.is_confirmed for year in years)
            return shown(iter(years))

        leaver = "termination_category = 'experienced_termination'"
        left = story(leaver)
        assert "key -ln(draw) / hazard" in left
        assert "leave: leaves" in left
        reduced = story("termination_category = 'reduction_in_force'")
        assert "likeliest to leave first" in reduced
        promoted = story("promotion_date is not null")
        assert ": promoted" in promoted
        assert "of the increase" in promoted
        assert "not possible" in story("promotion_probability = 0")
        assert " x 2.5 (department Sales)" in story("department = 'Sales' and not is_new_hire")

        with pytest.raises(PersonUnknownError, match=r"has no employee 'nobody'$"):
            list(timeline(warehouse, stored, "nobody", on_progress=str))
        (employee,) = warehouse.sql(f"select min(employee_id) {ledger}").fetchone() or ("",)
        with pytest.raises(PersonUnknownError, match=f"did you mean {employee}"):
            list(timeline(warehouse, stored, employee + "0", on_progress=str))
        warehouse.execute("update raw.simulation_parameters set random_seed = 1")
        (employee,) = warehouse.sql(f"select employee_id {ledger} where {leaver}").fetchone() or ()
        assert not all(
            year.is_confirmed for year in timeline(warehouse, stored, employee, on_progress=str)
        )


def test_a_timeline_names_what_the_file_of_known_events_says(
    played: Callable[..., tuple[duckdb.DuckDBPyConnection, StoredScenario]],
    census: Path,
    tmp_path: Path,
) -> None:
    rows = duckdb.sql(
        f"from (select employee_id, department from '{census}' order by employee_id limit 200) "
        "where employee_id not like '%7_' and department <> 'Sales' limit 4"
    ).fetchall()
    (leaver, department), (moved, _), (absent, _), (back, _) = rows
    path = tmp_path / "known.csv"
    path.write_text(
        "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,last_day,paid_share\n"
        f"leave,{leaver},2026-05-31,,,,,,,\n"
        f"transfer,{moved},2026-03-31,Sales,,,,,,\n"
        f"join,J-1,2025-11-01,{department},2,80000,,,,\n"
        f"opening,R-1,2025-11-01,{department},2,,1,10,,\n"
        f"absence,{absent},2025-01-01,,,,,,2025-01-05,0.4\n"
        f"leave,{back},2025-03-31,,,,,,,\n"
        f"rehire,{back},2026-11-01,{department},2,80000,,,,\n",
        "utf-8",
    )
    scenario = settings_with(
        simulation={"end_year": YEARS[-1]},
        workforce={"known_events": str(path)},
        compensation={"cola_by_department": {"Sales": 0.02}, "raise_date": "03-15"},
    )
    warehouse, stored = played(200, scenario)
    with warehouse:
        for employee, says in (
            (leaver, "the last day 2026-05-31 is known"),
            (moved, "moves to Sales on 2026-03-31"),
            ("J-1", "known joiner of line 4"),
            ("R-1", "open position of line 5"),
            (absent, "is absent from 2025-01-01 to 2025-01-05, paid 40"),
            (back, "rehire of line 8"),
        ):
            years = list(timeline(warehouse, stored, employee, on_progress=str))
            assert all(year.is_confirmed for year in years), employee
            assert says in shown(iter(years)), employee
