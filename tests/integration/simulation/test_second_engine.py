"""Postgres computes the same ledger from the same SQL, so no engine is the only judge of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlglot
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.changed_settings import SETTING_CHANGES
from tests.support.postgres_dialect import FUNCTIONS, in_postgres
from tests.support.replay import settings_with, simulate

from sandboxes.postgres import PASSWORD
from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings

YEARS = (2025, 2026)
LEDGER = "select * from intermediate.int_employee_years order by simulation_year, employee_id"
# of the generated census, which has no gaps
EMPLOYEES = 200
GAPS = {
    "birth_date": "null",
    "level": "null",
    "department": "null",
    "job_family": "null",
    "fte": "0.5",
    "termination_date": "date '2025-05-31'",
}
# in years that begin in January or in February
KNOWN = [
    "join,J-1,2025-09-01,Sales,2,91234.56,,,,",
    "join,J-2,2026-01-15,Engineering,1,40000,,,,Engineers",
    "leave,E0000011,2025-03-15,,,,,,,",
    # the first lasts from the first year of two into the second where they begin in January
    "absence,E0000014,2025-06-15,,,,,,,,,2026-03-10,0.4",
    "absence,E0000015,2025-08-15,,,,,,,,,2025-09-10,0",
    "leave,E0000016,2025-01-16,,,,,,,\nrehire,E0000016,2026-01-20,Sales,2,50000,,,,,0.6",
    "leave,E0000012,2026-01-31,,,,,,,",
    "transfer,E0000013,2025-08-01,Finance,,,,,,",
    "opening,REQ-1,2025-03-01,Sales,1,,0.5,45,,Clerks",
    "opening,REQ-2,2025-03-02,Finance,3,70000,0.7,60,,",
]
Rows = list[tuple[Any, ...]]


def fractions(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda value: value / 1e6)


# what decides how many leave, join and rise, at random; the other settings changed or not
AT_RANDOM = {
    ("simulation", "random_seed"): st.integers(0, 2**40),
    ("simulation", "target_growth_rate"): fractions(-0.3, 0.3),
    ("workforce", "experienced_termination_rate"): fractions(0, 0.6),
    ("workforce", "new_hire_termination_rate"): fractions(0, 0.6),
    ("hiring", "pay_percentile"): fractions(0, 1),
    ("compensation", "promotion_rate"): fractions(0, 0.9),
    ("compensation", "merit_budget"): fractions(0, 0.1),
    ("compensation", "cola_rate"): fractions(0, 0.1),
}


def one_growth(changes: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """Leave out the growth by department where there is one by job family."""
    by_department = ("simulation", "growth_by_department")
    has_both = {by_department, ("simulation", "growth_by_job_family")} <= changes.keys()
    return {key: value for key, value in changes.items() if not has_both or key != by_department}


CONFIGURATIONS = st.fixed_dictionaries(
    AT_RANDOM,
    optional={
        (section, name): st.just(value)
        for section, changes in SETTING_CHANGES.items()
        for name, value in changes.items()
        if (section, name) not in AT_RANDOM
    },
).map(one_growth)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "termination_hazard_by_level": st.lists(fractions(0.1, 3), min_size=5, max_size=5).map(
            lambda rates: [
                {"level": level, "multiplier": rate} for level, rate in enumerate(rates, 1)
            ]
        ),
        "merit_rates": st.lists(fractions(0.01, 0.1), min_size=5, max_size=5).map(
            lambda rates: [
                {"level": level, "merit_rate": rate} for level, rate in enumerate(rates, 1)
            ]
        ),
    },
)


def configured(changes: dict[tuple[str, str], Any], **others: Any) -> ScenarioSettings:
    sections: dict[str, dict[str, Any]] = {"simulation": {"end_year": YEARS[-1]}}
    for (section, name), value in changes.items():
        sections.setdefault(section, {})[name] = value
    return settings_with(**sections, **others)


@pytest.fixture(scope="module")
def postgres(postgres_port: int) -> Iterator[psycopg.Connection]:
    """A database that orders text by its bytes, as DuckDB does, with DuckDB's functions."""
    address = f"host=127.0.0.1 port={postgres_port} user=postgres password={PASSWORD}"
    with psycopg.connect(f"{address} dbname=postgres", autocommit=True) as connection:
        connection.execute("create database ledger template template0 encoding 'UTF8' locale 'C'")
    with psycopg.connect(f"{address} dbname=ledger", autocommit=True) as connection:
        connection.execute(FUNCTIONS)
        # compiling takes 10 s for what takes half a second
        connection.execute("set jit = off")
        yield connection


@pytest.fixture(scope="module")
def two_years(statements: tuple[Statement, ...]) -> list[Statement]:
    return [one for one in statements if one.year in (None, *YEARS)]


@pytest.fixture(scope="module")
def translated(two_years: list[Statement]) -> list[str]:
    """The statements of the ledger and of all that it reads, except the seeds."""
    found: list[str] = []
    for one in reversed(two_years):
        is_read = any(f'"{one.node}"' in text for text in found)
        if one.node.startswith("int_") or (one.node.startswith("stg_") and is_read):
            found = [*in_postgres(one.sql), *found]
    return found


