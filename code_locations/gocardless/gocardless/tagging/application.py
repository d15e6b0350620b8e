"""Set the tags of transactions, by the rules, all in one statement, or by a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from gocardless.tagging.rules import DETAILS, SourcedRule
from gocardless.tagging.tables import TAGGED_BY_RULES
from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import replace_rows


class UnknownTransactionError(LookupError):
    """No transaction has that key."""


@dataclass(frozen=True, kw_only=True)
class TagCounts:
    """The result of applying the rules.

    Attributes:
        by_rule: the number of newly tagged transactions, by source and name of the rule.
        taken_back: the number of tags removed because no rule matches any more.
        untagged: the number of transactions still without a tag.
    """

    by_rule: dict[str, int] = field(default_factory=dict)
    taken_back: int = 0
    untagged: int = 0

    @property
    def tagged(self) -> int:
        """The number of newly tagged transactions."""
        return sum(self.by_rule.values())


def apply_rules(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[SourcedRule],
    *,
    at: datetime,
    run_id: str,
    retag: bool = False,
    connection_id: str | None = None,
) -> TagCounts:
    """Tag each untagged transaction with the tag of the first rule that matches.

    Args:
        connection: a warehouse with the unified tables and those of tags.
        rules: in their order.
        at: the current time, UTC.
        run_id: the current run.
        retag: whether the rules also apply to transactions that rules have tagged. Tags set by a
            person stay.
        connection_id: process only the accounts of this connection; None for all.
    """
    chosen, values = _choice(rules)
    values |= {"rules": TAGGED_BY_RULES, "retag": retag, "connection": connection_id}
    with transaction(connection):
        connection.execute(
            f"""
            create or replace temp table judged as
            select
                t.transaction_key,
                known.tag as known_tag,
                known.rule_source as known_source,
                known.rule_name as known_rule,
                {chosen} as rule_number
            from unified.transactions as t
            left join unified.accounts as account using (provider, account_id)
            left join unified.transaction_tags as known using (transaction_key)
            where t.status <> 'vanished'
                and (known.tag is null or ($retag and known.tagged_by = $rules))
                and ($connection is null or account.connection_id = $connection)
            """,  # noqa: S608 - own expressions, values are bound
            values,
        )
        return _written(connection, rules, at=at, run_id=run_id)


_PLAIN = "upper(replace({}, ' ', ''))"


def _choice(rules: Sequence[SourcedRule]) -> tuple[str, dict[str, Any]]:
    """Return an SQL expression for the number of the first matching rule, and its parameters.

    One expression covers all rules, because DuckDB compiles a constant pattern only once.
    """
    values: dict[str, Any] = {}
    branches = []
    for number, rule in enumerate(rules):
        conditions = []
        for given, condition in (
            ("description", "regexp_matches(t.description, ${}, 'i')"),
            ("counterparty", "lower(trim(t.counterparty)) = lower(trim(${}))"),
            ("amount_from", "t.amount >= ${}"),
            ("amount_to", "t.amount <= ${}"),
            ("account", "${} in (t.account_id, account.iban)"),
            *((name, f"{_PLAIN.format(f't.{name}')} = {_PLAIN.format('${}')}") for name in DETAILS),
        ):
            value = getattr(rule, given)
            if value is not None:
                name = f"{given}_{number}"
                values[name] = value
                conditions.append(condition.format(name))
        branches.append(f"when {' and '.join(conditions)} then {number}")
    return (f"case {' '.join(branches)} end" if branches else "null::integer"), values


def _written(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[SourcedRule],
    *,
    at: datetime,
    run_id: str,
) -> TagCounts:
    connection.execute(
        """
        create or replace temp table rules_in_force as
        select unnest(range(len($names))) as rule_number, unnest($names::varchar[]) as rule_name,
            unnest($sources::varchar[]) as rule_source, unnest($tags::varchar[]) as tag
        """,
        {
            "names": [rule.name for rule in rules],
            "sources": [rule.source for rule in rules],
            "tags": [rule.tag for rule in rules],
        },
    )
    (taken_back,) = connection.execute(
        "delete from unified.transaction_tags where transaction_key in ("
        "select transaction_key from judged where rule_number is null and known_tag is not null)"
    ).fetchone() or (0,)
    connection.execute(
        """
        create or replace temp table given as
        select judged.transaction_key, rule.*
        from judged
        inner join rules_in_force as rule using (rule_number)
        where (judged.known_tag, judged.known_source, judged.known_rule)
            is distinct from (rule.tag, rule.rule_source, rule.rule_name)
        """
    )
    connection.execute(
        "merge into unified.transaction_tags as t using given as s using (transaction_key) "
        "when matched then update set tag = s.tag, rule_source = s.rule_source, "
        "  rule_name = s.rule_name, run_id = $run, tagged_at = $at "
        "when not matched then insert (transaction_key, tag, tagged_by, rule_source, rule_name, "
        "  run_id, tagged_at) values (s.transaction_key, s.tag, $by, s.rule_source, s.rule_name, "
        "  $run, $at)",
        {"run": run_id, "at": at.replace(tzinfo=None), "by": TAGGED_BY_RULES},
    )
    by_rule = connection.execute(
        "select rule_source || ':' || rule_name, count(*) from given group by 1 order by 1"
    ).fetchall()
    (untagged,) = connection.execute(
        "select count(*) from judged where rule_number is null"
    ).fetchone() or (0,)
    return TagCounts(by_rule=dict(by_rule), taken_back=taken_back, untagged=untagged)


def tag_by_hand(
    connection: duckdb.DuckDBPyConnection,
    transaction_key: str,
    tag: str | None,
    *,
    by: str,
    at: datetime,
) -> None:
    """Tag a transaction so that no rule changes it; without a tag, leave it to the rules again.

    Args:
        connection: a warehouse with the unified tables and those of tags.
        transaction_key: the transaction.
        tag: the tag, or None to remove it.
        by: the person.
        at: the current time, UTC.

    Raises:
        UnknownTransactionError: the transaction does not exist.
    """
    if not connection.execute(
        "select 1 from unified.transactions where transaction_key = ?", [transaction_key]
    ).fetchone():
        message = f"no transaction {transaction_key}: use a key of unified.transactions"
        raise UnknownTransactionError(message)
    if tag is None:
        connection.execute(
            "delete from unified.transaction_tags where transaction_key = ?", [transaction_key]
        )
        return
    replace_rows(
        connection,
        "unified.transaction_tags",
        "select ? as transaction_key, ? as tag, ? as tagged_by, null as rule_source, "
        "null as rule_name, null as run_id, ? as tagged_at",
        key=["transaction_key"],
        values=[transaction_key, tag, by, at.replace(tzinfo=None)],
    )
