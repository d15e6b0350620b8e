"""A preview as Markdown for a pull request, and as a page that needs nothing else."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from preview.dbt_project import SKIPPED
from preview.making import Preview
from preview.models import ModelChange
from preview.rows import Sample

# GitHub refuses a comment of more than 65,536 characters
_MOST_ROWS = 40
_LONGEST_VALUE = 120

_ABOUT_NAMES = re.compile(r"\b(?:Binder|Catalog|Compilation|Parser) Error\b")

_SINGULAR = {
    "assets": "asset",
    "checks": "check",
    "jobs": "job",
    "schedules": "schedule",
    "sensors": "sensor",
    "alert policies": "alert policy",
}


def markdown_of(preview: Preview) -> str:
    """Return the preview for a pull request.

    It has no row of a model but of those that are marked, whatever the page shows.
    """
    return _render("preview.md.j2", preview, autoescape=False)


def page_of(preview: Preview) -> str:
    """Return the preview as one HTML file."""
    return _render("preview.html.j2", preview, autoescape=True)


def in_short(preview: Preview) -> str:
    """Return what differs in one line."""
    kinds: dict[str, int] = {}
    for change in preview.definitions:
        kinds[change.kind] = kinds.get(change.kind, 0) + 1
    parts = [counted(number, _SINGULAR[kind], kind) for kind, number in kinds.items()]
    if preview.models:
        own = sum(one.what != "downstream" for one in preview.models)
        parts.append(counted(own, "dbt model", "dbt models"))
        if follow := len(preview.models) - own:
            parts.append(f"{follow} downstream of {'it' if own == 1 else 'them'}")
    if not preview.files:
        return "Nothing differs"
    if not parts:
        return f"{counted(len(preview.files), 'file differs', 'files differ')}, no definition does"
    return ", ".join(parts)


def counted(number: int, one: str, several: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else several}"


def rows_of(model: ModelChange) -> str:
    """Return how the rows of a model differ, in words."""
    found = model.difference
    if found is None:
        return model.failure or "it has no table"
    if found.base_rows is None:
        return f"{counted(found.new_rows or 0, 'row', 'rows')}, new"
    if found.new_rows is None:
        return f"{counted(found.base_rows, 'row', 'rows')}, gone"
    if found.is_none:
        return f"{counted(found.new_rows, 'row', 'rows')}, all equal"
    parts = [f"{found.base_rows:,} → {found.new_rows:,}"]
    if found.changed:
        parts.append(f"{found.changed:,} changed")
    if found.only_new:
        parts.append(f"{found.only_new:,} only in the working tree")
    if found.only_base:
        parts.append(f"{found.only_base:,} only in the base")
    return ", ".join(parts)


def public_failure(model: ModelChange) -> str:
    """Return why a model was not built, for a pull request.

    Only messages about names are shown: one about a value has the value, such as "Could not
    convert string 'Anna' to INT32".
    """
    if model.may_show_rows or _ABOUT_NAMES.search(model.failure) or model.failure.endswith(SKIPPED):
        return model.failure
    return f"{model.failure.partition(':')[0]}: the page has dbt's message"


def columns_of(model: ModelChange) -> Sequence[str]:
    """Return how the columns of a model differ, in words; and by column, how many values do."""
    found = model.difference
    if found is None or not found.has_both:
        return []
    return [
        *(f"{name} {kind} added" for name, kind in found.added.items()),
        *(f"{name} {kind} removed" for name, kind in found.removed.items()),
        *(f"{name} {old} → {new}" for name, (old, new) in found.retyped.items()),
        *(
            f"{name}: {counted(count, 'value differs', 'values differ')}"
            for name, count in found.changed_values.items()
        ),
    ]


def sample_columns(samples: Sequence[Sample]) -> Sequence[str]:
    """Return the columns of which samples have a value."""
    return list(dict.fromkeys(name for sample in samples for name in sample.values))


def in_code(value: str) -> str:
    """Return a value as code of a Markdown table, where it marks nothing and mentions nobody."""
    text = " ".join(str(value).replace("`", "'").split())
    if len(text) > _LONGEST_VALUE:
        text = f"{text[: _LONGEST_VALUE - 1]}…"
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _by_kind(preview: Preview) -> Mapping[str, Sequence[object]]:
    found: dict[str, list[object]] = {}
    for change in preview.definitions:
        found.setdefault(change.kind, []).append(change)
    return found


def _render(template: str, preview: Preview, *, autoescape: bool) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=autoescape,  # noqa: S701 - Markdown has every value as code
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = in_code
    return environment.get_template(template).render(
        preview=preview,
        by_kind=_by_kind(preview),
        in_short=in_short(preview),
        rows_of=rows_of,
        public_failure=public_failure,
        columns_of=columns_of,
        sample_columns=sample_columns,
        most=_MOST_ROWS,
    )
