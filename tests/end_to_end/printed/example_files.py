"""The files that printed commands read: a census, five yearly censuses, statements, a run."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from tests.unit.gocardless.statement_files.writers import Booking, Ledger, camt053

PEOPLE = 300
_HISTORIES = (range(2012, 2015), range(2023, 2025))
_STAYS = 5  # of six


def write_example_files(folder: Path) -> None:
    """Write them by the names that the pages print."""
    census = folder / "path/to/export.csv"
    census.parent.mkdir(parents=True)
    _write_census(census, year=2024)
    for years in _HISTORIES:
        for year in years:
            _write_census(folder / f"fy{year}.csv", year=year)
    bookings = [
        Booking(day=date(2026, 2, day), amount=Decimal(day), text=f"Job {day}", party="Shop")
        for day in (3, 17)
    ]
    ledger = Ledger(
        iban="DE89370400440532013000", currency="EUR", opening=Decimal(10), bookings=bookings
    )
    for name in ("STATEMENT", "STATEMENT.xml"):
        (folder / name).write_bytes(camt053(ledger, "08"))
    (folder / "STATEMENT.csv").write_text("Date,Description,Amount\n2026-03-17,BAKERY,-3.80\n")
    (folder / "run.yaml").write_text("ops: {}\n")


def _write_census(path: Path, *, year: int) -> None:
    """Write the employees at the end of a year: every sixth of those before it has left."""
    rows = [row for row in range(PEOPLE + 50 * (year % 10)) if (row + year) % (_STAYS + 1)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["employee_id", "hire_date", "birth_date", "annual_pay", "department"])
        writer.writerows(_employee(row, year) for row in rows)


def _employee(row: int, year: int) -> Sequence[object]:
    hired = date(year, 12, 1) - timedelta(days=(row * 37) % 4000)
    born = date(1960 + row % 40, 5, 17)
    return f"E{row:04}", hired, born, 40_000 + 170 * row, ("Shop", "Works")[row % 2]
