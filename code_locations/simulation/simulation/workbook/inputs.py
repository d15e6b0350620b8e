"""Sheets of what the figures rest on: assumptions, census and checks."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from simulation.report import assumptions
from simulation.report.figures import Configuration, Figures
from simulation.spreadsheet import Book, Column
from simulation.state.removal import shown_settings


def add_assumptions(book: Book, figures: Figures) -> None:
    """Add the sheet of the settings and of what they mean in words."""
    book.add_table(
        "Assumptions",
        [
            Column(heading="Years"),
            Column(heading="Setting", width=50),
            Column(heading="Value", width=60),
            Column(heading="Invented"),
        ],
        (row for each in figures.configurations for row in _assumed(figures, each)),
    )


def _assumed(figures: Figures, configuration: Configuration) -> Iterator[Sequence[Any]]:
    years = figures.names.range(configuration.first_year, configuration.last_year)
    for assumption in assumptions.in_words(configuration):
        invented = "invented" if assumption.is_invented else None
        yield years, "in words", assumption.sentence, invented
    for name, value in shown_settings(json.loads(configuration.document or "{}")).items():
        yield years, name, value if isinstance(value, str) else json.dumps(value), None


def add_census(book: Book, figures: Figures) -> None:
    """Add the sheet of accepted and rejected rows of the census."""
    census = figures.census
    rows: list[Sequence[Any]] = []
    if census is not None:
        rows += [
            ("Accepted", None, census.rows_accepted),
            ("Left before the first year", None, census.rows_left_before_start),
            ("Set aside", None, census.rows_set_aside),
            *(
                ("Rejected", reject.reason.replace("_", " "), reject.rows)
                for reject in figures.rejects
            ),
        ]
    book.add_table(
        "Census",
        [
            Column(heading="Outcome", width=30),
            Column(heading="Reason", width=40),
            Column(heading="Rows", kind="count", is_totalled=True),
        ],
        rows,
    )


def add_quality(book: Book, figures: Figures) -> None:
    """Add the sheet of the checks and of what the inspection found."""
    book.add_table(
        "Quality",
        [
            Column(heading="Check", width=36),
            Column(heading="Dimension", width=16),
            Column(heading="Measurements", kind="count", is_totalled=True),
            Column(heading="Failures", kind="count", is_totalled=True),
            Column(heading="Value closest to failing", kind="decimal"),
            Column(heading="Limit", kind="decimal"),
            Column(heading="Failed in", width=30),
            Column(heading="Sentence", width=60),
        ],
        [
            *(
                (
                    check.check_name,
                    check.dimension,
                    check.measurements,
                    check.failures,
                    check.value,
                    check.threshold,
                    ", ".join(figures.names.name(year) for year in check.failed_years) or None,
                    None,
                )
                for check in figures.quality
            ),
            *(
                (finding.topic, "census", None, None, None, None, None, finding.sentence)
                for finding in figures.findings
            ),
        ],
    )
