"""Random ledgers in every format are read back exactly."""

import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.gocardless.statement_files import writers
from tests.unit.gocardless.statement_files.writers import Booking, Dialect, Ledger

from gocardless.statement_files.detection import ReadFile, read_statement_file
from gocardless.statement_files.formats.csv.inspection import Choices

IBAN = "DE89370400440532013000"
# no text is a code of its format; signs that formats have to escape
WORD = st.sampled_from(
    ["a", "Brötchen", "R&B", "<b>", "l'été", "Nr.5", "x" * 30, "straße", "über", "ok>"]
)
AMOUNT = st.integers(1, 9_999_999_999).flatmap(lambda cents: st.sampled_from([cents, -cents])).map(
    lambda cents: Decimal(cents).scaleb(-2)
)  # fmt: skip


def texts(most: int) -> st.SearchStrategy[str]:
    return st.lists(WORD, min_size=1, max_size=most).map(" ".join)


@st.composite
def ledgers(draw: st.DrawFn, *, least: int = 1) -> Ledger:
    days = draw(st.lists(st.integers(0, 400), min_size=least, max_size=8).map(sorted))
    return Ledger(
        iban=IBAN,
        currency="EUR",
        opening=draw(AMOUNT),
        bookings=[
            Booking(
                day=date(2025, 11, 3) + timedelta(days=day),
                amount=draw(AMOUNT),
                text=draw(texts(6)),
                # MT940 has room for two segments
                party=draw(st.none() | texts(3).map(lambda text: text[:54].strip())),
                end_to_end_id=draw(st.sampled_from([None, "A1", "2026-B"])),
            )
            for day in days
        ],
    )


def read(content: bytes, name: str, **choices: str | None) -> ReadFile:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_bytes(content)
        return read_statement_file(path, choices=Choices(**choices))


def check(found: ReadFile, ledger: Ledger, *fields: str) -> None:
    assert found.content.rejects == []
    assert found.content.notes == []
    [statement] = found.content.statements
    names = {"day": "booking_date", "text": "description", "party": "counterparty"}
    got = [
        tuple(getattr(entry, names.get(field, field)) for field in fields)
        for entry in statement.entries
    ]
    assert got == [tuple(getattr(b, field) for field in fields) for b in ledger.bookings]
    assert {entry.currency for entry in statement.entries} == {ledger.currency}


def check_balances(found: ReadFile, ledger: Ledger) -> None:
    [statement] = found.content.statements
    assert statement.account.iban == ledger.iban
    amounts = {balance.kind: balance.amount for balance in statement.balances}
    assert amounts == {"opening": ledger.opening, "closing": ledger.closing}


@pytest.mark.parametrize("version", ["02", "08"])
@settings(max_examples=15, deadline=None)
@given(ledger=ledgers())
def test_camt053_which_isos_schema_accepts(version: str, ledger: Ledger) -> None:
    found = read(writers.camt053(ledger, version), "x.xml")
    check(found, ledger, "day", "amount", "text", "party", "end_to_end_id")
    check_balances(found, ledger)


@pytest.mark.parametrize("details", ["german", "swift", "plain"])
@settings(max_examples=15, deadline=None)
@given(ledger=ledgers())
def test_mt940(details: str, ledger: Ledger) -> None:
    found = read(writers.mt940(ledger, details), "x.sta")
    fields = ("day", "amount", "text")
    check(found, ledger, *fields, *(() if details == "plain" else ("party", "end_to_end_id")))
    check_balances(found, ledger)


@pytest.mark.parametrize("version", [1, 2])
@settings(max_examples=15, deadline=None)
@given(ledger=ledgers())
def test_ofx(version: int, ledger: Ledger) -> None:
    found = read(writers.ofx(ledger, version), "x.ofx")
    check(found, ledger, "day", "amount", "text", "party")
    [statement] = found.content.statements
    assert (statement.account.iban, statement.balances[0].amount) == (IBAN, ledger.closing)


