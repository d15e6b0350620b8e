"""Data contracts: what breaks a promise, and who reads it."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration_platform.metadata import reading
from orchestration_platform.metadata.contracts.__main__ import main
from orchestration_platform.metadata.contracts.changes import Weight, breaking_changes, weight
from orchestration_platform.metadata.contracts.consumers import consumers
from orchestration_platform.metadata.contracts.files import read_contracts
from orchestration_platform.metadata.contracts.odcs import contract_of
from orchestration_platform.metadata.description import (
    Check,
    Column,
    Freshness,
    Kind,
    Table,
    TableName,
)

ENTRIES = TableName("bank", "marts", "entries")
MONTHS = TableName("bank", "marts", "months")
REPORT = TableName("people", "marts", "report")

PUBLISHED = Table(
    name=ENTRIES,
    kind=Kind.VIEW,
    columns=(
        Column("day", "date", is_nullable=False),
        Column("amount", "decimal(22, 8)"),
        Column("text", "varchar"),
    ),
    owners=("bank@example.com",),
    checks=(Check("once"), Check("signed", column="amount")),
    freshness=Freshness(fail_seconds=7200),
    location="bank",
    group="bank_data",
    asset="entries",
    is_published=True,
    has_contract=True,
)
TABLES = [
    PUBLISHED,
    Table(
        name=MONTHS,
        columns=(Column("net", origins=((ENTRIES, "amount"),)),),
        upstream=(ENTRIES,),
        group="bank_data",
    ),
    # of another team, and two steps away
    Table(
        name=REPORT,
        columns=(Column("costs", origins=((MONTHS, "net"),)), Column("year")),
        owners=("people@example.com",),
        upstream=(MONTHS,),
        group="people_analytics",
    ),
]


def without(name: str) -> Table:
    return replace(PUBLISHED, columns=tuple(c for c in PUBLISHED.columns if c.name != name))


def with_column(column: Column) -> Table:
    columns = {c.name: c for c in PUBLISHED.columns} | {column.name: column}
    return replace(PUBLISHED, columns=tuple(columns.values()))


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (without("text"), "was removed"),
        (with_column(Column("amount", "double")), "changed its type from decimal(22, 8) to double"),
        (with_column(Column("day", "date")), "may now be null"),
        (replace(PUBLISHED, checks=(Check("once"),)), "is not checked by signed any more"),
        (replace(PUBLISHED, freshness=None), "has no limit of its age any more"),
        (
            replace(PUBLISHED, freshness=Freshness(fail_seconds=90 * 60 * 2)),
            "may be 3 h old instead of 2 h",
        ),
        (
            replace(PUBLISHED, freshness=Freshness(cron="0 5 * * *")),
            "has another deadline: 0 5 * * * UTC instead of 2",
        ),
    ],
)
def test_a_promise_that_is_not_kept_is_a_breaking_change(changed: Table, text: str) -> None:
    old, new = contract_of(PUBLISHED), contract_of(changed)
    assert [found.text for found in breaking_changes(old, new)] == [text]
    assert weight(old, new) is Weight.MAJOR


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (PUBLISHED, Weight.NOTHING),
        (replace(PUBLISHED, description="Bookings."), Weight.PATCH),
        (with_column(Column("amount", "decimal(22,8)")), Weight.PATCH),
        (with_column(Column("currency", "varchar")), Weight.MINOR),
        (with_column(Column("text", "varchar", is_nullable=False)), Weight.MINOR),
        (replace(PUBLISHED, freshness=Freshness(fail_seconds=3600)), Weight.MINOR),
    ],
)
def test_what_keeps_all_promises_is_no_breaking_change(changed: Table, expected: Weight) -> None:
    assert weight(contract_of(PUBLISHED), contract_of(changed)) is expected


def test_the_consumers_of_a_column_are_found_across_teams_through_tables_between() -> None:
    assert [str(found) for found in consumers(TABLES, ENTRIES, "amount")] == [
        "bank.marts.months (bank_data): net",
        "people.marts.report (people_analytics, people@example.com): costs",
    ]


def test_a_table_that_reads_a_model_but_not_the_column_is_a_consumer_too() -> None:
    assert [str(found) for found in consumers(TABLES, ENTRIES, "text")] == [
        "bank.marts.months (bank_data), at most in a condition",
    ]


@pytest.fixture
def contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command in a repository whose first commit has the contracts of ``TABLES``."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    found = {"tables": TABLES}
    monkeypatch.setattr(reading, "read_tables", lambda: iter(found["tables"]))

    def run(*arguments: str, tables: list[Table] | None = None) -> int:
        if tables is not None:
            found["tables"] = tables
        return main([*arguments, "--directory", str(tmp_path / "contracts")])

    assert run("write") == 0
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return run


def test_a_breaking_change_fails_with_its_consumers(
    contracts: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("check", "--base", "main") == 0
    capsys.readouterr()
    assert contracts("check", tables=[without("amount"), *TABLES[1:]]) == 1
    said = capsys.readouterr().out
    assert "breaks a promise: bank.marts.entries: column amount was removed" in said
    assert "read by people.marts.report (people_analytics, people@example.com): costs" in said


def test_a_new_contract_does_not_hide_a_breaking_change(
    contracts: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [without("amount"), *TABLES[1:]]
    assert contracts("write", tables=broken) == 1
    assert "make contracts BREAKING=1" in capsys.readouterr().out
    file = next((tmp_path / "contracts").iterdir())
    # somebody writes the new contract by hand
    file.unlink()
    assert contracts("write") == 0
    assert contracts("check") == 0
    capsys.readouterr()
    assert contracts("check", "--base", "main") == 1
    assert "breaks a promise of main: bank.marts.entries: column amount" in capsys.readouterr().out


def test_an_announced_breaking_change_has_the_next_major_version_and_passes(
    contracts: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("write", "--breaking", tables=[without("amount"), *TABLES[1:]]) == 0
    (written,) = read_contracts(tmp_path / "contracts").values()
    assert written["version"] == "2.0.0"
    capsys.readouterr()
    assert contracts("check", "--base", "main") == 0
    assert "announced since main" in capsys.readouterr().out


def test_a_model_that_is_gone_fails_until_its_contract_is_retired(
    contracts: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("check", tables=TABLES[1:]) == 1
    assert "is not published any more" in capsys.readouterr().out
    assert contracts("write", "--breaking") == 0
    (written,) = read_contracts(tmp_path / "contracts").values()
    assert (written["status"], written["version"]) == ("retired", "2.0.0")
    assert contracts("check", "--base", "main") == 0


def test_a_published_model_without_a_contract_of_dbt_is_refused(
    contracts: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("check", tables=[replace(PUBLISHED, has_contract=False), *TABLES[1:]]) == 1
    assert "set `contract: {enforced: true}`" in capsys.readouterr().out


def test_a_contract_that_is_not_up_to_date_fails(
    contracts: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("check", tables=[with_column(Column("iban", "varchar")), *TABLES[1:]]) == 1
    assert "run `make contracts`" in capsys.readouterr().out


def test_an_unknown_base_is_named(
    contracts: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts("check", "--base", "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
