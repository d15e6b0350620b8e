"""Exports without a mapping, and what a census reads from them."""

from collections.abc import Callable
from datetime import date

import duckdb

from simulation.census import (
    CensusVerdict,
)
from simulation.census.judgement.findings import read_findings

OPENING_DATE = date(2024, 12, 31)

Import = Callable[..., "Imported"]


class Imported:
    """A census that was read and validated, with its people and sentences."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, verdict: CensusVerdict) -> None:
        self.verdict = verdict
        self.people = {
            employee_id: values
            for employee_id, *values in connection.execute(
                "select employee_id, hire_date, annual_compensation, birth_date, termination_date "
                "from raw.census_accepted"
            ).fetchall()
        }
        self.sentences = [finding.sentence for finding in read_findings(connection, "city")]
        self.warnings = [
            finding.sentence for finding in read_findings(connection, "city") if finding.is_warning
        ]

    def says(self, text: str) -> bool:
        return any(text in sentence for sentence in self.sentences)


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows, ""])


def staff(*rows: str, header: str = "id,hired,salary") -> str:
    return table(header, *rows)
