"""Statement files of a ledger, written as banks write them; small, and for tests alone."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape


@dataclass(frozen=True, kw_only=True)
class Booking:
    day: date
    amount: Decimal
    text: str
    party: str | None
    end_to_end_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ledger:
    iban: str
    currency: str
    opening: Decimal
    bookings: Sequence[Booking]

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((b.amount for b in self.bookings), Decimal(0))


def camt053(ledger: Ledger, version: str) -> bytes:
    newer = version == "08"

    def balance(code: str, amount: Decimal, day: date) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_camt_money(amount, ledger)}"
            f"<Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    def entry(booking: Booking) -> str:
        side = "Dbtr" if booking.amount > 0 else "Cdtr"
        name = f"<Nm>{escape(booking.party or '')}</Nm>"
        party = f"<{side}><Pty>{name}</Pty></{side}>" if newer else f"<{side}>{name}</{side}>"
        status = "<Sts><Cd>BOOK</Cd></Sts>" if newer else "<Sts>BOOK</Sts>"
        return (
            f"<Ntry>{_camt_money(booking.amount, ledger)}{status}"
            f"<BookgDt><Dt>{booking.day}</Dt></BookgDt><ValDt><Dt>{booking.day}</Dt></ValDt>"
            "<BkTxCd><Prtry><Cd>005</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
            f"<Refs><EndToEndId>{booking.end_to_end_id or 'NOTPROVIDED'}</EndToEndId></Refs>"
            + (_camt_money(booking.amount, ledger) if newer else "")
            + (f"<RltdPties>{party}</RltdPties>" if booking.party else "")
            + (f"<RmtInf><Ustrd>{escape(booking.text)}</Ustrd></RmtInf>" if booking.text else "")
            + "</TxDtls></NtryDtls></Ntry>"
        )

    first, last = ledger.bookings[0].day, ledger.bookings[-1].day
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:'
        f'camt.053.001.{version}"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
        f"<CreDtTm>{last}T00:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id>"
        f"<CreDtTm>{last}T00:00:00</CreDtTm><Acct><Id><IBAN>{ledger.iban}</IBAN></Id>"
        f"<Ccy>{ledger.currency}</Ccy></Acct>"
        + balance("OPBD", ledger.opening, date.fromordinal(first.toordinal() - 1))
        + balance("CLBD", ledger.closing, last)
        + "".join(map(entry, ledger.bookings))
        + "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _camt_money(amount: Decimal, ledger: Ledger) -> str:
    side = "DBIT" if amount < 0 else "CRDT"
    return f'<Amt Ccy="{ledger.currency}">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def mt940(ledger: Ledger, details: str) -> bytes:
    """``details``: german (?20), swift (/REMI/) or plain."""

    def balance(tag: str, amount: Decimal, day: date) -> str:
        mark = "D" if amount < 0 else "C"
        return f":{tag}:{mark}{day:%y%m%d}{ledger.currency}{_comma(abs(amount))}"

    lines = [":20:X", f":25:{ledger.iban}", ":28C:1/1"]
    lines.append(balance("60F", ledger.opening, ledger.bookings[0].day))
    for booking in ledger.bookings:
        mark = "D" if booking.amount < 0 else "C"
        lines.append(
            f":61:{booking.day:%y%m%d}{booking.day:%m%d}{mark}{_comma(abs(booking.amount))}NMSCNONREF"
        )
        party, reference = booking.party or "", booking.end_to_end_id
        if details == "german":
            text = (f"EREF+{reference} " if reference else "") + f"SVWZ+{booking.text}"
            parts = [text[i : i + 27] for i in range(0, len(text), 27)]
            text = "005" + "".join(f"?{20 + n}{part}" for n, part in enumerate(parts))
            text += f"?32{party[:27]}" + (f"?33{party[27:54]}" if party[27:] else "")
        elif details == "swift":
            eref = f"/EREF/{reference}" if reference else ""
            text = f"{eref}/NAME/{party}/REMI/{booking.text}"
        else:
            text = booking.text
        lines.append(":86:" + "\n".join(text[i : i + 65] for i in range(0, len(text), 65)))
    lines += [balance("62F", ledger.closing, ledger.bookings[-1].day), "-"]
    return ("\r\n".join(line.replace("\n", "\r\n") for line in lines) + "\r\n").encode("cp1252")


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def ofx(ledger: Ledger, version: int) -> bytes:
    def value(tag: str, text: str) -> str:
        return f"<{tag}>{escape(text)}" + (f"</{tag}>" if version == 2 else "\n")

    entries = "".join(
        "<STMTTRN>"
        + value("TRNTYPE", "DEBIT" if b.amount < 0 else "CREDIT")
        + value("DTPOSTED", f"{b.day:%Y%m%d}120000[+1:CET]")
        + value("TRNAMT", str(b.amount))
        + value("FITID", f"F{number}")
        + (value("NAME", b.party) if b.party else "")
        + (value("MEMO", b.text) if b.text else "")
        + "</STMTTRN>"
        for number, b in enumerate(ledger.bookings)
    )
    first, last = ledger.bookings[0].day, ledger.bookings[-1].day
    header = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'
        if version == 2
        else "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
    )
    text = (
        f"{header}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>{value('CURDEF', ledger.currency)}"
        f"<BANKACCTFROM>{value('BANKID', '1')}{value('ACCTID', ledger.iban)}"
        f"{value('ACCTTYPE', 'CHECKING')}</BANKACCTFROM><BANKTRANLIST>"
        f"{value('DTSTART', f'{first:%Y%m%d}')}{value('DTEND', f'{last:%Y%m%d}')}{entries}"
        f"</BANKTRANLIST><LEDGERBAL>{value('BALAMT', str(ledger.closing))}"
        f"{value('DTASOF', f'{last:%Y%m%d}')}</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
    return text.encode("utf-8" if version == 2 else "cp1252")


def qif(ledger: Ledger, order: str) -> bytes:
    lines = ["!Type:Bank"]
    for booking in ledger.bookings:
        day = f"{booking.day:%d/%m/%Y}" if order == "dmy" else f"{booking.day:%m/%d'%y}"
        lines += [f"D{day}", f"T{booking.amount:,.2f}"]
        lines += [f"P{booking.party}"] if booking.party else []
        lines += [f"M{booking.text}"] if booking.text else []
        lines.append("^")
    return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a bank writes CSV; ``sign`` is signed, sides, indicator, behind or words."""

    encoding: str
    separator: str
    decimal: str
    group: str
    day: str
    sign: str
    names: Sequence[str]
    above: Sequence[str] = ()
    below: Sequence[str] = ()