def judged(
    postgres: psycopg.Connection, translated: Sequence[str], warehouse: duckdb.DuckDBPyConnection
) -> Rows:
    """The ledger as Postgres computes it from the raw tables and seeds of a warehouse."""
    with postgres.transaction(force_rollback=True):
        for schema in ("raw", "seeds", "staging", "intermediate"):
            postgres.execute(f"create schema {schema}")
        for table, columns in tables_of(warehouse):
            if not any(table in text for text in translated):
                continue
            [create] = sqlglot.transpile(
                f"create table {table} ({columns})", read="duckdb", write="postgres"
            )
            postgres.execute(create.encode())
            with postgres.cursor().copy(f"copy {table} from stdin".encode()) as copied:
                for row in warehouse.execute(f"from {table}").fetchall():
                    copied.write_row(row)
        for statement in translated:
            postgres.execute(statement.encode())
        return postgres.execute(LEDGER).fetchall()


def tables_of(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Each raw table and seed, with its columns and their types."""
    return warehouse.execute(
        'select format(\'"{}"."{}"\', schema_name, table_name), '
        "string_agg(column_name || ' ' || data_type, ', ' order by column_index) "
        "from duckdb_columns() where schema_name in ('raw', 'seeds') group by all"
    ).fetchall()


def differences(one: Rows, other: Rows, columns: list[str]) -> list[str]:
    """What differs: floats by their last bit, as equal floats are the same bits here."""
    found = [f"{len(one)} and {len(other)} rows"] if len(one) != len(other) else []
    return found + [
        f"{left[:2]} {left[4]} {name}: {left[place]!r} and {right[place]!r}"
        for left, right in zip(one, other, strict=False)
        for place, name in enumerate(columns)
        if left[place] != right[place]
    ]


@pytest.fixture(scope="module")
def compare(
    postgres: psycopg.Connection, translated: list[str], two_years: list[Statement], census: Path
) -> Callable[..., list[str]]:
    """Simulates a scenario with both engines and returns what differs in their ledgers."""

    def compared(
        scenario: ScenarioSettings,
        gaps: dict[str, int] | None = None,
        judge: Callable[[str], str] = str,
    ) -> list[str]:
        def forget(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
            if node != "census":
                return
            # the census ends with the year: a year that begins earlier has its latest joiners too
            warehouse.execute(
                "update raw.baseline_workforce_validated set hire_date = least(hire_date, ?)",
                [scenario.simulation.first_day_of(YEARS[0]) - timedelta(days=1)],
            )
            for column, every in (gaps or {}).items():
                warehouse.execute(
                    f"update raw.baseline_workforce_validated set {column} = {GAPS[column]} "
                    f"where substr(employee_id, 2)::integer % {every} = 1"
                )

        with simulate(
            two_years, census=census, settings=scenario, employees=EMPLOYEES, after=forget
        ) as warehouse:
            ledger = warehouse.execute(LEDGER)
            columns = [name for name, *_ in ledger.description or ()]
            rows = ledger.fetchall()
            assert {row[1] for row in rows} == {*YEARS}
            return differences(
                rows, judged(postgres, [judge(one) for one in translated], warehouse), columns
            )

    return compared


@settings(
    max_examples=8,
    # in CI the same examples every time
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    # an example takes a second: shrinking one would take minutes
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    changes=CONFIGURATIONS,
    tables=TABLES,
    known=st.sets(st.sampled_from(KNOWN)),
    gaps=st.dictionaries(st.sampled_from([*GAPS]), st.integers(3, 50)),
)
def test_both_engines_have_the_same_rows_bit_by_bit(
    compare: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    changes: dict[tuple[str, str], Any],
    tables: dict[str, Any],
    known: set[str],
    gaps: dict[str, int],
) -> None:
    if known:
        file = tmp_path_factory.mktemp("known") / "known.csv"
        header = (
            "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,reason,job_family,"
            "fte,last_day,paid_share"
        )
        lines = "\n".join(sorted(known)).splitlines()
        padded = [line + "," * (header.count(",") - line.count(",")) for line in lines]
        file.write_text("\n".join([header, *padded]), encoding="utf-8")
        changes = changes | {("workforce", "known_events"): str(file)}
    assert compare(configured(changes, tables=tables), gaps) == []


@pytest.mark.parametrize(
    ("rule", "other", "column"),
    [
        ("|leave_date'", "|day_of_leaving'", "termination_date"),
        # the last bit of a chance
        ("* (1 - EXP(", "* (1.0000000000000002 - EXP(", "termination_probability"),
        ("+ 1000000) / 2000000", "+ 1999999) / 2000000", "rows"),
    ],
)
def test_a_rule_that_one_engine_has_otherwise_is_found(
    compare: Callable[..., list[str]], rule: str, other: str, column: str
) -> None:
    # of 200 employees, 24.2 leave
    scenario = configured({("workforce", "experienced_termination_rate"): 0.121})
    broken = compare(scenario, judge=lambda text: text.replace(rule, other))
    assert any(column in difference for difference in broken)
