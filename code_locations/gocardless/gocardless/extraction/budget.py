"""What may be asked of each account: successful calls a day, shared by all runs.

A call is written down before it is sent, and settled with what its answer says. A run that dies
between the two leaves one call too few, never one too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import duckdb

from gocardless.api.errors import ApiError, RateLimitedError
from gocardless.api.limits import Limit

Scope = Literal["metadata", "details", "balances", "transactions"]

# Where a refusal says neither by header nor in words when to come back.
_DEFAULT_RESET = timedelta(hours=24)


@dataclass(frozen=True)
class Decision:
    """Whether an account may be asked, and if not, why.

    Attributes:
        account_id: the account.
        reason: why not; none if it may.
        limited_until: when the limit ends that forbids it; none if that is not the reason.
    """

    account_id: str
    reason: str | None = None
    limited_until: datetime | None = None


@dataclass(frozen=True)
class _Known:
    remaining: int | None = None
    resets_at: datetime | None = None
    last_success_at: datetime | None = None


class CallBudget:
    """The budget of one scope, kept in ``raw.gc_call_budget``."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        scope: Scope,
        *,
        fresh_for_days: int = 1,
    ) -> None:
        """Keep the budget of ``scope``.

        Args:
            connection: a warehouse with the raw tables.
            scope: what is asked for.
            fresh_for_days: so many days of UTC an answer is good for, the day it came included.
        """
        self._connection, self._scope, self._fresh_for_days = connection, scope, fresh_for_days

    def decide(
        self, account_ids: Sequence[str], *, now: datetime, refresh: bool = False
    ) -> list[Decision]:
        """For each account, whether it may be asked.

        Args:
            account_ids: the accounts.
            now: the time, UTC.
            refresh: whether to spend a call though the answer is there.
        """
        known = {
            row[0]: _Known(*row[1:])
            for row in self._connection.execute(
                "select account_id, remaining, resets_at, last_success_at "
                "from raw.gc_call_budget where scope = ?",
                [self._scope],
            ).fetchall()
        }
        return [
            self._decision(account_id, known.get(account_id, _Known()), now=now, refresh=refresh)
            for account_id in account_ids
        ]

    def _decision(
        self, account_id: str, known: _Known, *, now: datetime, refresh: bool
    ) -> Decision:
        last_success_at = known.last_success_at
        if known.resets_at is not None and known.remaining is not None and known.remaining <= 0:
            until = known.resets_at.replace(tzinfo=UTC)
            if now < until:
                text = f"no call for {self._scope} is left until {until:%Y-%m-%d %H:%M} UTC"
                return Decision(account_id, text, until)
        if last_success_at is not None and not refresh:
            age = now.date() - last_success_at.date()
            if age < timedelta(days=self._fresh_for_days):
                when = f"{last_success_at:%Y-%m-%d %H:%M}"
                return Decision(account_id, f"the answer of {when} UTC is there")
        return Decision(account_id)

    def reserve(self, account_ids: Sequence[str], *, now: datetime) -> None:
        """Write down that a call is about to be sent for each account."""
        if not account_ids:
            return
        moment = now.replace(tzinfo=None)
        self._connection.execute(
            "merge into raw.gc_call_budget as t using ("
            "  select unnest($accounts::varchar[]) as account_id, $scope as scope"
            ") as s using (account_id, scope) "
            "when matched then update set sent_at = $now, remaining = "
            "  case when t.resets_at > $now then t.remaining - 1 end, resets_at = "
            "  case when t.resets_at > $now then t.resets_at end "
            "when not matched then insert (account_id, scope, sent_at) "
            "values (s.account_id, s.scope, $now)",
            {"accounts": list(account_ids), "scope": self._scope, "now": moment},
        )

    def settle(self, account_id: str, *, limit: Limit, now: datetime) -> None:
        """Write down a successful call and what its answer says of the limit."""
        self._write(account_id, limit, now, succeeded=True)

    def fail(self, account_id: str, error: ApiError, *, now: datetime) -> None:
        """Write down that the call failed, why, and until when nothing may be asked."""
        limit = error.limit
        if isinstance(error, RateLimitedError):
            seconds = error.reset_seconds
            reset = int(_DEFAULT_RESET.total_seconds()) if seconds is None else seconds
            limit = Limit(limit.limit, 0, reset)
        self._write(account_id, limit, now, problem=error)

    def _write(
        self,
        account_id: str,
        limit: Limit,
        now: datetime,
        *,
        succeeded: bool = False,
        problem: ApiError | None = None,
    ) -> None:
        moment = now.replace(tzinfo=None)
        reset = limit.reset_seconds
        self._connection.execute(
            "update raw.gc_call_budget set "
            # a failed call counts for nothing, so what was reserved for it is given back
            "remaining = coalesce($remaining, case when $succeeded then remaining "
            "  else remaining + 1 end), "
            "resets_at = coalesce($resets_at, resets_at), "
            "last_success_at = case when $succeeded then $now else last_success_at end, "
            "problem = $problem, problem_kind = $kind "
            "where account_id = $account and scope = $scope",
            {
                "remaining": limit.remaining,
                "resets_at": moment + timedelta(seconds=reset) if reset is not None else None,
                "succeeded": succeeded,
                "now": moment,
                "problem": None if problem is None else str(problem),
                "kind": None if problem is None else type(problem).__name__,
                "account": account_id,
                "scope": self._scope,
            },
        )
