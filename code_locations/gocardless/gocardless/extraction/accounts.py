"""One scope of many accounts: decided by the budget, fetched at once, written one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from gocardless.api.client import Answer
from gocardless.api.errors import ApiError, RateLimitedError
from gocardless.extraction.budget import CallBudget
from gocardless.extraction.fetching import fetch_concurrently
from shared_lib.warehouse import transaction


@dataclass
class ScopeOutcome:
    """What became of the accounts of one scope.

    Attributes:
        fetched: accounts whose answer was written.
        there_already: accounts whose answer of the day was there.
        limited: why nothing was asked or answered, by account whose limit is reached.
        failed: the error, by account.
        rejects: entries that were refused.
        skipped: why nothing at all was done; none if something was.
    """

    fetched: list[str] = field(default_factory=list)
    there_already: list[str] = field(default_factory=list)
    limited: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    rejects: int = 0
    skipped: str | None = None


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def fetch_scope(
    connection: duckdb.DuckDBPyConnection,
    account_ids: Sequence[str],
    *,
    budget: CallBudget,
    ask: Callable[[str], Answer[Any]],
    write: Callable[[str, Any, datetime], int],
    concurrency: int,
    refresh: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> ScopeOutcome:
    """Ask for what may and need be asked, and write each answer in a transaction of its own.

    Args:
        connection: a warehouse with the raw tables.
        account_ids: the accounts.
        budget: of the scope.
        ask: makes the call for an account; runs in several threads.
        write: writes an answer's body, gotten at a time, and returns how many of its entries
            were refused.
        concurrency: calls at a time.
        refresh: whether to ask though the answer of the day is there.
        now: the time, UTC.

    Raises:
        ApiError: the API accepts no call at all from here.
    """
    outcome = ScopeOutcome()
    to_ask = _decided(budget, account_ids, outcome, refresh=refresh, now=now())
    budget.reserve(to_ask, now=now())
    for account_id, answer in fetch_concurrently(to_ask, ask, concurrency=concurrency):
        moment = now()
        if isinstance(answer, ApiError):
            budget.fail(account_id, answer, now=moment)
            problems = outcome.limited if isinstance(answer, RateLimitedError) else outcome.failed
            problems[account_id] = str(answer)
            continue
        with transaction(connection):
            outcome.rejects += write(account_id, answer.body, moment)
            budget.settle(account_id, limit=answer.limit, now=moment)
        outcome.fetched.append(account_id)
    return outcome


def _decided(
    budget: CallBudget,
    account_ids: Sequence[str],
    outcome: ScopeOutcome,
    *,
    refresh: bool,
    now: datetime,
) -> list[str]:
    to_ask = []
    for decision in budget.decide(account_ids, now=now, refresh=refresh):
        if decision.reason is None:
            to_ask.append(decision.account_id)
        elif decision.limited_until is not None:
            outcome.limited[decision.account_id] = decision.reason
        else:
            outcome.there_already.append(decision.account_id)
    return to_ask
