"""Rules tag transactions once, in their order, and never overwrite a person's tag."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from gocardless.sync.tables import create_unified_tables
from gocardless.tagging.application import UnknownTransactionError, apply_rules, tag_by_hand
from gocardless.tagging.rules import SourcedRule, read_table_rules
from gocardless.tagging.tables import create_tag_tables

AT = datetime(2026, 5, 4, tzinfo=UTC)

TRANSACTIONS = (
    # key, account, amount, description, counterparty, status
    ("rent", "giro", "-850.00", "Miete Wohnung 12", "Hausverwaltung Nord", "booked"),
    ("refund", "giro", "85.00", "Miete zu viel", "Hausverwaltung Nord", "booked"),
    ("shop", "giro", "-12.00", "REWE MARKT", "Rewe", "booked"),
    ("card", "card", "-12.00", "REWE MARKT", " rewe ", "pending"),
    ("gone", "giro", "-12.00", "REWE MARKT", "Rewe", "vanished"),
    ("other", "giro", "-99.00", "?", None, "booked"),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        create_unified_tables(opened)
        create_tag_tables(opened)
        for account, of in (("giro", "one"), ("card", "two")):
            opened.execute(
                "insert into unified.accounts (provider, account_id, connection_id, iban, status) "
                "values ('p', ?, ?, ?, 'active')",
                [account, of, f"IBAN {account}"],
            )
        for key, account, amount, text, party, status in TRANSACTIONS:
            opened.execute(
                "insert into unified.transactions (transaction_key, provider, account_id, status, "
                "booking_date, amount, currency, description, counterparty, first_fetch_number, "
                "last_fetch_number, first_seen_at, last_seen_at) "
                "values (?, 'p', ?, ?, '2026-05-01', ?, 'EUR', ?, ?, 1, 1, now(), now())",
                [key, account, status, Decimal(amount), text, party],
            )
        yield opened


def rule(name: str, tag: str, **conditions: Any) -> SourcedRule:
    return SourcedRule(name=name, tag=tag, source="file", **conditions)


def apply(connection: duckdb.DuckDBPyConnection, *rules: SourcedRule, **fields: Any) -> dict:
    run = {"at": AT, "run_id": "run", **fields}
    counts = apply_rules(connection, rules, **run)
    return counts.by_rule


def tags(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(
        connection.execute("select transaction_key, tag from unified.transaction_tags").fetchall()
    )


@pytest.mark.parametrize(
    ("conditions", "fitting"),
    [
        ({"description": "^rewe"}, {"shop", "card"}),
        ({"counterparty": "REWE"}, {"shop", "card"}),
        ({"amount_from": "-12.00", "amount_to": "-12"}, {"shop", "card"}),
        ({"amount_from": "-99"}, {"refund", "shop", "card", "other"}),
        ({"account": "card"}, {"card"}),
        ({"account": "IBAN card"}, {"card"}),
        ({"description": "miete", "amount_to": "-0.01"}, {"rent"}),
    ],
)
def test_all_conditions_of_a_rule_must_hold(
    conditions: dict, fitting: set[str], connection: duckdb.DuckDBPyConnection
) -> None:
    apply(connection, rule("it", "x", **conditions))
    assert set(tags(connection)) == fitting


def test_the_first_rule_that_fits_counts_and_is_recorded(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "insert into unified.tag_rules (position, name, tag, account, created_by) "
        "values (2, 'all of giro', 'rest', 'giro', 'erika'), (1, 'rent', 'never', 'none', 'erika')"
    )
    file_rules = [
        rule("rent", "housing", description="miete"),
        rule("cheap", "small", amount_from=-20),
    ]
    given = apply(connection, *file_rules, *read_table_rules(connection))
    assert given == {"file:rent": 2, "file:cheap": 2, "table:all of giro": 1}
    assert tags(connection) == {
        "rent": "housing", "refund": "housing", "shop": "small", "card": "small", "other": "rest",
    }  # fmt: skip
    assert connection.execute(
        "select tagged_by, rule_source, rule_name, run_id, tagged_at "
        "from unified.transaction_tags where transaction_key = 'other'"
    ).fetchall() == [("tag_rules", "table", "all of giro", "run", AT.replace(tzinfo=None))]


def test_only_what_has_no_tag_is_judged_unless_asked(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    tag_by_hand(connection, "shop", "party", by="erika", at=AT)
    apply(
        connection, rule("old", "food", description="rewe"), rule("r", "home", description="miet")
    )
    assert apply(connection, rule("new", "shopping", description="rewe")) == {}
    assert tags(connection)["card"] == "food"
    counts = apply_rules(
        connection,
        [rule("new", "shopping", description="rewe")],
        at=AT,
        run_id="later",
        retag=True,
    )
    # a tag that no rule sets any more is removed, what a person has set stays
    assert (counts.by_rule, counts.taken_back) == ({"file:new": 1}, 2)
    assert tags(connection) == {"shop": "party", "card": "shopping"}
    assert connection.execute(
        "select tagged_by from unified.transaction_tags order by transaction_key"
    ).fetchall() == [("tag_rules",), ("erika",)]


def test_the_rules_of_a_run_for_one_connection_touch_its_accounts_alone(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    apply(connection, rule("all", "x", amount_to=1000), connection_id="two")
    assert set(tags(connection)) == {"card"}


def test_a_person_can_take_a_tag_back_and_only_tags_what_is_there(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    tag_by_hand(connection, "shop", "party", by="erika", at=AT)
    tag_by_hand(connection, "shop", None, by="erika", at=AT)
    assert tags(connection) == {}
    with pytest.raises(UnknownTransactionError, match="no transaction nothing"):
        tag_by_hand(connection, "nothing", "party", by="erika", at=AT)


@pytest.mark.parametrize(
    ("column", "stored", "asked"),
    [
        ("merchant_category", "5411", "5411"),
        ("counterparty_iban", "DE89370400440532013000", "de89 3704 0044 0532 0130 00"),
        ("end_to_end_id", "RF18 5390", "rf185390"),
        ("mandate_id", "M-1", "m-1"),
        ("original_currency", "USD", "usd"),
    ],
)
@pytest.mark.parametrize("source", ["file", "table"])
def test_a_rule_may_ask_for_a_detail_of_the_entry(
    connection: duckdb.DuckDBPyConnection, column: str, stored: str, asked: str, source: str
) -> None:
    connection.execute(
        f"update unified.transactions set {column} = ? where transaction_key = 'shop'", [stored]
    )
    found = [rule("r", "found", **{column: asked})]
    if source == "table":
        connection.execute(
            f"insert into unified.tag_rules (position, name, tag, created_by, {column}) "
            "values (1, 'r', 'found', 'me', ?)",
            [asked],
        )
        found = read_table_rules(connection)
    apply(connection, *found)
    assert tags(connection) == {"shop": "found"}
