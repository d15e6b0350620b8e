"""The commands ``inspect`` and ``import``, and the folder that files are dropped into."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from gocardless.statement_files.__main__ import main
from gocardless.statement_files.folder import new_statements, statements
from shared_lib.warehouse import Warehouse

TEXT = "Date,Description,Paid out,Paid in\n{},BAKERY,3.80,\n{},JOB,,10.00\n"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "bank.csv"
    path.write_text(TEXT.format("01/02/2026", "02/02/2026"))
    return path


def test_a_saved_mapping_answers_what_a_file_leaves_open(
    statement: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(statement)]) == 1
    shown = capsys.readouterr().out
    assert "open: no column has the currency: add --currency" in shown
    assert "open: dates such as 01/02/2026 may have day or month first: add --date-order" in shown
    assert main(["import", str(statement), "--account", "giro"]) == 1
    assert "may have day or month first" in capsys.readouterr().err
    answers = ["--currency", "gbp", "--date-order", "mdy"]
    assert main(["inspect", str(statement), "--write", "--bank", "hsbc", *answers]) == 0
    assert (data / "statement_mappings" / "hsbc.yaml").is_file()
    shown = capsys.readouterr().out
    assert "booked: 2 entries, 10.00 in, -3.80 out, 6.20 in all" in shown
    assert "period: 2026-01-02 to 2026-02-02" in shown
    assert main(["import", str(statement), "--account", "giro"]) == 0
    assert "giro: 2 new transactions of 2 entries" in capsys.readouterr().out
    assert main(["import", str(statement), "--account", "giro"]) == 0
    assert "giro: 0 new transactions of 2 entries" in capsys.readouterr().out


def test_a_broken_mapping_is_named_with_its_field(
    statement: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["inspect", str(statement), "--write", "--currency", "EUR", "--date-order", "dmy"])
    path = data / "statement_mappings" / "bank.yaml"
    path.write_text(path.read_text().replace("encoding: utf-8", "encoding: utf-9"))
    assert main(["inspect", str(statement)]) == 1
    assert "bank.yaml: encoding 'utf-9': " in capsys.readouterr().err


def test_the_command_reports_what_it_cannot_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.csv"
    path.write_text("when,how much\n")
    assert main(["import", str(path), str(tmp_path), "--account", "giro"]) == 1
    text = capsys.readouterr().err
    assert f"{path} has no row with a date and an amount" in text
    assert f"{tmp_path} cannot be read: Is a directory" in text
    path.write_text("booking_date,amount,currency\n2026-04-01,1,EUR\n2026-04-02,x,EUR\n")
    assert main(["import", str(path), "--account", "giro"]) == 1
    assert f"{path}:3: rejected: amount 'x': not an amount" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["import", str(path), "--account", " "])
    assert "--account: it is empty: write the name of the account" in capsys.readouterr().err


def test_files_of_the_folder_are_imported_and_problems_named(statement: Path, data: Path) -> None:
    folder = data / "statements"
    (folder / "giro").mkdir(parents=True)
    (folder / "giro" / "a.csv").write_text(
        "booking_date,amount,currency\n2026-04-01,1,EUR\n2026-04-02,x,EUR\n"
    )
    (folder / "b.csv").write_bytes(statement.read_bytes())
    (folder / ".hidden").write_text("x")
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [statements],
            instance=instance,
            resources={"warehouse": Warehouse(location="gocardless")},
        )
        checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
        assert not checks["files_read"].passed
        text = checks["files_read"].description or ""
        assert "a.csv:3: amount 'x'" in text
        assert "b.csv: " in text
        context = dg.build_sensor_context(instance=instance)
        first = new_statements(context)
        assert isinstance(first, dg.SensorResult)
        assert first.run_requests
        again = new_statements(dg.build_sensor_context(instance=instance, cursor=first.cursor))
        assert isinstance(again, dg.SkipReason)
    with duckdb.connect(str(data / "gocardless.duckdb"), read_only=True) as connection:
        rows = connection.execute("select account_id, amount::integer from unified.transactions")
        assert rows.fetchall() == [("giro", 1)]