def csv_file(ledger: Ledger, dialect: Dialect) -> bytes:
    """Names: date, party, text, amount (or debit and credit, or amount and indicator), currency."""
    out = io.StringIO()
    for line in dialect.above:
        out.write(f"{line}\r\n")
    writer = csv.writer(out, delimiter=dialect.separator)
    writer.writerow(dialect.names)
    for b in ledger.bookings:
        plain = _grouped(abs(b.amount), dialect)
        signed = f"-{plain}" if b.amount < 0 else plain
        money = {
            "signed": [signed],
            "behind": [f"{plain}-" if b.amount < 0 else plain],
            "sides": [plain, ""] if b.amount < 0 else ["", plain],
            "indicator": [plain, "S" if b.amount < 0 else "H"],
            "words": [plain, "Debit" if b.amount < 0 else "Credit"],
        }[dialect.sign]
        writer.writerow(
            [b.day.strftime(dialect.day), b.party or "", b.text, *money, ledger.currency]
        )
    for line in dialect.below:
        out.write(f"{line}\r\n")
    return out.getvalue().encode(dialect.encoding)


def _grouped(amount: Decimal, dialect: Dialect) -> str:
    text = f"{amount:,.2f}".replace(",", "_").replace(".", dialect.decimal)
    return text.replace("_", dialect.group)
