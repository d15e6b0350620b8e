"""What may be asked of each account: successful calls a day, shared by all runs.

A call is written down before it is sent, and settled with what its answer says. A run that dies
between the two leaves one call too few, never one too many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import duckdb

from gocardless.bank_api.errors import ApiError, RateLimitedError
from gocardless.bank_api.limits import Limit

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
class KnownCalls:
    """What is known of an account's calls; naive UTC, as the tables have it."""

    remaining: int | None = None
    resets_at: datetime | None = None
    last_success_at: datetime | None = None


@dataclass(frozen=True)
class Settlement:
    """The result of a call.

    Attributes:
        account_id: the account.
        limit: the limit in the answer.
        problem: why the call failed; None if it succeeded.
        answered_at: when the answer came, UTC; None: the time of settling.
    """

    account_id: str
    limit: Limit
    problem: ApiError | None = None
    answered_at: datetime | None = None

    @classmethod
    def of_error(cls, account_id: str, error: ApiError) -> "Settlement":
        """Of a call that failed; where a limit is reached, nothing may be asked until its end."""
        limit = error.limit
        if isinstance(error, RateLimitedError):
            seconds = error.reset_seconds
            reset = int(_DEFAULT_RESET.total_seconds()) if seconds is None else seconds
            limit = Limit(limit.limit, 0, reset)
        return cls(account_id, limit, error)


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
            scope: the kind of data that the calls request.
            fresh_for_days: the number of days, in UTC, for which an answer is valid; the day of its
                arrival is the first.
        """
        self._connection, self._scope, self._fresh_for_days = connection, scope, fresh_for_days

    def decide(
        self, account_ids: Sequence[str], *, now: datetime, refresh: bool = False
    ) -> list[Decision]:
        """For each account, whether it may be asked; those that waited longest come first.

        Args:
            account_ids: the accounts.
            now: the time, UTC.
            refresh: whether to spend a call though the answer is there.
        """
        known = self._known()
        waited_longest_first = sorted(
            account_ids,
            key=lambda account_id: (
                # never asked comes first; DuckDB's timestamps have no zone
                known.get(account_id, KnownCalls()).last_success_at or datetime.min  # noqa: DTZ901
            ),
        )
        return [
            self._decision(
                account_id, known.get(account_id, KnownCalls()), now=now, refresh=refresh
            )
            for account_id in waited_longest_first
        ]

    def _known(self) -> dict[str, KnownCalls]:
        return {
            row[0]: KnownCalls(*row[1:])
            for row in self._connection.execute(
                "select account_id, remaining, resets_at, last_success_at "
                "from raw.gc_call_budget where scope = ?",
                [self._scope],
            ).fetchall()
        }

    def has_settled(self, account_id: str, *, answered_at: datetime) -> bool:
        """Whether the account's answer of that time is in the warehouse."""
        return bool(
            self._connection.execute(
                "select 1 from raw.gc_call_budget "
                "where account_id = ? and scope = ? and last_success_at = ?",
                [account_id, self._scope, answered_at.replace(tzinfo=None)],
            ).fetchone()
        )

    def _decision(
        self, account_id: str, known: KnownCalls, *, now: datetime, refresh: bool
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

    def allow(self, account_ids: Sequence[str], *, calls: int, now: datetime) -> None:
        """Begin to count, where no count is under way and the API itself does not say how many.

        Args:
            account_ids: the accounts.
            calls: successful calls in the 24 hours from ``now``.
            now: the time, UTC.
        """
        moment = now.replace(tzinfo=None)
        self._connection.execute(
            "merge into raw.gc_call_budget as t using ("
            "  select unnest($accounts::varchar[]) as account_id, $scope as scope"
            ") as s using (account_id, scope) "
            "when matched and (t.resets_at is null or t.resets_at <= $now) then update set "
            "  remaining = $calls, resets_at = $until "
            "when not matched then insert (account_id, scope, remaining, resets_at) "
            "values (s.account_id, s.scope, $calls, $until)",
            {
                "accounts": list(account_ids),
                "scope": self._scope,
                "calls": calls,
                "now": moment,
                "until": moment + timedelta(days=1),
            },
        )

    def reserve(self, account_ids: Sequence[str], *, now: datetime) -> Mapping[str, str]:
        """Record that a call is about to be sent for each account.

        Returns:
            Why a call may not be sent after all, by account: other processes have used it
            meanwhile. Always empty for a file, which has one process.
        """
        if not account_ids:
            return {}
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
        return {}

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> None:
        """Record the results of calls, and the limits in their answers."""
        if not settlements:
            return
        moments = [
            (settlement.answered_at or now).replace(tzinfo=None) for settlement in settlements
        ]
        resets = [settlement.limit.reset_seconds for settlement in settlements]
        problems = [settlement.problem for settlement in settlements]
        self._connection.execute(
            "update raw.gc_call_budget as budget set "
            # a failed call counts for nothing, so what was reserved for it is given back
            "remaining = coalesce(settled.left_over, budget.remaining "
            "  + case when settled.problem is null then 0 else 1 end), "
            "resets_at = coalesce(settled.resets_at, budget.resets_at), "
            "last_success_at = "
            "  case when settled.problem is null then settled.moment "
            "  else budget.last_success_at end, "
            "problem = settled.problem, problem_kind = settled.kind "
            "from (select unnest($accounts::varchar[]) as account_id, "
            "  unnest($moments::timestamp[]) as moment, "
            "  unnest($left_over::integer[]) as left_over, "
            "  unnest($resets::timestamp[]) as resets_at, "
            "  unnest($problems::varchar[]) as problem, unnest($kinds::varchar[]) as kind"
            ") as settled "
            "where budget.account_id = settled.account_id and budget.scope = $scope",
            {
                "moments": moments,
                "accounts": [settlement.account_id for settlement in settlements],
                "left_over": [settlement.limit.remaining for settlement in settlements],
                "resets": [
                    None if reset is None else moment + timedelta(seconds=reset)
                    for moment, reset in zip(moments, resets, strict=True)
                ],
                "problems": [None if problem is None else str(problem) for problem in problems],
                "kinds": [
                    None if problem is None else type(problem).__name__ for problem in problems
                ],
                "scope": self._scope,
            },
        )
