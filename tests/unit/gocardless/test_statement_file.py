"""A second provider through the same interface: statements in CSV files."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from gocardless.sync.statement_file import StatementFileError, import_statement, main

HEADER = "booking_date,amount,currency,description\n"
AT = datetime(2026, 5, 4, tzinfo=UTC)


def write(directory: Path, name: str, *lines: str) -> Path:
    path = directory / name
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_files_that_overlap_are_one_ledger(tmp_path: Path) -> None:
    coffee = "2026-04-30,-3.40,EUR,Café"
    april = write(tmp_path, "april.csv", "2026-04-01,2500.00,EUR,Gehalt", coffee, coffee)
    may = write(tmp_path, "may.csv", coffee, coffee, "2026-05-02,-3.40,EUR,Café")
    with duckdb.connect() as connection:
        created = [
            import_statement(connection, path, account_id="giro", at=AT).created
            for path in (april, may, april, may)
        ]
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


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2026-04-31,1,EUR,x", r"bad\.csv:3: '2026-04-31' is not a date"),
        ('2026-04-30,"1,50",EUR,x', r"bad\.csv:3: '1,50' is not an amount"),
        ("2026-04-30,1.50,EURO,x", r"bad\.csv:3: 'EURO' is not a currency"),
    ],
)
def test_a_file_with_a_bad_line_is_refused_whole(line: str, problem: str, tmp_path: Path) -> None:
    path = write(tmp_path, "bad.csv", "2026-04-01,1,EUR,good", line)
    with duckdb.connect() as connection:
        with pytest.raises(StatementFileError, match=problem):
            import_statement(connection, path, account_id="giro", at=AT)
        tables = connection.execute("from duckdb_tables()").fetchall()
    assert tables == []


def test_the_command_says_what_it_took_and_what_it_cannot_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    path = write(tmp_path, "one.csv", "2026-04-01,1,EUR,x")
    assert main([str(path), "--account", "giro"]) == 0
    assert capsys.readouterr().out == "1 new transactions\n"
    path.write_text("when,how much\n")
    assert main([str(path), "--account", "giro"]) == 1
    assert "the header lacks amount, booking_date, currency" in capsys.readouterr().err
    assert main([str(tmp_path), "--account", "giro"]) == 1
    assert f"{tmp_path} cannot be read: Is a directory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(path), "--account", " "])
    assert "--account: it is empty: say what the account is called" in capsys.readouterr().err


def test_what_was_bought_twice_in_the_same_order_is_there_twice(tmp_path: Path) -> None:
    lines = ("2026-05-04,-3.40,EUR,KAFFEE,", "2026-05-04,-1.10,EUR,BROT,") * 2
    with duckdb.connect() as connection:
        path = write(tmp_path, "may.csv", *lines)
        assert import_statement(connection, path, account_id="giro", at=AT).created == 4
