"""What was found about a census, in sentences for the terminal, the report and the checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import duckdb

from simulation.census.judgement.plausibility import implausible
from simulation.census.judgement.rules import ASIDE
from simulation.census.levels import PayBands

Topic = Literal["assumed", "formats", "left out", "rejected", "employed", "plausibility"]

_ASIDE = """
select
    aside,
    count(*) as rows,
    min(row_number) as first_row,
    min_by(coalesce(employee_id, ''), row_number) as employee_id,
    min_by(detail, row_number) as detail
from temp.census_verdicts
where aside is not null and reject is null
group by aside
order by rows desc, aside
"""

_REJECTED = """
select
    reject.reason,
    count(*) as rows,
    min(row_number) as first_row,
    coalesce(min_by(reject.field || ' ' || reject.value, row_number), '') as value
from temp.census_verdicts
where reject is not null
group by reject.reason
order by rows desc, reject.reason
"""

_LEAVING_LATER = """
select count(*), min_by(employee_id, left_on), min(left_on)
from temp.census_verdicts
where reject is null and aside is null and left_on is not null
"""


@dataclass(frozen=True)
class Finding:
    """A sentence about a census; a warning is for somebody to look into."""

    topic: Topic
    sentence: str
    is_warning: bool = False


def record_findings(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    opening_date: date,
    hire_pay_percentile: float,
    bands: PayBands,
    found: Sequence[Finding],
) -> None:
    """Replace the scenario's sentences in `raw.census_findings`.

    Those on the rows come from `temp.census_verdicts`; `found` are those on columns and formats.
    """
    findings = [
        *found,
        *_left_out(connection),
        *_leaving_later(connection, opening_date),
        *(
            Finding("plausibility", sentence, is_warning=True)
            for sentence in implausible(
                connection,
                opening_date=opening_date,
                hire_pay_percentile=hire_pay_percentile,
                bands=bands,
            )
        ),
    ]
    connection.execute("delete from raw.census_findings where scenario_id = ?", [scenario_id])
    connection.execute(
        """
        insert into raw.census_findings by name
        select
            ? as scenario_id,
            unnest(range(len(?::varchar[]))) as position,
            unnest(?::varchar[]) as topic,
            unnest(?::boolean[]) as is_warning,
            unnest(?::varchar[]) as sentence
        """,
        [
            scenario_id,
            [finding.topic for finding in findings],
            [finding.topic for finding in findings],
            [finding.is_warning for finding in findings],
            [finding.sentence for finding in findings],
        ],
    )


def read_findings(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> list[Finding]:
    """Return what was found about the scenario's census when it was validated last."""
    rows = connection.execute(
        "select topic, sentence, is_warning from raw.census_findings "
        "where scenario_id = ? order by position",
        [scenario_id],
    ).fetchall()
    return [Finding(*row) for row in rows]


def _left_out(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    findings = []
    for reason, rows, first_row, employee_id, detail in connection.execute(_ASIDE).fetchall():
        example = " ".join(dict.fromkeys(text for text in (employee_id, detail) if text))
        findings.append(
            Finding(
                "left out",
                f"{_rows(rows)} set aside, {ASIDE[reason]}: row {first_row}"
                + (f", {example}" if example else ""),
            )
        )
    for reason, rows, first_row, value in connection.execute(_REJECTED).fetchall():
        findings.append(
            Finding(
                "rejected",
                f"{_rows(rows)} rejected, {reason}: row {first_row}"
                + (f", {value[:120]}" if value else ""),
                is_warning=True,
            )
        )
    return findings


def _leaving_later(connection: duckdb.DuckDBPyConnection, opening_date: date) -> list[Finding]:
    ((people, employee_id, left_on),) = connection.execute(_LEAVING_LATER).fetchall()
    if not people:
        return []
    verb = "leaves" if people == 1 else "leave"
    return [
        Finding(
            "employed",
            f"the file was made after {opening_date}: {people:,} of those employed on that day "
            f"{verb} later, {employee_id} on {left_on}; they leave on their dates, and that many "
            "fewer are drawn",
        )
    ]


def _rows(rows: int) -> str:
    return f"{rows:,} row" if rows == 1 else f"{rows:,} rows"
