"""What the database reads of many answers at once is what is read of them one by one."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gocardless.extraction.reading import bulk_reader
from gocardless.extraction.reading.bulk_reader import read_texts
from gocardless.extraction.reading.duplicates import counted
from gocardless.extraction.reading.entries import read_transactions
from gocardless.extraction.tables import TRANSACTIONS

ACCOUNT = "account"
COLUMNS = [name for name in (*TRANSACTIONS.columns, "copies") if name != "payload_digest"]

PLAIN = {
    "transactionId": "T1",
    "transactionAmount": {"amount": "-3.40", "currency": "EUR"},
    "bookingDate": "2026-05-04",
    "remittanceInformationUnstructured": "CAFE",
}
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.sampled_from(
        ("", " ", "  two  spaces ", "tab\there", "line\nbreak", "no\u00a0break", "Grüße 🎉",
         "wide\u3000space", "back\\slash", '"quoted": 1.50', "[1.5, 2]", "unit\u001fsep", "\x0b")
    ),
)  # fmt: skip
ODD = st.sampled_from((None, 1, 1.50, True, [], ["a", "b"], ["a", 1.5], {"a": "b"}, {"a": 0.10}))
AMOUNTS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-9999, max_value=9999)
    .map(str),
    st.sampled_from(("1.234,56", "+7", "00.10", "1e3", "-0", "123456789012345", ".5", "1.", "")),
    ODD,
)  # fmt: skip
DATES = st.one_of(
    st.dates().map(str),
    st.sampled_from(("0000-00-00", "2026-02-30", "2026-05-04T10:00:00Z", "", "1969-12-31")),
    ODD,
)
MONEY = st.one_of(
    st.fixed_dictionaries(
        {"amount": AMOUNTS, "currency": st.sampled_from(("EUR", "USD", "EURO", "eur", None, 1))}
    ),
    st.sampled_from(({}, None, "1.00 EUR")),
)
# of texts alone, as nearly all are, and of anything at all
USUAL = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("transactionId", "creditorName", "debtorName", "additionalInformation"), TEXTS
    )
    | {"remittanceInformationUnstructured": TEXTS, "valueDate": st.dates().map(str)},
)
WILD = st.fixed_dictionaries(
    {},
    optional={
        "transactionAmount": MONEY,
        "transactionId": TEXTS | ODD,
        "internalTransactionId": TEXTS,
        "bookingDate": DATES,
        "bookingDateTime": DATES,
        "valueDate": DATES,
        "creditorName": TEXTS | ODD,
        "debtorName": TEXTS,
        "remittanceInformationUnstructured": TEXTS | ODD,
        "remittanceInformationUnstructuredArray": st.lists(TEXTS, max_size=2) | ODD,
        "remittanceInformationStructured": TEXTS,
        "additionalInformation": TEXTS,
        "balanceAfterTransaction": st.fixed_dictionaries({"balanceAmount": MONEY}) | ODD,
        "unknownField": ODD,
    },
)
ENTRIES = st.one_of(USUAL, USUAL, WILD).map(lambda drawn: {**PLAIN, **drawn})


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("set threads = 1")
        yield opened


def in_order(rows: list[tuple]) -> list[tuple]:
    """Sorted by their text, in which an amount has the same form with any number of zeros."""

    def text(row: tuple) -> str:
        return str([value.normalize() if isinstance(value, Decimal) else value for value in row])

    return sorted(rows, key=text)


def rows_of_the_database(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    query = f"select {', '.join(COLUMNS)} from read_entries"
    return in_order(connection.execute(query).fetchall())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(booked=st.lists(ENTRIES, max_size=3), pending=st.lists(ENTRIES, max_size=2))
def test_both_ways_of_reading_say_the_same(
    connection: duckdb.DuckDBPyConnection, booked: list[Any], pending: list[Any]
) -> None:
    text = json.dumps({"transactions": {"booked": booked, "pending": pending}})
    found = read_texts(connection, [(ACCOUNT, text)])
    lists = json.loads(text, parse_float=str)["transactions"]
    careful = read_transactions(ACCOUNT, lists)
    expected = [tuple(row[name] for name in COLUMNS) for row in counted(careful.rows)]
    assert rows_of_the_database(connection) == in_order(expected)
    assert found.rejects == careful.rejects


def answer(*booked: Any) -> tuple[str, str]:
    return ACCOUNT, json.dumps({"transactions": {"booked": booked, "pending": []}})


def test_plain_answers_are_read_by_the_database_alone(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not_be_called(*_: Any) -> None:
        raise AssertionError("read one by one")

    monkeypatch.setattr(bulk_reader, "read_transactions", must_not_be_called)
    usual = {
        **PLAIN,
        "internalTransactionId": "I1",
        "valueDate": "2026-05-04",
        "creditorName": "Bäckerei  Süß",
        "additionalInformation": "with \t spaces",
        "balanceAfterTransaction": {
            "balanceAmount": {"amount": "10.00", "currency": "EUR"},
            "balanceType": "interimBooked",
        },
        "currencyExchange": [{"exchangeRate": "1.08"}],
    }
    found = read_texts(connection, [answer(usual, PLAIN), answer()])
    assert found.carefully == []
    assert len(rows_of_the_database(connection)) == 2


FIELDS_OF_TEXT = (
    "transactionId",
    "internalTransactionId",
    "bookingDate",
    "bookingDateTime",
    "valueDate",
    "valueDateTime",
    "creditorName",
    "debtorName",
    "remittanceInformationUnstructured",
    "remittanceInformationStructured",
    "additionalInformation",
)


@pytest.mark.parametrize("nested", [{"a": "b"}, ["a", "b"], [{"a": "b"}], {}])
@pytest.mark.parametrize("name", [*FIELDS_OF_TEXT, "amount", "currency"])
def test_what_is_nested_for_a_text_is_read_one_by_one(
    connection: duckdb.DuckDBPyConnection, name: str, nested: Any
) -> None:
    money = {"amount": "-3.40", "currency": "EUR"}
    changed = {"transactionAmount": {**money, name: nested}} if name in money else {name: nested}
    found = read_texts(connection, [answer(PLAIN), answer({**PLAIN, **changed})])
    assert found.carefully == [1]


@pytest.mark.parametrize(
    "text",
    [
        "<html>busy</html>",
        '{"transactions": {"booked": null}}',
        '{"transactions": {"booked": {}, "pending": []}}',
        '{"transactions": [], "booked": []}',
        "[]",
        "",
    ],
)
def test_an_answer_that_is_no_answer_is_an_error_of_its_account_alone(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    found = read_texts(connection, [answer(PLAIN), ("other", text), answer(PLAIN)])
    assert list(found.unreadable) == [1]
    assert len(rows_of_the_database(connection)) == 2


def test_lists_that_are_left_out_or_have_half_a_surrogate_are_read_one_by_one(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    without_pending = json.dumps({"transactions": {"booked": [PLAIN]}})
    broken = {**PLAIN, "creditorName": "half \ud800"}
    found = read_texts(connection, [(ACCOUNT, without_pending), answer(broken, PLAIN)])
    assert (found.unreadable, sorted(found.carefully)) == ({}, [0, 1])
    assert [reject["reason"] for reject in found.rejects] == ["half of a surrogate pair"]
    assert len(rows_of_the_database(connection)) == 2
