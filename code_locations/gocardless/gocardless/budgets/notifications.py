"""Budget notifications: one for each threshold and month, raised when it is reached."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb

from gocardless.budgets.settings import Budget
from shared_lib.warehouse.rows import add_rows
from shared_lib.warehouse.tables import create_or_migrate

# A purchase on the last day of a month may be booked, or arrive, in the next one.
_MONTHS = 2

_TABLES = """
create schema if not exists unified;
create table if not exists unified.budget_notifications (
    tag varchar not null,
    currency varchar not null,
    month date not null,  -- its first day
    threshold_percent integer not null,
    budget decimal(18, 4) not null,
    spent decimal(38, 4) not null,  -- when it was raised
    raised_at timestamp not null,  -- UTC
    run_id varchar not null,
    primary key (tag, currency, month, threshold_percent)
);
"""


@dataclass(frozen=True)
class BudgetState:
    """A budget in a month.

    Attributes:
        tag: the tag.
        currency: ISO 4217.
        monthly: the budget.
        spent: the amount spent.
        reached: the highest threshold that the spending reaches, in percent; None below all.
    """

    tag: str
    currency: str
    monthly: Decimal
    spent: Decimal
    reached: int | None


def create_budget_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of notifications if it does not exist, or migrate it."""
    create_or_migrate(connection, _TABLES, first_table="unified.budget_notifications")


def raise_notifications(
    connection: duckdb.DuckDBPyConnection,
    budgets: Sequence[Budget],
    *,
    at: datetime,
    run_id: str,
) -> int:
    """Write the missing notifications of thresholds reached this month or last.

    It is one statement: a process that dies has written all of them or none, and the next one
    writes the missing ones.

    Args:
        connection: a warehouse with the marts and the table of notifications.
        budgets: the budgets.
        at: the current time, UTC; its month is the current one.
        run_id: the current run.

    Returns:
        How many were written.
    """
    return add_rows(
        connection,
        "unified.budget_notifications",
        f"""
        with budgets as ({_BUDGETS}),
        reached as (
            select budgets.*, spend.month, spend.spent, unnest(budgets.thresholds) as threshold
            from marts.spend_by_tag_monthly as spend
            inner join budgets using (tag, currency)
            where spend.month > date_trunc('month', $today) - to_months($months)
                and spend.month <= $today
        )
        select
            tag, currency, month, threshold as threshold_percent, monthly as budget, spent,
            $at as raised_at, $run as run_id
        from reached
        where spent * 100 >= monthly * threshold
        """,  # noqa: S608 - a constant
        key=["tag", "currency", "month", "threshold_percent"],
        values={
            "budgets": _as_json(budgets),
            "today": at.date(),
            "months": _MONTHS,
            "at": at.replace(tzinfo=None),
            "run": run_id,
        },
    )


def budget_states(
    connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget], *, today: date
) -> list[BudgetState]:
    """Return the state of each budget in the month of ``today``, ordered by tag."""
    rows = connection.execute(
        f"""
        with budgets as ({_BUDGETS})
        select tag, currency, monthly, coalesce(spend.spent, 0), (
            select max(percent) from (select unnest(budgets.thresholds) as percent)
            where coalesce(spend.spent, 0) * 100 >= monthly * percent
        )
        from budgets
        left join (
            from marts.spend_by_tag_monthly where month = date_trunc('month', $today)
        ) as spend using (tag, currency)
        order by tag, currency
        """,  # noqa: S608 - a constant
        {"budgets": _as_json(budgets), "today": today},
    ).fetchall()
    return [BudgetState(*row) for row in rows]


_BUDGETS = """
    select entry.tag, entry.currency, cast(entry.monthly as decimal(18, 4)) as monthly,
        list_distinct(entry.thresholds) as thresholds
    from (
        select unnest(from_json($budgets::json, '[{"tag": "VARCHAR", "currency": "VARCHAR",
            "monthly": "VARCHAR", "thresholds": ["INTEGER"]}]')) as entry
    )
"""


def _as_json(budgets: Sequence[Budget]) -> str:
    return json.dumps([budget.model_dump(mode="json") for budget in budgets])
