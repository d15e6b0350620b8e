"""Reads a comparison from the warehouse and writes its page and workbook."""

from collections.abc import Callable
from pathlib import Path

from simulation.compare.attribution import compare
from simulation.compare.differences import Comparison
from simulation.compare.page import write_page
from simulation.compare.pair import paired
from simulation.compare.sheets import write_workbook
from simulation.report.index import write_index
from simulation.stored.scenarios import reading_stored


def read_comparison(base: str, other: str, *, on_progress: Callable[[str], None]) -> Comparison:
    """Compare two stored scenarios; the warehouse is only read.

    Raises:
        NotStoredError: the warehouse or a scenario is missing.
        ComparisonRefusedError: the scenarios cannot be compared.
        WarehouseBusyError: a run holds the warehouse for longer than a minute.
        UnexplainedDifferenceError: the parts do not add up to the difference.
    """
    with reading_stored(base, other, on_wait=on_progress) as connection:
        pair = paired(connection, base, other)
        on_progress(f"comparing {other} with {base}, {pair.span}")
        return compare(connection, pair)


def write_comparison(comparison: Comparison, folder: Path) -> tuple[Path, Path]:
    """Write the page and the workbook, and list the page among the reports.

    Returns:
        The paths of the page and of the workbook.
    """
    scenarios = (comparison.pair.base, comparison.pair.other)
    names = [*(each.scenario_id for each in scenarios), *(each.fingerprint for each in scenarios)]
    page = folder / f"comparison-{'-'.join(names)}.html"
    workbook = write_workbook(comparison, path=page.with_suffix(".xlsx"))
    write_page(comparison, path=page, workbook=workbook)
    write_index(folder)
    return page, workbook
