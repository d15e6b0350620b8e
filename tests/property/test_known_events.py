"""Known joiners, leavers and transfers happen as the file says, and move nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.compiled import Statement

YEARS = range(2025, 2028)
EMPLOYEES = 200
HEADER = (
    "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,reason,fte,last_day,"
    "paid_share"
)
PERSON = ["birth_date", "hire_date", "department", "termination_date", "termination_category"]
PAY = ["opening_compensation", "annual_compensation", "level"]
Run = Callable[..., dict[str, pd.DataFrame]]
TABLES = {
    "ledger": "intermediate.int_employee_years",
    "plan": "intermediate.int_headcount_plan",
    "outcomes": "marts.fct_known_events",
    "events": "marts.fct_yearly_events",
    "summary": "marts.fct_year_summary",
}


@pytest.fixture(scope="module")
def run(statements: tuple[Statement, ...], census: Path, tmp_path_factory: Any) -> Run:
    """Simulates a small workforce with the lines of a file, and returns its tables."""
    folder = tmp_path_factory.mktemp("events")

    def tables(*lines: str, **changes: dict[str, Any]) -> dict[str, pd.DataFrame]:
        path = folder / "known.csv"
        columns = HEADER.count(",")
        padded = [line + "," * (columns - line.count(",")) for line in lines]
        path.write_text("\n".join([HEADER, *padded]), "utf-8")
        workforce = {"known_events": str(path)} if lines else {}
        settings = settings_with(
            **changes
            | {
                "simulation": {"end_year": YEARS[-1], **changes.get("simulation", {})},
                "workforce": {**workforce, **changes.get("workforce", {})},
                # merits share one budget, so that one employee more changes the raises of all
                "compensation": {"merit_budget": 0.0, **changes.get("compensation", {})},
            }
        )
        with simulate(
            [one for one in statements if one.year in (None, *YEARS)],
            census=census,
            settings=settings,
            employees=EMPLOYEES,
        ) as warehouse:
            return {name: read(warehouse, table) for name, table in TABLES.items()}

    return tables


def read(warehouse: duckdb.DuckDBPyConnection, table: str) -> pd.DataFrame:
    return warehouse.sql(f"select * from {table} order by all").df()


@pytest.fixture(scope="module")
def undisturbed(run: Run) -> dict[str, pd.DataFrame]:
    return run()


def people(tables: dict[str, pd.DataFrame], year: int) -> pd.DataFrame:
    ledger = tables["ledger"]
    return ledger[ledger.simulation_year == year].set_index("employee_id").sort_index()


def differing(one: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> set[str]:
    """The employees of either year whose columns are not the same."""
    both = one.index.intersection(other.index)
    left, right = (frame.loc[both, columns].astype("string").fillna("") for frame in (one, other))
    return set(one.index.symmetric_difference(other.index)) | set(both[(left != right).any(axis=1)])


def stayer(tables: dict[str, pd.DataFrame], position: int = 0) -> Any:
    """An employee who is there in all years, as the last year has them."""
    last = people(tables, YEARS[-1])
    return last[~last.is_new_hire & last.termination_date.isna() & last.hire_date.lt("2024")].iloc[
        position
    ]


def test_a_known_leaver_leaves_on_the_day_instead_of_the_last_who_was_drawn(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    leaver = stayer(undisturbed).name
    after = run(f"leave,{leaver},2026-05-31,,,,,,moves abroad")
    pd.testing.assert_frame_equal(
        undisturbed["plan"].drop(columns="fingerprint"), after["plan"].drop(columns="fingerprint")
    )
    assert not differing(people(undisturbed, 2025), people(after, 2025), [*PERSON, *PAY])
    row = people(after, 2026).loc[leaver]
    assert (str(row.termination_date.date()), row.termination_category) == (
        "2026-05-31",
        "experienced_termination",
    )
    moved = differing(people(undisturbed, 2026), people(after, 2026), [*PERSON, *PAY])
    [instead] = moved - {leaver}
    assert pd.notna(people(undisturbed, 2026).termination_date[instead])
    assert pd.isna(people(after, 2026).termination_date[instead])
    assert after["outcomes"][["outcome", "reason"]].to_numpy().tolist() == [
        ["happened", "moves abroad"]
    ]


def test_a_known_joiner_takes_the_place_of_one_hire(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    department = stayer(undisturbed).department
    after = run(f"join,J-1,2026-03-15,{department},2,91234.50,,,")
    assert not differing(people(undisturbed, 2025), people(after, 2025), [*PERSON, *PAY])
    moved = differing(people(undisturbed, 2026), people(after, 2026), [*PERSON, *PAY])
    [replaced] = moved - {"J-1"}
    before = people(undisturbed, 2026).loc[replaced]
    assert before.is_new_hire
    assert pd.isna(before.termination_date)
    row = people(after, 2026).loc["J-1"]
    assert row.is_new_hire
    assert (str(row.hire_date.date()), row.department, row.opening_level) == (
        "2026-03-15",
        department,
        2,
    )
    assert float(row.opening_compensation) == 91234.50
    assert pd.isna(row.termination_date)
    counts = ["hires", "experienced_terminations", "new_hire_terminations", "end_headcount"]
    assert after["summary"][counts].equals(undisturbed["summary"][counts])


def test_a_transfer_changes_the_department_on_its_day_and_nothing_else(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    moved = stayer(undisturbed)
    department = next(
        name for name in undisturbed["ledger"].department.unique() if name != moved.department
    )
    after = run(f"transfer,{moved.name},2026-09-01,{department},,,,,")
    for year in YEARS:
        one, other = people(undisturbed, year), people(after, year)
        is_after = year >= 2026
        assert differing(one, other, [*PERSON, *PAY]) == ({moved.name} if is_after else set())
        assert not differing(one, other, [name for name in [*PERSON, *PAY] if name != "department"])
        assert other.department[moved.name] == (department if is_after else moved.department)
    [event] = after["events"].query("event_type == 'transfer'").to_dict("records")
    assert event["employee_id"] == moved.name
    assert (event["previous_department"], event["new_department"]) == (
        moved.department,
        department,
    )
    assert str(event["effective_date"].date()) == "2026-09-01"
    # numbered by date among the raise and the promotion of the year
    of_year = after["events"].query("simulation_year == 2026 and employee_id == @moved.name")
    assert of_year.sort_values("event_sequence").effective_date.is_monotonic_increasing
    assert sorted(of_year.event_sequence) == list(range(1, len(of_year) + 1))


def test_more_known_joiners_than_needed_all_join_and_the_surplus_leaves(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    department = stayer(undisturbed).department
    lines = [f"join,J-{number},2025-02-01,{department},1,40000,,," for number in range(30)]
    after = run(*lines, simulation={"target_growth_rate": -0.05})
    first = people(after, 2025)
    assert set(first.index[first.is_new_hire]) == {f"J-{number}" for number in range(30)}
    assert first.termination_date.isna().sum() == 190
    plan = after["plan"].iloc[0]
    assert plan.reductions_in_force == 30 + 200 - plan.experienced_terminations - 190
    assert (first.termination_category == "reduction_in_force").sum() == plan.reductions_in_force
    assert plan.new_hire_terminations == 0


def test_positions_are_filled_by_their_rate_before_other_hires_as_far_as_hires_are_needed(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    department = stayer(undisturbed).department

    def openings(rate: float, number: int) -> list[str]:
        return [
            f"opening,REQ-{each},2025-01-{each % 28 + 1:02},{department},1,,{rate},45,"
            for each in range(number)
        ]

    needed = int(undisturbed["plan"].hires[0] - undisturbed["plan"].new_hire_terminations[0])
    certain = run(*openings(1, needed + 3), "join,J-1,2025-12-01," + f"{department},1,40000,,,")
    outcomes = certain["outcomes"].query("event == 'opening'").sort_values("effective_date")
    # the joiner comes first, then the earliest positions
    assert set(outcomes.outcome[: needed - 10]) == {"filled"}
    assert outcomes.outcome.value_counts().to_dict() == {"filled": needed - 1, "no hire left": 4}
    hired = people(certain, 2025).loc["REQ-0"]
    assert (str(hired.hire_date.date()), hired.department) == ("2025-02-15", department)
    half = run(*openings(0.5, 10))["outcomes"].set_index("employee_id").outcome
    more = run(*openings(0.8, 10))["outcomes"].set_index("employee_id").outcome
    assert set(half) == {"filled", "not filled"}
    # on common luck, a higher rate keeps those that were filled
    assert set(half[half == "filled"].index) < set(more[more == "filled"].index)
    never = run(*openings(0, 3))
    assert set(never["outcomes"].outcome) == {"not filled"}
    assert not differing(people(undisturbed, 2027), people(never, 2027), [*PERSON, *PAY])


def test_a_known_joiner_works_as_the_file_says_and_else_full_time(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    department = stayer(undisturbed).department
    after = run(
        f"join,J-1,2026-03-15,{department},2,50000,,,,0.6",
        f"join,J-2,2026-03-15,{department},2,50000,,,",
    )
    for year in (2026, 2027):
        assert people(after, year).fte[["J-1", "J-2"]].tolist() == [0.6, 1]
    assert after["summary"].end_fte.tolist() == [
        each - 0.4 * (year > 2025)
        for each, year in zip(after["summary"].end_headcount, YEARS, strict=True)
    ]


def test_an_absence_takes_pay_by_its_days_and_moves_nobody(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    one, other = stayer(undisturbed), stayer(undisturbed, 1)
    leaver = people(undisturbed, 2026).query("termination_date < '2026-06-01' and not is_new_hire")
    after = run(
        f"absence,{one.name},2025-11-01,,,,,,parental,,2026-01-31,0.4",
        f"absence,{one.name},2027-01-01,,,,,,,,2028-03-31,0",
        f"absence,{other.name},2026-03-01,,,,,,,,2026-03-10,1",
        f"absence,{leaver.index[0]},2026-12-01,,,,,,,,2026-12-10,0",
    )
    for year in YEARS:
        before, now = people(undisturbed, year), people(after, year)
        assert not differing(before, now, [*PERSON, *PAY])
        unpaid = before.prorated_compensation - now.prorated_compensation
        assert set(unpaid[unpaid != 0].index) == {one.name}
    assert people(after, 2027).prorated_compensation[one.name] == 0
    row = people(undisturbed, 2026).loc[one.name]
    unpaid = row.prorated_compensation - people(after, 2026).prorated_compensation[one.name]
    assert float(unpaid) == pytest.approx(
        float(row.opening_compensation) * 0.6 * 31 / 365, abs=0.01
    )
    dates = people(after, 2026).loc[one.name, ["absence_from", "absence_until"]]
    assert [str(each.date()) for each in dates] == ["2026-01-01", "2026-01-31"]
    assert after["outcomes"].set_index("line").outcome.to_dict() == dict(
        enumerate(["happened", "happened", "happened", "left before"], 2)
    )


def test_who_comes_back_is_a_hire_with_the_same_birth_date_and_a_new_service(
    run: Run, undisturbed: dict[str, pd.DataFrame]
) -> None:
    person = stayer(undisturbed)
    after = run(
        f"leave,{person.name},2025-05-31,,,,,,",
        f"rehire,{person.name},2027-04-01,{person.department},3,88000,,,",
    )
    left = people(after, 2025).loc[person.name]
    assert str(left.termination_date.date()) == "2025-05-31"
    assert person.name not in people(after, 2026).index
    back = people(after, 2027).loc[person.name]
    assert back.is_new_hire
    assert (str(back.hire_date.date()), back.opening_level, back.tenure_years) == (
        "2027-04-01",
        3,
        0,
    )
    assert back.birth_date == left.birth_date
    assert pd.isna(back.termination_date)
    assert after["outcomes"].outcome.tolist() == ["happened", "happened"]
    columns = ["hires", "end_headcount", "target_headcount"]
    assert after["summary"][columns].equals(undisturbed["summary"][columns])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "rehire,{employee},2026-05-31,{department},1,50000,,,",
            "employee_id: '{employee}' is not known to leave, allowed is who has a leave",
        ),
        ("absence,{near},2026-05-01,,,,,,,,2026-05-31,0", "did you mean '{employee}'?"),
        ("leave,NOBODY,2026-05-31,,,,,,", "employee_id: unknown employee, got 'NOBODY'"),
        ("leave,{near},2026-05-31,,,,,,", "did you mean '{employee}'?"),
        ("join,{employee},2026-05-31,{department},1,50000,,,", "an employee of the census"),
        ("transfer,{employee},2026-05-31,{department}x,,,,,", "did you mean '{department}'?"),
    ],
)
def test_what_the_census_does_not_have_is_refused(
    run: Run, undisturbed: dict[str, pd.DataFrame], line: str, says: str
) -> None:
    person = stayer(undisturbed)
    employee = str(person.name)
    named = {"employee": employee, "near": employee + "0", "department": person.department}
    with pytest.raises(ConfigurationError) as refused:
        run(line.format(**named))
    assert "known.csv:2: " in str(refused.value)
    assert says.format(**named) in str(refused.value)
