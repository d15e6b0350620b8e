"""The screen of ``python -m simulation.census inspect``: how a census file is read, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from shared_lib.warehouse.connection import open_memory
from simulation.census.columns.mapping import CensusError, CensusField, CensusMapping
from simulation.census.files.reading import read_census
from simulation.census.files.sources import CensusSource, opened_source
from simulation.census.judgement.findings import Finding, Topic, read_findings
from simulation.census.judgement.validation import validate_census
from simulation.census.judgement.verdict import CensusVerdict
from simulation.census.levels import top_level
from simulation.config.settings import ScenarioSettings

_SCENARIO = "inspected"
_EXAMPLES = 3
_EXAMPLE_WIDTH = 24
_HEADINGS: dict[Topic, str] = {
    "formats": "How values are written",
    "assumed": "Assumed",
    "left out": "Left out",
    "rejected": "Rejected",
    "employed": "Employed",
    "plausibility": "Look into",
}


@dataclass(frozen=True)
class Inspection:
    """What was found in a census file; `complaint` says why a run would stop, if it would."""

    source: CensusSource
    findings: list[Finding]
    verdict: CensusVerdict | None
    complaint: str | None

    def screen(self) -> str:
        """Return the findings as text of several lines."""
        lines = [f"{self.source.path}, mapping: {self.source.name}", "", *self._columns()]
        for topic, heading in _HEADINGS.items():
            sentences = [one.sentence for one in self.findings if one.topic == topic]
            if sentences:
                lines += ["", heading, *(f"  {sentence}" for sentence in sentences)]
        if self.verdict is not None:
            lines += [
                "",
                _counts(self.verdict),
            ]
        if self.complaint is not None:
            lines += ["", f"Stopped: {self.complaint}"]
        return "\n".join(lines)

    def _columns(self) -> list[str]:
        fields: dict[int, CensusField] = {
            position: field for field, position in self.source.positions.items()
        }
        rows = [("Column", "Taken for", "Why", "Examples")]
        for position, name in enumerate(self.source.header):
            field = fields.get(position)
            why = self.source.reasons.get(field, "") if field else ""
            rows.append(
                (
                    name or "(no name)",
                    field or "-",
                    why or self.source.unused.get(position, "not needed"),
                    _examples(self.source.examples, position),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        ]

    def mapping_text(self) -> str:
        """Return the mapping as YAML, to be changed and named in a run."""
        import yaml

        stated = self.source.mapping.model_dump(
            mode="json", exclude_defaults=True, exclude={"columns"}
        )
        found = {"columns": dict(self.source.columns), **stated}
        allowed = "\n".join(
            f"# {name}: {field.description}"
            for name, field in CensusMapping.model_fields.items()
            if name not in found
        )
        return (
            f"# How {self.source.path.name} is read. What is left out is found in the file.\n"
            f"{yaml.safe_dump(found, sort_keys=False, allow_unicode=True)}\n"
            f"# May be stated too:\n{allowed}\n"
        )


def inspect_census(
    path: Path,
    *,
    settings: ScenarioSettings,
    sheet: str | None = None,
    as_of: date | None = None,
) -> Inspection:
    """Read and validate a census file as a run of the scenario would, into no warehouse.

    Args:
        path: the file.
        settings: those of the scenario; their mapping applies.
        sheet: of a workbook, without it that of the mapping, else the first.
        as_of: the day of the census; without it the day before the scenario's first year.

    Raises:
        CensusError: the file cannot be read at all; what is wrong with its values is a complaint.
    """
    census = settings.census
    with (
        opened_source(
            path, mappings=census.mappings, mapping_name=census.mapping, sheet=sheet
        ) as source,
        open_memory() as connection,
    ):
        try:
            read_census(
                connection,
                path=path,
                scenario_id=_SCENARIO,
                mappings={
                    source.name: source.mapping.model_copy(
                        update={"sheet": sheet or source.mapping.sheet}
                    )
                },
                mapping_name=source.name,
            )
            verdict = validate_census(
                connection,
                scenario_id=_SCENARIO,
                census_name=path.name,
                opening_date=as_of or settings.opening_date,
                day_before_start=settings.day_before_start if as_of is None else None,
                top_level=top_level(),
                reject_share_limit=census.maximum_reject_share,
                sums_positions=census.second_positions == "sum",
                hire_pay_percentile=settings.hiring.pay_percentile,
                bands=settings.tables.pay_bands(),
            )
        except CensusError as error:
            return Inspection(
                source,
                [Finding("assumed", sentence) for sentence in source.assumptions],
                None,
                str(error),
            )
        findings = [
            *(Finding("assumed", sentence) for sentence in source.assumptions),
            *(
                finding
                for finding in read_findings(connection, _SCENARIO)
                if finding.sentence not in source.assumptions
            ),
        ]
    complaint = (
        None
        if verdict.within_limit
        else f"{verdict.reject_share:.2%} of the rows are rejected, allowed are "
        f"{verdict.reject_share_limit:.2%}"
    )
    return Inspection(source, findings, verdict, complaint)


def _counts(verdict: CensusVerdict) -> str:
    return (
        f"{verdict.rows_read:,} rows: {verdict.rows_accepted:,} people, "
        f"{verdict.rows_left_before_start:,} left before, {verdict.rows_set_aside:,} set aside, "
        f"{verdict.rows_rejected:,} rejected"
    )


def _examples(rows: Sequence[Sequence[str]], position: int) -> str:
    values = (row[position].strip() for row in rows if position < len(row))
    distinct = list(dict.fromkeys(value[:_EXAMPLE_WIDTH] for value in values if value))
    return ", ".join(distinct[:_EXAMPLES])
