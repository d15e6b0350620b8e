"""What banks do differently within a format."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gocardless.statement_files.detection import ReadFile, read_statement_file
from gocardless.statement_files.formats.csv.inspection import Choices
from gocardless.statement_files.statement import StatementFile, StatementFileError

IBAN = "DE89370400440532013000"
OTHER = "DE02120300000000202051"
CASES = Path(__file__).parents[5] / "shared" / "cases" / "bank" / "statements"
Reader = Callable[..., StatementFile]


@pytest.fixture
def read_all(tmp_path: Path) -> Callable[..., ReadFile]:
    def read(text: str, encoding: str = "utf-8", **choices: str) -> ReadFile:
        path = tmp_path / "x"
        path.write_bytes(text.encode(encoding))
        return read_statement_file(path, choices=Choices(**choices))

    return read


@pytest.fixture
def read(read_all: Callable[..., ReadFile]) -> Reader:
    return lambda text, encoding="utf-8", **choices: read_all(text, encoding, **choices).content


def money(found: StatementFile) -> list[tuple[str, str]]:
    return [(str(e.amount), e.status) for s in found.statements for e in s.entries]


def camt(*entries: str) -> str:
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt>'
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-27</Dt></Dt></Bal>"
    )
    return (
        f'<?xml version="1.0"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.'
        '08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-27T00:00:00</CreDtTm>'
        f"</GrpHdr><Stmt><Id>1</Id><CreDtTm>2026-11-27T00:00:00</CreDtTm><Acct><Id><IBAN>{IBAN}"
        f"</IBAN></Id><Ccy>EUR</Ccy></Acct>{balance}\n" + "\n".join(entries) + "\n</Stmt>"
        "</BkToCstmrStmt></Document>"
    )


def entry(side: str = "DBIT", amount: str = "3.80", more: str = "", **given: str) -> str:
    status, day = given.get("status", "<Cd>BOOK</Cd>"), given.get("day", "2026-11-27")
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"{given.get('reversal', '')}<Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<BkTxCd><Prtry><Cd>1</Cd></Prtry></BkTxCd>{more}</Ntry>"
    )


def test_camt_states_and_reversals(read: Reader) -> None:
    found = read(
        camt(
            entry(),
            entry("CRDT", reversal="<RvslInd>true</RvslInd>"),
            entry("DBIT", "9.00", status="<Cd>PDNG</Cd>"),
            entry("CRDT", "7.00", status="<Cd>INFO</Cd>"),
        )
    )
    assert money(found) == [("-3.80", "booked"), ("3.80", "booked"), ("-9.00", "pending")]
    assert [note.line for note in found.notes] == [6]


def test_camt_batch_is_one_booking_with_all_texts(read: Reader) -> None:
    details = "".join(
        f'<TxDtls><Amt Ccy="EUR">{n}.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RelatedPties/>'
        f"<RmtInf><Ustrd>Salary {n}</Ustrd></RmtInf></TxDtls>"
        for n in (1, 2)
    ).replace("<RelatedPties/>", "")
    batch = f"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{details}</NtryDtls>"
    found = read(camt(entry(amount="3.00", more=batch)))
    assert money(found) == [("-3.00", "booked")]
    assert found.statements[0].entries[0].description == "Salary 1 Salary 2"
    assert found.notes == []


def test_camt_foreign_money_mandate_and_category(read: Reader) -> None:
    more = (
        "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId><MndtId>M1</MndtId></Refs>"
        '<Amt Ccy="EUR">3.80</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
        '<AmtDtls><InstdAmt><Amt Ccy="USD">4.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">3.80</Amt>'
        "<CcyXchg><SrcCcy>USD</SrcCcy><TrgtCcy>EUR</TrgtCcy><XchgRate>0.95</XchgRate></CcyXchg>"
        f"</TxAmt></AmtDtls><RltdPties><CdtrAcct><Id><IBAN>{OTHER}</IBAN></Id></CdtrAcct>"
        "</RltdPties><CardTx><POI><Id><Id>1</Id></Id></POI></CardTx></TxDtls></NtryDtls>"
    )
    [found] = read(camt(entry(more=more))).statements[0].entries
    assert (found.original_amount, found.original_currency) == (Decimal("-4.00"), "USD")
    assert (found.exchange_rate, found.counterparty_iban) == (Decimal("0.95"), OTHER)
    assert (found.end_to_end_id, found.mandate_id) == ("E1", "M1")


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (entry(amount="3,80"), "Amt"),
        (entry(amount="-3.80"), "Amt"),
        (entry(amount=""), "Amt"),
        (entry(side="D"), "CdtDbtInd"),
        (entry(day="2026-11-31"), "BookgDt"),
        (entry(status="<Cd>XXXX</Cd>"), "Sts"),
    ],
)
def test_camt_entry_that_cannot_be_read(broken: str, field: str, read: Reader) -> None:
    found = read(camt(entry(), broken, entry()))
    assert [(reject.line, reject.field) for reject in found.rejects] == [(4, field)]
    assert len(money(found)) == 2
    # the schema has no list of the codes of states
    assert field == "Sts" or "against ISO's schema" in found.notes[0].text


def test_camt_that_is_cut_or_of_another_kind(read: Reader) -> None:
    with pytest.raises(StatementFileError, match=r"x:3: not well-formed XML, is the file cut"):
        read(camt(entry())[:-60])
    report = camt(entry()).replace("BkToCstmrStmt", "BkToCstmrAcctRpt")
    with pytest.raises(StatementFileError, match="holds no BkToCstmrStmt: allowed are statements"):
        read(report)


def test_camt_with_several_statements_and_accounts(read: Reader) -> None:
    text = camt(entry())
    begin, end = text.index("<Stmt>"), text.index("</Stmt>") + len("</Stmt>")
    second = text[begin:end].replace(IBAN, OTHER)
    found = read(text[:end] + second + text[end:])
    assert [s.account.iban for s in found.statements] == [IBAN, OTHER]


def mt940(*lines: str, account: str = "12345678/1234567890") -> str:
    head = (":20:START", f":25:{account}", ":28C:1/1", ":60F:C261126EUR100,00")
    return "\n".join([*head, *lines, ":62F:C261127EUR96,20", "-", ""])


@pytest.mark.parametrize(
    ("line", "amount", "booked"),
    [
        ("2611271127DR3,80N005NONREF", "-3.80", date(2026, 11, 27)),
        ("261127D3,8NMSCNONREF", "-3.8", date(2026, 11, 27)),
        ("2611271127RD3,80NMSCNONREF", "3.80", date(2026, 11, 27)),
        ("2611271127RC3,80NMSCNONREF", "-3.80", date(2026, 11, 27)),
        ("2612300102C1234,NTRFREF//BANK1\n/OCMT/USD1300,/EXCH/1,05/", "1234", date(2027, 1, 2)),
        ("2701021231C0,01NTRFREF//BANK1", "0.01", date(2026, 12, 31)),
        ("261127    D3.80NMSCNONREF", "-3.80", date(2026, 11, 27)),
    ],
)
def test_mt940_bookings(line: str, amount: str, booked: date, read: Reader) -> None:
    found = read(mt940(f":61:{line}", ":86:x"))
    [statement] = found.statements
    assert found.rejects == []
    assert (str(statement.entries[0].amount), statement.entries[0].booking_date) == (amount, booked)


def test_mt940_details(read: Reader) -> None:
    german = (
        ":86:005?00SEPA-LASTSCHRIFT?10931?20EREF+E1?21MREF+M1?22CRED+DE98ZZZ?23SVWZ+Rechnung 1"
        f"?24fuer November?30BYLADEM1001?31{OTHER}?32Stadtwerke?33GmbH?34992"
    )
    swift = f":86:/TRTP/SEPA OVERBOEKING/IBAN/{OTHER}/BIC/X/NAME/Jan/REMI/Huur mei/EREF/E2"
    found = read(mt940(":61:261127D3,80N005NONREF", german, ":61:261127D1,00N005NONREF", swift))
    one, two = found.statements[0].entries
    assert (one.description, one.counterparty) == ("Rechnung 1 fuer November", "Stadtwerke GmbH")
    assert (one.end_to_end_id, one.mandate_id, one.counterparty_iban) == ("E1", "M1", OTHER)
    assert (two.description, two.counterparty) == ("Huur mei", "Jan")
    assert (two.end_to_end_id, two.counterparty_iban) == ("E2", OTHER)


@pytest.mark.parametrize(
    ("account", "iban"),
    [
        ("37040044/532013000", IBAN),
        ("37040044/0532013000EUR", IBAN),
        (IBAN, IBAN),
        (f"{IBAN}EUR", IBAN),
        (f"COBADEFFXXX/{IBAN}", IBAN),
        ("0123456789", None),
    ],
)
def test_mt940_accounts(account: str, iban: str | None, read: Reader) -> None:
    found = read(mt940(":61:261127D3,80N005NONREF", account=account))
    assert (found.statements[0].account.iban, found.statements[0].account.currency) == (iban, "EUR")


@pytest.mark.parametrize(
    "line", ["261127D3,8xN005NONREF", "261327D3,80N005NONREF", "261127X3,80N005", "x", "261127D"]
)
def test_mt940_line_that_cannot_be_read(line: str, read: Reader) -> None:
    good = ":61:261127D1,00N005NONREF"
    found = read(mt940(good, ":86:a", f":61:{line}", ":86:b", good, ":86:c"))
    assert [(reject.line, reject.field) for reject in found.rejects] == [(7, ":61:")]
    assert [e.description for e in found.statements[0].entries] == ["a", "c"]


def test_mt940_in_an_envelope_that_is_cut(read: Reader) -> None:
    text = "{1:F01X}{2:I940}{4:\n" + mt940(":61:261127D3,80N005NONREF").split(":62F")[0]
    found = read(text)
    assert money(found) == [("-3.80", "booked")]
    assert "is the file cut" in found.notes[0].text


OFX = (
    "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n<OFX>"
    "<CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>EUR<CCACCTFROM><ACCTID>4711</CCACCTFROM>\n"
    "<BANKTRANLIST><DTSTART>20261101<DTEND>20261130\n{}</BANKTRANLIST><LEDGERBAL><BALAMT>-5.00"
    "<DTASOF>20261130</LEDGERBAL></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>"
)


def test_ofx_without_any_closing_tags_of_entries(read: Reader) -> None:
    entries = "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20261127<TRNAMT>-3,80<FITID>1<NAME>M & N <b>\n"
    found = read(OFX.format(entries + entries.replace("<FITID>1", "<FITID>2")))
    assert [(e.transaction_id, e.counterparty) for e in found.statements[0].entries] == [
        ("1", "M & N <b>"),
        ("2", "M & N <b>"),
    ]
    assert money(found) == [("-3.80", "booked")] * 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ("<DTPOSTED>20261127<TRNAMT>-3.8x", "TRNAMT"),
        ("<DTPOSTED>20261327<TRNAMT>-3.80", "DTPOSTED"),
        ("<TRNAMT>-3.80", "DTPOSTED"),
        ("<DTPOSTED>20261127", "TRNAMT"),
        ("<DTPOSTED>20261127<TRNAMT>1<CORRECTFITID>1<CORRECTACTION>DELETE", "CORRECTACTION"),
    ],
)
def test_ofx_entry_that_cannot_be_read(values: str, field: str, read: Reader) -> None:
    good = "<STMTTRN><DTPOSTED>20261127<TRNAMT>1.00</STMTTRN>\n"
    found = read(OFX.format(f"{good}<STMTTRN>{values}</STMTTRN>\n{good}"))
    assert [(reject.line, reject.field) for reject in found.rejects] == [(10, field)]
    assert len(money(found)) == 2


def test_ofx_foreign_currency_and_balance(read: Reader) -> None:
    foreign = "<ORIGCURRENCY><CURRATE>0.95<CURSYM>USD</ORIGCURRENCY>"
    values = f"<DTPOSTED>20261127<TRNAMT>-3.80<SIC>5812{foreign}<MEMO>Café"
    found = read(OFX.format(f"<STMTTRN>{values}</STMTTRN>"), "cp1252")
    [statement] = found.statements
    [got] = statement.entries
    assert (got.original_currency, got.exchange_rate) == ("USD", Decimal("0.95"))
    assert (got.merchant_category, got.description) == ("5812", "Café")
    assert statement.balances[0].amount == Decimal("-5.00")


def test_qif_of_two_accounts_with_an_opening_balance_and_splits(read: Reader) -> None:
    found = read(
        "!Account\nNGiro\nTBank\n^\n!Type:Bank\n"
        "D27.11.2026\nT100,00\nPOpening Balance\nL[Giro]\n^\n"
        "D28.11.2026\nT-1.003,80\nPShop\nSFood\n$-1.000,00\nSFees\n$-3,80\n^\n"
        "!Account\nNCard\nTCCard\n^\n!Type:CCard\nD28.11.26\nT-1,00\n^\nD29.11.26\nT-1,0x\n^\n",
        currency="EUR",
    )
    assert [s.account.name for s in found.statements] == ["Giro", "Card"]
    assert money(found) == [("-1003.80", "booked"), ("-1.00", "booked")]
    assert [b.amount for b in found.statements[0].balances] == [Decimal(100)]
    assert [(r.line, r.field) for r in found.rejects] == [(27, "T")]


def test_qif_asks_what_it_does_not_say(read: Reader) -> None:
    text = "!Type:Bank\nD1/ 5'26\nT-3.80\n^\n"
    with pytest.raises(StatementFileError, match="QIF states no currency: add --currency"):
        read(text)
    with pytest.raises(StatementFileError, match="allowed is one of: dmy, mdy"):
        read(text, currency="USD")
    [got] = read(text, currency="USD", date_order="mdy").statements[0].entries
    assert got.booking_date == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("amounts", "got"),
    [
        (["1.234,56", "-3,80"], ["1234.56", "-3.80"]),
        (["1,234.56", "(3.80)"], ["1234.56", "-3.80"]),
        (["1 234,56", "3,80-"], ["1234.56", "-3.80"]),
        (["1\u202f234,56", "\u22123,80"], ["1234.56", "-3.80"]),
        (["1'234.56", "- 3.80"], ["1234.56", "-3.80"]),
        (["€ 1,234.56", "-€3.80"], ["1234.56", "-3.80"]),
        (["1.234,56 H", "3,80 S"], ["1234.56", "-3.80"]),
        (["1234.56CR", "3.80DR"], ["1234.56", "-3.80"]),
        (["+1234,56", "-,80"], ["1234.56", "-0.80"]),
    ],
)
def test_csv_amounts(amounts: list[str], got: list[str], read: Reader) -> None:
    rows = "\n".join(f"2026-11-27|{amount}|EUR|x" for amount in amounts)
    found = read(f"Date|Amount|Currency|Text\n{rows}\n")
    assert found.rejects == []
    assert [amount for amount, _ in money(found)] == got


@pytest.mark.parametrize(
    ("days", "order"),
    [
        (["27.11.2026", "01.12.2026"], "dmy"),
        (["27/11/2026", "01/12/2026"], "dmy"),
        (["11/27/2026", "12/01/2026"], "mdy"),
        (["01/02/2026", "02/02/2026", "03/02/2026", "01/03/2026"], "dmy"),
        (["20261127", "20261201"], "ymd"),
        (["27-Nov-26", "01-Dec-26"], "dmy"),
        (["27. November 2026", "1. Dezember 2026"], "dmy"),
        (["2026-11-27 10:00:00", "2026-11-27T10:00:00Z"], "ymd"),
        (["01/02/2026", "01/02/2026"], None),
    ],
)
def test_csv_dates(days: list[str], order: str | None, read_all: Callable[..., ReadFile]) -> None:
    rows = "\n".join(f"{day},-3.80,EUR,x" for day in days)
    found = read_all(f"Date,Amount,Currency,Text\n{rows}\n")
    assert found.proposal
    assert bool(found.proposal.questions) is (order is None)
    assert order in (None, found.proposal.mapping.date_order)
    assert len(money(found.content)) == (len(days) if order else 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp850", "latin-1"])
def test_csv_encodings(encoding: str, read: Reader) -> None:
    text = "Buchungstag;Empfänger;Betrag;Währung\n27.11.2026;Bäckerei Müßig;-3,80;EUR\n"
    assert read(text, encoding).statements[0].entries[0].counterparty == "Bäckerei Müßig"


def test_csv_block_above_and_lines_below(read: Reader) -> None:
    found = read(
        "Umsätze;IBAN: DE89 3704 0044 0532 0130 00\nZeitraum:;01.11.2026 - 30.11.2026\n\n"
        "Buchungstag;Verwendungszweck;Soll;Haben;Währung;\n27.11.2026;Brot;3,80;;EUR;\n"
        "28.11.2026;Lohn;;1.000,00;EUR;\n;Summe;3,80;1.000,00;EUR;\n"
        "01.11.2026;Anfangssaldo;;100,00;EUR;\n30.11.2026;Endsaldo;;1.096,20;EUR;\n",
        "cp1252",
    )
    [statement] = found.statements
    assert found.rejects == []
    assert money(found) == [("-3.80", "booked"), ("1000.00", "booked")]
    assert statement.account.iban == IBAN
    assert (statement.first_day, statement.last_day) == (date(2026, 11, 1), date(2026, 11, 30))
    assert {b.amount for b in statement.balances} == {Decimal(100), Decimal("1096.20")}
    assert [note.line for note in found.notes] == [7, 8, 9]


def test_csv_without_a_header(read: Reader) -> None:
    found = read("27/11/2026,-3.80,BAKERY,1096.20\n26/11/2026,10.00,JOB,1100.00\n", currency="AUD")
    assert money(found) == [("-3.80", "booked"), ("10.00", "booked")]
    assert [e.description for e in found.statements[0].entries] == ["BAKERY", "JOB"]


@pytest.mark.parametrize(
    ("content", "kind"), [(b"%PDF-1.7", "a PDF"), (b"PK\x03\x04", "a ZIP archive"), (b" ", "empty")]
)
def test_other_files_are_refused(content: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(StatementFileError, match=kind):
        read_statement_file(path)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize("path", sorted(CASES.glob("*")), ids=lambda path: path.name)
def test_files_as_banks_hand_them_out(path: Path) -> None:
    found = read_statement_file(path).content
    if path.name == "ragged.csv":
        assert [(r.line, r.value) for r in found.rejects] == [
            (2, "2026-11-27,-3.80,EUR,Bakery, with comma")
        ]
        assert found.statements == []
    else:
        assert found.rejects == []
        first = found.statements[0].entries[0]
        assert (first.booking_date, first.amount) == (date(2026, 11, 27), Decimal("-3.80"))


def test_a_column_that_is_not_read_is_named_with_its_first_value(read: Reader) -> None:
    header = "Type,Completed Date,Description,Amount,Fee,Currency,Empty\n"
    rows = "CARD,2026-04-01,Shop,-10.00,,EUR,\nATM,2026-04-02,Cash,-20.00,-1.50,EUR,\n"
    found = read(header + rows)
    assert money(found) == [("-10.00", "booked"), ("-20.00", "booked")]
    [note] = [note for note in found.notes if "not read" in note.text]
    assert note.line == 1
    assert "Fee (such as '-1.50')" in note.text
    assert "Empty" not in note.text
    assert "Amount" not in note.text


ACCOUNTS = (
    ("Kontonummer", "own"),
    ("Account number", "own"),
    ("IBAN", "own"),
    ("Kontonummer", "other"),
    ("Account number", "other"),
    ("IBAN", "other"),
)


@pytest.mark.parametrize(("name", "whose"), ACCOUNTS)
def test_a_column_of_accounts_is_the_files_or_the_other_sides_by_its_values(
    read: Reader, name: str, whose: str
) -> None:
    accounts = (IBAN, IBAN, IBAN) if whose == "own" else (IBAN, OTHER, "")
    rows = [
        f"2026-11-2{day};Payee {day};{account};-{day},50;EUR"
        for day, account in enumerate(accounts)
    ]
    found = read("\n".join([f"Date;Payee;{name};Amount;Currency", *rows, ""]))
    [statement] = found.statements
    sides = [entry.counterparty_iban for entry in statement.entries]
    if whose == "own":
        assert statement.account.iban == IBAN
        assert sides == [None] * 3
    else:
        assert statement.account.iban is None
        assert sides == [IBAN, OTHER, None]


@pytest.mark.parametrize("rows", [1, 3])
def test_an_account_beside_one_name_is_that_of_the_name(read: Reader, rows: int) -> None:
    lines = [f"2026-11-2{day};Employer;{IBAN};100{day},50;EUR" for day in range(rows)]
    found = read("\n".join(["Date;Payee;Account number;Amount;Currency", *lines, ""]))
    [statement] = found.statements
    assert statement.account.iban is None
    assert [entry.counterparty_iban for entry in statement.entries] == [IBAN] * rows


def test_the_account_above_the_table_is_its_own(read: Reader) -> None:
    found = read(
        f"Kontonummer:;{OTHER} / Girokonto\n\n"
        "Buchungstag;Auftraggeber / Begünstigter;Kontonummer;Betrag (EUR)\n"
        f"27.11.2026;REWE;{IBAN};-23,45\n"
    )
    [statement] = found.statements
    assert statement.account.iban == OTHER
    assert statement.entries[0].counterparty_iban == IBAN


def test_a_file_of_two_accounts_has_a_statement_of_each(read: Reader) -> None:
    rows = [f"2026-11-2{day};{(IBAN, OTHER)[day % 2]};-{day},50;EUR" for day in range(6)]
    found = read("\n".join(["Date;Account;Amount;Currency", *rows, ""]))
    assert {statement.account.iban for statement in found.statements} == {IBAN, OTHER}


FEES = "Date,Description,Amount,Fee,Currency,State,Balance\n"


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    ("balances", "moved"),
    [
        (("96.20", "85.70", "95.20"), ["-3.80", "-10.50", "9.50"]),
        (("96.20", "86.20", "96.20"), ["-3.80", "-10.00", "10.00"]),
    ],
)
def test_the_balances_show_whether_a_fee_leaves_the_account_beside_the_amount(
    read: Reader, balances: tuple[str, ...], moved: list[str], *, backward: bool
) -> None:
    first, second, third = balances
    rows = [
        f"2026-11-26,Bakery,-3.80,0.00,EUR,COMPLETED,{first}\n",
        "2026-11-27,Cafe,-5.00,0.00,EUR,PENDING,\n",
        f"2026-11-27,To Bob,-10.00,0.50,EUR,COMPLETED,{second}\n",
        f"2026-11-28,Top-up,10.00,0.50,EUR,COMPLETED,{third}\n",
    ]
    found = read(FEES + "".join(rows[::-1] if backward else rows))
    booked = [amount for amount, status in money(found) if status == "booked"]
    assert booked == (moved[::-1] if backward else moved)
