"""Statement files in the unified tables: each booking once, whatever was imported before."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.unit.gocardless.statement_files import writers
from tests.unit.gocardless.statement_files.writers import Booking, Ledger

from gocardless.statement_files.loading import ImportedFile, import_file
from gocardless.statement_files.statement import StatementFileError

IBAN = "DE89370400440532013000"
HEADER = "booking_date,amount,currency,description\n"
AT = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def write(directory: Path, name: str, *lines: str) -> Path:
    path = directory / name
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def take(
    connection: duckdb.DuckDBPyConnection, path: Path, account: str | None = "giro"
) -> ImportedFile:
    return import_file(connection, path, account=account, at=AT)


def dump(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where not temporary "
        "and schema_name in ('raw', 'unified')"
    ).fetchall()
    return {name: connection.execute(f"from {name} order by all").fetchall() for (name,) in tables}


def month(number: int, opening: Decimal, *amounts: str) -> Ledger:
    return Ledger(
        iban=IBAN,
        currency="EUR",
        opening=opening,
        bookings=[
            Booking(
                day=date(2026, number, 2 + n),
                amount=Decimal(amount),
                text=f"entry {number} {n}",
                party="Shop",
                end_to_end_id=f"E{number}{n}",
            )
            for n, amount in enumerate(amounts)
        ],
    )


def test_files_that_overlap_are_one_ledger(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    coffee = "2026-04-30,-3.40,EUR,Café"
    april = write(tmp_path, "april.csv", "2026-04-01,2500.00,EUR,Gehalt", coffee, coffee)
    may = write(tmp_path, "may.csv", coffee, coffee, "2026-05-02,-3.40,EUR,Café")
    created = [take(connection, path).created for path in (april, may, april, may)]
    rows = connection.execute(
        "select provider, booking_date::varchar, amount from unified.transactions order by 2, 3"
    ).fetchall()
    accounts = connection.execute(
        "select provider, account_id, currency, status from unified.accounts"
    ).fetchall()
    assert created == [3, 1, 0, 0]
    assert rows == [
        ("file", "2026-04-01", Decimal("2500.00")),
        ("file", "2026-04-30", Decimal("-3.40")),
        ("file", "2026-04-30", Decimal("-3.40")),
        ("file", "2026-05-02", Decimal("-3.40")),
    ]
    assert accounts == [("file", "giro", "EUR", "active")]


@pytest.mark.parametrize("name", ["camt", "mt940", "ofx", "csv"])
def test_the_same_file_again_changes_nothing(
    name: str, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    ledger = month(4, Decimal(100), "-3.80", "20.00", "-3.80")
    path = tmp_path / "x"
    content = {
        "camt": writers.camt053(ledger, "08"),
        "mt940": writers.mt940(ledger, "german"),
        "ofx": writers.ofx(ledger, 1),
        "csv": f"{HEADER}2026-04-02,-3.80,EUR,x\n".encode(),
    }
    path.write_bytes(content[name])
    assert not take(connection, path).is_known
    before = dump(connection)
    again = tmp_path / "again"
    again.write_bytes(path.read_bytes())
    assert take(connection, again).is_known
    assert dump(connection) == before


@pytest.mark.parametrize(
    ("line", "reject"),
    [
        ("2026-04-31,1,EUR,x", ("booking_date", "2026-04-31", "not a date such as 2026-01-31")),
        ('2026-04-30,"1,5x",EUR,x', ("amount", "1,5x", "not an amount such as -1234.56")),
        ("2026-04-30,1.50,EURO,x", ("currency", "EURO", "not a currency of ISO 4217")),
        (
            "2026-04-30,1.50,EUR,x, y",
            (
                "row",
                "2026-04-30,1.50,EUR,x, y",
                "5 cells, the header has 4: quote a text that has the separator",
            ),
        ),
        (
            '2026-04-30,1.50,EUR,"x',
            ("row", '2026-04-30,1.50,EUR,"x', "a quotation mark without its counterpart"),
        ),
    ],
)
def test_a_broken_line_is_kept_with_its_number_and_the_others_are_taken(
    line: str, reject: tuple[str, ...], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write(tmp_path, "x.csv", "2026-04-01,1.00,EUR,good", line, "2026-04-02,1.00,EUR,too")
    assert take(connection, path).created == 2
    rows = connection.execute("select line, field, value, reason from raw.file_rejects").fetchall()
    assert rows == [(3, *reject)]
    covered = connection.execute("select covered_until from raw.file_imports").fetchall()
    assert covered == [(None,)]
    write(tmp_path, "x.csv", "2026-04-01,1.00,EUR,good", "2026-04-02,1.00,EUR,too")
    take(connection, path)
    assert connection.execute("from raw.file_rejects").fetchall() == []


def test_what_was_bought_twice_in_the_same_order_is_there_twice(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    lines = ("2026-05-04,-3.40,EUR,KAFFEE", "2026-05-04,-1.10,EUR,BROT") * 2
    assert take(connection, write(tmp_path, "may.csv", *lines)).created == 4


@pytest.mark.parametrize("order", [[4, 5], [5, 4]])
def test_balances_of_files_agree_whichever_month_comes_first(
    order: list[int], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    april = month(4, Decimal(100), "-3.80", "20.00")
    months = {4: april, 5: month(5, april.closing, "-1.00", "-1.00")}
    for number in order:
        path = tmp_path / f"{number}.sta"
        path.write_bytes(writers.mt940(months[number], "german"))
        take(connection, path, account=None)
    opening = connection.execute(
        "select account_id, opening_balance from unified.opening_balances"
    ).fetchall()
    assert opening == [(f"{IBAN} EUR", Decimal(100))]
    reports = connection.execute(
        "select reference_date, amount, 100 + coalesce((select sum(amount) "
        "from unified.transactions as t where t.booking_date <= b.reference_date), 0) "
        "from unified.balances as b where balance_type = 'closingBooked'"
    ).fetchall()
    assert len(reports) == 2
    assert [reported for _, reported, _ in reports] == [computed for *_, computed in reports]


def test_a_file_that_lacks_an_entry_says_by_how_much(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = writers.camt053(month(4, Decimal(100), "-3.80", "20.00"), "02").decode()
    begin = text.index("<Ntry>")
    path = tmp_path / "x.xml"
    path.write_text(text[:begin] + text[text.index("</Ntry>") + len("</Ntry>") :])
    result = take(connection, path, account=None)
    assert result.differences == {f"{IBAN} EUR": Decimal("-3.80")}
    assert connection.execute("select covered_until from raw.file_imports").fetchall() == [(None,)]


def test_columns_beyond_money_day_and_text(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "Booking Date,Partner Name,Partner Iban,Payment Reference,Amount (EUR),Original Amount,"
        "Original Currency,Exchange Rate,MCC,Mandate Reference,End-to-End ID\n"
        f"2026-04-01,Shop,{IBAN},Card,-3.80,-4.00,USD,0.95,5812,,\n"
        f"2026-04-01,Gas,{IBAN},Bill,-9.00,,,,,M1,E1\n"
        f"2026-04-01,Gas,{IBAN},Bill,-9.00,,,,,M1,E2\n"
    )
    take(connection, path)
    columns = (
        "counterparty_iban, original_amount, original_currency, exchange_rate, merchant_category, "
        "mandate_id, end_to_end_id"
    )
    rows = connection.execute(
        f"select {columns} from unified.transactions order by amount desc, end_to_end_id"
    ).fetchall()
    assert rows == [
        (IBAN, Decimal("-4.00"), "USD", Decimal("0.95"), "5812", None, None),
        (IBAN, None, None, None, None, "M1", "E1"),
        (IBAN, None, None, None, None, "M1", "E2"),
    ]


def test_an_account_has_its_iban_from_the_file_or_from_the_person(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    spaced = "DE89 3704 0044 0532 0130 00"
    take(connection, write(tmp_path, "x.csv", "2026-04-01,1.00,EUR,x"), account=spaced)
    path = tmp_path / "x.sta"
    path.write_bytes(writers.mt940(month(5, Decimal(0), "1.00"), "plain"))
    take(connection, path, account="my account")
    # by now the name is known
    take(connection, write(tmp_path, "y.csv", "2026-06-01,1.00,EUR,x"), account="my account")
    accounts = connection.execute(
        "select account_id, iban, currency, name from unified.accounts"
    ).fetchall()
    assert accounts == [(f"{IBAN} EUR", IBAN, "EUR", "my account")]


def test_a_file_that_names_no_account_is_refused_without_a_name(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write(tmp_path, "x.csv", "2026-04-01,1.00,EUR,x")
    with pytest.raises(StatementFileError, match=r"x\.csv names no account: add --account"):
        take(connection, path, account=None)


def test_statements_of_one_day_are_one_answer_and_those_apart_are_two(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    one = month(4, Decimal(100), "-3.80")
    two = month(4, one.closing, "-3.80")
    apart = month(7, two.closing - 1, "-3.80")
    text = b"".join(writers.mt940(ledger, "german") for ledger in (one, two, apart))
    path = tmp_path / "x.sta"
    path.write_bytes(text)
    assert take(connection, path, account=None).created == 3
    fetches = connection.execute("select date_from, date_to from raw.file_imports").fetchall()
    assert fetches == [(date(2026, 4, 2), date(2026, 4, 2)), (date(2026, 7, 2), date(2026, 7, 2))]