@pytest.mark.parametrize("order", ["dmy", "mdy"])
@settings(max_examples=15, deadline=None)
@given(ledger=ledgers())
def test_qif(order: str, ledger: Ledger) -> None:
    found = read(writers.qif(ledger, order), "x.qif", currency="EUR", date_order=order)
    check(found, ledger, "day", "amount", "text", "party")


GERMAN = ("Buchungstag", "Auftraggeber/Empfänger", "Verwendungszweck")
DIALECTS = {
    "german": Dialect(
        encoding="cp1252",
        separator=";",
        decimal=",",
        group=".",
        day="%d.%m.%Y",
        sign="signed",
        names=(*GERMAN, "Betrag", "Währung"),
        above=(
            f"Konto: {IBAN};Zeitraum: 01.11.2025 - 30.12.2026",
            "",
        ),
        below=(
            "",
            "Kontostand;30.12.2027;1.096,20;EUR",
            "Alle Angaben ohne Gewähr",
        ),
    ),
    "debit and credit": Dialect(
        encoding="utf-8-sig",
        separator=";",
        decimal=",",
        group=".",
        day="%d.%m.%y",
        sign="sides",
        names=(*GERMAN, "Soll", "Haben", "Währung"),
    ),
    "indicator": Dialect(
        encoding="cp850",
        separator=";",
        decimal=",",
        group="",
        day="%d.%m.%Y",
        sign="indicator",
        names=(*GERMAN, "Umsatz", "Soll/Haben", "Währung"),
    ),
    "american": Dialect(
        encoding="utf-8",
        separator=",",
        decimal=".",
        group=",",
        day="%m/%d/%Y",
        sign="words",
        names=("Posting Date", "Payee", "Description", "Amount", "Type", "Currency"),
    ),
    "british": Dialect(
        encoding="utf-16",
        separator="\t",
        decimal=".",
        group=",",
        day="%d %b %Y",
        sign="sides",
        names=("Date", "Name", "Description", "Paid out", "Paid in", "Currency"),
    ),
    "swiss": Dialect(
        encoding="latin-1",
        separator=";",
        decimal=".",
        group="'",
        day="%d.%m.%Y",
        sign="sides",
        names=("Buchungsdatum", "Name", "Text", "Belastung", "Gutschrift", "Währung"),
    ),
    "french": Dialect(
        encoding="cp1252",
        separator=";",
        decimal=",",
        group="\u00a0",
        day="%d/%m/%Y",
        sign="signed",
        names=("Date comptable", "Tiers", "Libellé", "Montant", "Devise"),
    ),
    "dutch": Dialect(
        encoding="utf-8",
        separator=",",
        decimal=",",
        group="",
        day="%Y%m%d",
        sign="behind",
        names=("Boekdatum", "Tegenpartij", "Omschrijving", "Bedrag", "Munt"),
    ),
    "iso": Dialect(
        encoding="utf-8",
        separator="|",
        decimal=".",
        group="",
        day="%Y-%m-%d",
        sign="signed",
        names=("booking_date", "counterparty", "description", "amount", "currency"),
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=15, deadline=None)
@given(ledger=ledgers(least=2))
def test_csv_whose_mapping_is_proposed(name: str, ledger: Ledger) -> None:
    dialect = DIALECTS[name]
    content = writers.csv_file(ledger, dialect)
    found = read(content, "x.csv")
    assert found.proposal
    assert not found.is_saved
    if found.proposal.questions:
        # what a file does not say is asked, and never guessed
        order = {"%m": "mdy", "%d": "dmy"}.get(dialect.day[:2], "ymd")
        found = read(content, "x.csv", date_order=order, decimal=dialect.decimal)
        assert found.proposal
        assert found.proposal.questions == []
    found.content.notes.clear()
    check(found, ledger, "day", "amount", "text", "party")
    if dialect.below:
        [statement] = found.content.statements
        assert statement.balances[0].amount == Decimal("1096.20")
