"""The metadata of a failure: texts, links and tables that the author of the step attached to it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import Detail
from shared_lib.dbt.failed_nodes import FAILED_NODES
from shared_lib.secrets import redact

MOST_DETAILS = 10
MOST_ROWS = 10
MOST_COLUMNS = 8
_LONGEST_VALUE = 300
_LONGEST_CELL = 60


def details_of(metadata: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Return the metadata of a failure, as much of it as a message has room for."""
    kept = [(name, value) for name, value in metadata.items() if name != FAILED_NODES]
    found = [_detail(name, value) for name, value in kept[:MOST_DETAILS]]
    more = len(kept) - len(found)
    return (*found, Detail("More", f"{more} in the log of the run")) if more > 0 else tuple(found)


def _detail(label: str, value: Any) -> Detail:
    match value:
        case dg.UrlMetadataValue():
            url = value.url or ""
            # a link that contains a secret would lead nowhere without it
            return Detail(label, _text(url), url if redact(url) == url else "")
        case dg.TableMetadataValue():
            return Detail(label, "", rows=_rows(value))
        case dg.DagsterAssetMetadataValue():
            return Detail(label, _text(value.asset_key.to_user_string()))
    return Detail(label, _text(value.value))


def _rows(table: dg.TableMetadataValue) -> tuple[tuple[str, ...], ...]:
    """Return the names of the columns, the first records, and how many more there are."""
    names = [column.name for column in table.schema.columns][:MOST_COLUMNS]
    records = [
        tuple(_text(record.data.get(name, ""), _LONGEST_CELL) for name in names)
        for record in table.records[:MOST_ROWS]
    ]
    more = len(table.records) - len(records)
    rest = [(f"and {more} more", *[""] * (len(names) - 1))] if more > 0 and names else []
    return (tuple(names), *records, *rest)


def _text(value: Any, longest: int = _LONGEST_VALUE) -> str:
    # first redacted, so that no part of a secret is left at the end
    text = redact(str(value))
    return text if len(text) <= longest else f"{text[: longest - 2]} …"
