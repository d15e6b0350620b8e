"""A budget is notified once for each threshold and month, whatever dies in between."""

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from gocardless.budgets.assets import kept_result
from gocardless.budgets.notifications import (
    budget_states,
    create_budget_tables,
    raise_notifications,
)
from gocardless.budgets.settings import Budget
from shared_lib.warehouse import read_warehouse, write_warehouse

FOOD = Budget(tag="food", currency="EUR", monthly=Decimal(100), thresholds=[50, 80, 100])
MAY = datetime(2026, 5, 20, tzinfo=UTC)


def spend(
    connection: duckdb.DuckDBPyConnection, amounts: dict[str, str], tag: str = "food"
) -> None:
    """Put what was spent in each month in the place of the mart."""
    connection.execute(
        "create schema if not exists marts; "
        "create or replace table marts.spend_by_tag_monthly "
        "(tag varchar, currency varchar, month date, spent decimal(38, 4), transactions bigint)"
    )
    for month, amount in amounts.items():
        connection.execute(
            "insert into marts.spend_by_tag_monthly values (?, 'EUR', ?, ?, 1)",
            [tag, f"{month}-01", amount],
        )


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "gocardless.duckdb"
    with write_warehouse(path) as connection:
        create_budget_tables(connection)
        spend(connection, {})
    return path


def notify(path: Path, *, at: datetime = MAY, budget: Budget = FOOD, **spent: str) -> int:
    with write_warehouse(path) as connection:
        spend(connection, {month.replace("m", "2026-"): amount for month, amount in spent.items()})
        return raise_notifications(connection, [budget], at=at, run_id="run")


def notified(path: Path) -> list[tuple]:
    with read_warehouse(path) as connection:
        return connection.execute(
            "select month::varchar, threshold_percent, spent from unified.budget_notifications "
            "order by all"
        ).fetchall()


def test_each_threshold_is_notified_once_a_month(warehouse: Path) -> None:
    assert notify(warehouse, m05="49.99") == 0
    assert notify(warehouse, m05="50.00") == 1
    assert notify(warehouse, m05="79.00") == 0
    assert notify(warehouse, m05="120.00") == 2
    # refunds, and reaching it again, change nothing
    assert notify(warehouse, m05="10.00") == 0
    assert notify(warehouse, m05="120.00") == 0
    assert notified(warehouse) == [
        ("2026-05-01", 50, Decimal(50)),
        ("2026-05-01", 80, Decimal(120)),
        ("2026-05-01", 100, Decimal(120)),
    ]
    june = datetime(2026, 6, 2, tzinfo=UTC)
    # a purchase of the last day of May counts though it is seen in June; April is past
    assert notify(warehouse, at=june, m04="500", m05="120", m06="60") == 1


def test_the_last_month_is_notified_too_and_no_earlier_one(warehouse: Path) -> None:
    assert notify(warehouse, m03="60", m04="60", m06="60") == 1
    assert [month for month, _, _ in notified(warehouse)] == ["2026-04-01"]


def test_another_currency_or_tag_is_another_budget(warehouse: Path) -> None:
    assert notify(warehouse, budget=FOOD.model_copy(update={"currency": "USD"}), m05="999") == 0
    assert notify(warehouse, budget=FOOD.model_copy(update={"tag": "rent"}), m05="999") == 0


_KILLED = """
import sys, time
from pathlib import Path
from tests.integration.gocardless.test_budgets import FOOD, MAY, raise_notifications, spend
from shared_lib.warehouse import transaction, write_warehouse
with write_warehouse(Path(sys.argv[1])) as connection:
    spend(connection, {"2026-05": "120.00"})
    raised = lambda: raise_notifications(connection, [FOOD], at=MAY, run_id="killed")
    if sys.argv[2] == "before":
        with transaction(connection):
            raised()
            print("now", flush=True)
            time.sleep(60)
    raised()
    print("now", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("moment", "left"), [("before", 3), ("after", 0)])
def test_a_killed_process_repeats_nothing_and_loses_nothing(
    moment: str, left: int, warehouse: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(warehouse), moment],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        process.kill()
        process.wait()
    assert notify(warehouse, m05="120.00") == left
    assert len(notified(warehouse)) == 3


def test_the_check_warns_and_names_budget_and_threshold(warehouse: Path) -> None:
    with write_warehouse(warehouse) as connection:
        spend(connection, {"2026-05": "85.00", "2026-04": "500"})
        states = budget_states(connection, [FOOD], today=date(2026, 5, 20))
        unspent = budget_states(connection, [FOOD], today=date(2026, 6, 1))
    result = kept_result(states)
    assert (result.passed, result.severity.value) == (False, "WARN")
    assert result.description == (
        "food: 85.00 of 100.00 EUR spent, which reaches the threshold of 80 %"
    )
    assert kept_result(unspent).passed
