"""The project's own SQL macros, rendered without dbt: they need nothing of it."""

from functools import cache
from typing import Any

from shared_lib.dbt.project import PROJECT_DIRECTORY


@cache
def macros(name: str) -> Any:
    """Return the macros of a file in ``dbt_project/macros`` as functions that return SQL."""
    import jinja2

    text = (PROJECT_DIRECTORY / "macros" / f"{name}.sql").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=False).from_string(text).module  # noqa: S701 - SQL


def draw(employee: str, purpose: str) -> str:
    """Return the SQL of an employee's draw in the year of the column ``year.draw_key``."""
    return str(macros("draw").draw("year.draw_key", employee, purpose))
