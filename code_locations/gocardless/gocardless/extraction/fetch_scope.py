"""One scope of many accounts: decided by the budget, fetched at once, written in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import duckdb

from gocardless.bank_api.client import Answer
from gocardless.bank_api.errors import ApiError, RateLimitedError
from gocardless.extraction.budget import CallBudget, Settlement
from gocardless.extraction.fetching import fetch_concurrently
from gocardless.extraction.journal import AnswerJournal, Received
from gocardless.extraction.writing import in_one_thread
from shared_lib.warehouse import transaction

Body = TypeVar("Body")

# What an answer may be at fault for, and then every time that it is taken. A full disk or a lack
# of memory is not among it: after that the answer is taken as it is.
_OF_THE_ANSWER = (
    ValueError,
    TypeError,
    ArithmeticError,
    RecursionError,
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InvalidInputException,
)


@dataclass
class ScopeOutcome:
    """The results of the accounts of one scope.

    Attributes:
        fetched: accounts whose answer was written.
        there_already: accounts whose answer of the day was there.
        limited: why there was no call or no answer, by account that has reached its limit.
        failed: the error, by account.
        rejects: entries that were refused.
        set_aside: why an answer that an earlier run had left could not be used and where it is
            now, by account; these accounts are fetched again.
        skipped: why nothing was done at all; None if something was.
    """

    fetched: list[str] = field(default_factory=list)
    there_already: list[str] = field(default_factory=list)
    limited: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    rejects: int = 0
    set_aside: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ReadBatch:
    """Answers that have been read and not been written.

    Attributes:
        write: writes all of them; called in a database transaction.
        rejects: how many of their entries were refused.
        unreadable: why nothing could be read, by account.
    """

    write: Callable[[], None]
    rejects: int = 0
    unreadable: Mapping[str, ApiError] = field(default_factory=dict)


def fetch_scope(
    connection: duckdb.DuckDBPyConnection,
    account_ids: Sequence[str],
    *,
    budget: CallBudget,
    ask: Callable[[str], Answer[Body]],
    read: Callable[[Sequence[Received[Body]]], ReadBatch],
    concurrency: int,
    journal: AnswerJournal[Body] | None = None,
    refresh: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> ScopeOutcome:
    """Ask for what may and need be asked, and write the answers that came in some seconds.

    Answers of one database transaction are written with their watermarks and the budget. What a
    run that was killed has left in the journal is written first, and is not asked for again if it
    came today.

    Args:
        connection: a warehouse with the raw tables.
        account_ids: the accounts.
        budget: of the scope.
        ask: makes the call for an account; runs in several threads.
        read: reads answers, outside a database transaction.
        concurrency: calls at a time.
        journal: has answers until they are written; none if they may be lost.
        refresh: whether to ask though the answer of the day is there.
        now: the time, UTC.

    Raises:
        ApiError: the API accepts no call at all from here.
    """
    outcome = ScopeOutcome()

    def ask_and_keep(account_id: str) -> Received[Body]:
        received = Received(account_id, ask(account_id), now())
        if journal is not None:
            journal.keep(received)
        return received

    def write(
        answers: Sequence[tuple[str, Received[Body] | ApiError]], into: ScopeOutcome, at: datetime
    ) -> None:
        _write(connection, answers, budget=budget, read=read, outcome=into, now=at)
        if journal is not None:
            journal.forget(account_id for account_id, _ in answers)

    with in_one_thread(connection):
        of_earlier_run = ScopeOutcome()
        if journal is not None:
            for account_id in journal.left(account_ids):
                try:
                    received = journal.read(account_id)
                    if budget.has_settled(account_id, answered_at=received.at):
                        # the run was killed after it had written the answer
                        journal.forget([account_id])
                        continue
                    write([(account_id, received)], of_earlier_run, received.at)
                except _OF_THE_ANSWER as error:
                    why = f"{type(error).__name__}: {error}"
                    kept = journal.set_aside(account_id, because=why)
                    outcome.set_aside[account_id] = f"{why} (now in {kept})"
        to_ask = _decided(budget, account_ids, outcome, refresh=refresh, now=now())
        _take_over(outcome, of_earlier_run)
        refused = budget.reserve(to_ask, now=now())
        outcome.limited.update(refused)
        to_ask = [account_id for account_id in to_ask if account_id not in refused]
        for answers in fetch_concurrently(to_ask, ask_and_keep, concurrency=concurrency):
            write(answers, outcome, now())
    return outcome


def _take_over(outcome: ScopeOutcome, of_earlier_run: ScopeOutcome) -> None:
    """Count as fetched what an earlier run has left, where it is not asked for again."""
    taken = [
        account_id for account_id in outcome.there_already if account_id in of_earlier_run.fetched
    ]
    outcome.fetched += taken
    outcome.there_already = [
        account_id for account_id in outcome.there_already if account_id not in taken
    ]
    outcome.rejects += of_earlier_run.rejects


def _write(
    connection: duckdb.DuckDBPyConnection,
    answers: Sequence[tuple[str, Received[Body] | ApiError]],
    *,
    budget: CallBudget,
    read: Callable[[Sequence[Received[Body]]], ReadBatch],
    outcome: ScopeOutcome,
    now: datetime,
) -> None:
    received = [answer for _, answer in answers if isinstance(answer, Received)]
    batch = read(received)
    settlements = []
    for account_id, answer in answers:
        error = answer if isinstance(answer, ApiError) else batch.unreadable.get(account_id)
        if error is not None:
            settlements.append(Settlement.of_error(account_id, error))
            is_limited = isinstance(error, RateLimitedError)
            (outcome.limited if is_limited else outcome.failed)[account_id] = str(error)
        elif isinstance(answer, Received):
            settlements.append(Settlement(account_id, answer.answer.limit, answered_at=answer.at))
            outcome.fetched.append(account_id)
    with transaction(connection):
        batch.write()
        budget.settle(settlements, now=now)
    outcome.rejects += batch.rejects


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
