"""Renders the pages of a history into the folder of the reports, in the style of the report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared_lib.private_files import keep_files_private
from simulation.backtest.comparison import Figure
from simulation.report import charts, units
from simulation.report.files import replaced
from simulation.report.index import write_index

# In folders of their own, so that a template of one name is found for certain.
_FOLDERS = (Path(__file__).parent, Path(charts.__file__).parent)
_SMALL = 1.0  # figures up to it are shares


def write_page(path: Path, template: str, **shown: Any) -> Path:
    """Write a page that needs nothing else, and list it among the reports of its folder.

    The page appears complete or not at all; an existing one is replaced.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDERS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template).render(
        units=units, shown=_figure, written_at=datetime.now(UTC), **shown
    )
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    write_index(path.parent)
    return path


def span_of(first: int, last: int) -> str:
    """Return years as ``2012 to 2014``."""
    return str(first) if first == last else f"{first} to {last}"


def _figure(figure: Figure, value: float) -> str:
    return units.decimal(value, 4) if figure.real <= _SMALL else units.count(value)
