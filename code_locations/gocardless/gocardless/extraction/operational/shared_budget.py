"""The budget of calls in Postgres, where the processes of all machines find it.

One statement spends a call, and locks the row: if three calls are left and ten processes ask at
once, three of them get one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import duckdb

from gocardless.extraction.budget import CallBudget, KnownCalls, Scope, Settlement
from shared_lib.warehouse.lake.catalog import Catalog
from shared_lib.warehouse.rows import replace_rows

_COLUMNS = (
    "account_id, scope, remaining, resets_at, sent_at, last_success_at, problem, problem_kind"
)


class SharedBudget(CallBudget):
    """The budget of one scope in Postgres; ``raw.gc_call_budget`` has a copy for readers.

    While it is not known how many calls are left, one session at a time may ask about an account.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        scope: Scope,
        *,
        fresh_for_days: int = 1,
        catalog: Catalog,
        session: str,
    ) -> None:
        """Keep the budget of ``scope``.

        Args:
            connection: the lake, with the raw tables.
            scope: the kind of data that the calls request.
            fresh_for_days: the number of days, in UTC, for which an answer is valid; the day of its
                arrival is the first.
            catalog: its Postgres.
            session: the session that asks, by its name in ``_LIVING``.
        """
        super().__init__(connection, scope, fresh_for_days=fresh_for_days)
        self._run, self._session = catalog.run, session

    def _known(self) -> dict[str, KnownCalls]:
        known = self._rows()
        # rows of a warehouse that used to be a file, or that comes from a backup
        for row in self._connection.execute(
            f"select {_COLUMNS} from raw.gc_call_budget where scope = ?",  # noqa: S608 - own names
            [self._scope],
        ).fetchall():
            if row[0] not in known:
                self._run(
                    f"insert into bank.call_budget ({_COLUMNS}) values "  # noqa: S608 - as well
                    "(%(0)s, %(1)s, %(2)s, %(3)s, %(4)s, %(5)s, %(6)s, %(7)s) "
                    "on conflict do nothing",
                    {str(number): value for number, value in enumerate(row)},
                )
                known = self._rows()
        return known

    def _rows(self) -> dict[str, KnownCalls]:
        rows = self._run(
            "select account_id, remaining, resets_at, last_success_at from bank.call_budget "
            "where scope = %(scope)s",
            {"scope": self._scope},
        )
        return {row[0]: KnownCalls(*row[1:]) for row in rows}

    def allow(self, account_ids: Sequence[str], *, calls: int, now: datetime) -> None:
        """Start the count of each account that has none; see :meth:`CallBudget.allow`."""
        self._known()
        moment = now.replace(tzinfo=None)
        self._run(
            "insert into bank.call_budget as known (account_id, scope, remaining, resets_at) "
            "select account_id, %(scope)s, %(calls)s, %(until)s "
            "from unnest(%(accounts)s::text[]) as account_id order by account_id "
            "on conflict (account_id, scope) do update set "
            "remaining = excluded.remaining, resets_at = excluded.resets_at "
            "where known.resets_at is null or known.resets_at <= %(now)s",
            {
                "accounts": sorted({*account_ids}),
                "scope": self._scope,
                "calls": calls,
                "now": moment,
                "until": moment + timedelta(days=1),
            },
        )

    def reserve(self, account_ids: Sequence[str], *, now: datetime) -> Mapping[str, str]:
        """Spend one call of each account; return by account why it could not be spent."""
        granted = self._run(
            _RESERVE,
            {
                # in one order, so that two processes never wait for each other
                "accounts": sorted({*account_ids}),
                "scope": self._scope,
                "now": now.replace(tzinfo=None),
                "session": self._session,
            },
        )
        refused = {*account_ids} - {account_id for (account_id,) in granted}
        known = self._rows() if refused else {}
        return {
            account_id: decision.reason
            or f"another run is asking for {self._scope}: how many calls are left is not known yet"
            for account_id in sorted(refused)
            for decision in [self._decision(account_id, known[account_id], now=now, refresh=True)]
        }

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> None:
        """Record the results of calls; the caller commits the copy with the answers.

        Postgres has them before the lake does. If the run is killed in between, the next one
        settles the answer again, with the same result.
        """
        rows = []
        for settlement in settlements:
            moment = (settlement.answered_at or now).replace(tzinfo=None)
            problem, reset = settlement.problem, settlement.limit.reset_seconds
            rows += self._run(
                _SETTLE,
                {
                    "account": settlement.account_id,
                    "scope": self._scope,
                    "session": self._session,
                    "left_over": settlement.limit.remaining,
                    "resets_at": None if reset is None else moment + timedelta(seconds=reset),
                    "succeeded_at": moment if problem is None else None,
                    "given_back": 0 if problem is None else 1,
                    "problem": None if problem is None else str(problem),
                    "kind": None if problem is None else type(problem).__name__,
                },
            )
        for row in rows:
            replace_rows(
                self._connection,
                "raw.gc_call_budget",
                "select ? as account_id, ? as scope, ?::integer as remaining, "
                "?::timestamp as resets_at, ?::timestamp as sent_at, "
                "?::timestamp as last_success_at, ?::varchar as problem, "
                "?::varchar as problem_kind",
                key=["account_id", "scope"],
                values=[*row],
            )


_LIVING = """
select pid::text || ' ' || backend_start::text from pg_stat_activity
where datname = current_database() and backend_start is not null
"""
_RESERVE = f"""
insert into bank.call_budget as known (account_id, scope, sent_at, asker)
select account_id, %(scope)s, %(now)s, %(session)s
from unnest(%(accounts)s::text[]) as account_id
order by account_id
on conflict (account_id, scope) do update set
    sent_at = excluded.sent_at,
    asker = excluded.asker,
    remaining = case when known.resets_at > %(now)s then known.remaining - 1 end,
    resets_at = case when known.resets_at > %(now)s then known.resets_at end
where case
    when known.resets_at > %(now)s and known.remaining is not null then known.remaining > 0
    else known.asker is null or known.asker not in ({_LIVING})
end
returning account_id
"""  # noqa: S608 - a constant
RELEASE = "update bank.call_budget set asker = null where asker = %(session)s"
# An answer does not count what others have spent since it was sent, so the lower number is right.
_SETTLE = f"""
update bank.call_budget as known set
    remaining = least(%(left_over)s::integer, known.remaining + %(given_back)s),
    resets_at = greatest(%(resets_at)s::timestamp, known.resets_at),
    last_success_at = greatest(%(succeeded_at)s::timestamp, known.last_success_at),
    problem = %(problem)s,
    problem_kind = %(kind)s,
    asker = nullif(known.asker, %(session)s)
where account_id = %(account)s and scope = %(scope)s
returning {_COLUMNS}
"""  # noqa: S608 - a constant
