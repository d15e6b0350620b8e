"""Tags given to transactions: by the rules, all in one statement, or by a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from gocardless.tagging.rules import SourcedRule
from gocardless.tagging.tables import TAGGED_BY_RULES
from shared_lib.warehouse import transaction


class UnknownTransactionError(LookupError):
    """There is no transaction of that key."""


@dataclass(frozen=True, kw_only=True)
class TagCounts:
    """What applying the rules did.

    Attributes:
        by_rule: transactions that got their tag now, by source and name of the rule.
        taken_back: tags of rules that no rule gives any more.
        untagged: transactions that are left without a tag.
    """

    by_rule: dict[str, int] = field(default_factory=dict)
    taken_back: int = 0
    untagged: int = 0

    @property
    def tagged(self) -> int:
        """Transactions that got their tag now."""
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
    """Give each transaction without a tag that of the first rule that fits.

    Args:
        connection: a warehouse with the unified tables and those of tags.
        rules: in their order.
        at: when, UTC.
        run_id: the run that does it.
        retag: whether what rules have tagged before is judged again. What a person has tagged
            stays.
        connection_id: the one connection whose accounts are meant; none for all.
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


def _choice(rules: Sequence[SourcedRule]) -> tuple[str, dict[str, Any]]:
    """An SQL expression for the number of the first rule that fits, and what is bound in it.

    One expression for all rules: a pattern that is constant is compiled once, not for each row.
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
    """Give a transaction a tag that no rule changes, or with none leave it to the rules again.

    Args:
        connection: a warehouse with the unified tables and those of tags.
        transaction_key: the transaction.
        tag: what for.
        by: who says so.
        at: when, UTC.

    Raises:
        UnknownTransactionError: there is no such transaction.
    """
    if not connection.execute(
        "select 1 from unified.transactions where transaction_key = ?", [transaction_key]
    ).fetchone():
        message = f"there is no transaction {transaction_key}: give a key of unified.transactions"
        raise UnknownTransactionError(message)
    if tag is None:
        connection.execute(
            "delete from unified.transaction_tags where transaction_key = ?", [transaction_key]
        )
        return
    connection.execute(
        "insert or replace into unified.transaction_tags (transaction_key, tag, tagged_by, "
        "rule_source, rule_name, run_id, tagged_at) values (?, ?, ?, null, null, null, ?)",
        [transaction_key, tag, by, at.replace(tzinfo=None)],
    )
