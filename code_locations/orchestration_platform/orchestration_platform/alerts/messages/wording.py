"""How messages word things: titles, times, and texts with links and names in them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from shared_lib.secrets import redact

Value = TypeVar("Value")

# Event types whose own name does not read well in a title.
_TITLES = {
    "JOB_FAILURE": "Run Failure",
    "JOB_SUCCESS": "Run Success",
    "JOB_LONG_RUNNING": "Long Run",
    "ASSET_CHECK_SEVERITY_WARN": "Asset Check Warning",
    "ASSET_CHECK_SEVERITY_ERROR": "Asset Check Failure",
    "ASSET_FRESHNESS_WARN": "Asset Freshness Warning",
    "ASSET_FRESHNESS_FAIL": "Asset Freshness Failure",
}


class SpanKind(StrEnum):
    """What kind of text a part is."""

    WORDS = "words"
    CODE = "code"
    LINK = "link"
    OWNER = "owner"
    MEMBER = "member"
    TIME = "time"


@dataclass(frozen=True)
class Span:
    """A part of a text.

    Attributes:
        text: what is shown; a time is in UTC, for services that do not know the reader's zone.
        kind: what kind of text it is.
        url: the target of a link.
        at: a time, in seconds since 1970.
    """

    text: str
    kind: SpanKind = SpanKind.WORDS
    url: str = ""
    at: int = 0


def words(text: str) -> Span:
    """Return a part that is shown as it is."""
    return Span(text)


def code(text: str) -> Span:
    """Return a name from code, such as a job or a partition."""
    return Span(text, SpanKind.CODE)


def link(text: str, url: str) -> Span:
    """Return a link."""
    return Span(text, SpanKind.LINK, url)


def time(at: float) -> Span:
    """Return a time, which a service may show in the zone of its reader."""
    return Span(moment(at), SpanKind.TIME, at=int(at))


@dataclass(frozen=True)
class Link:
    """A button."""

    label: str
    url: str


def owner(name: str) -> Span:
    """Return an owner, whom a service may be able to mention."""
    return Span(name, SpanKind.OWNER)


def member(identifier: str) -> Span:
    """Return a Slack member, by Slack id."""
    return Span(identifier, SpanKind.MEMBER)


def separated(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts separated by commas."""
    joined = [part for span in spans for part in (words(", "), span)]
    return tuple(joined[1:])


def title_of(event_type: str, *, environment: str) -> str:
    """Return the header of a message, such as ``Dagster Production Run Failure``."""
    what = _TITLES.get(event_type) or event_type.replace("_", " ").title()
    return f"Dagster {environment.capitalize()} {what}"


def moment(at: float) -> str:
    """Format a time given in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Format a length of time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join(shown[:2]) or "0 s"


def redacted(value: Value, *, ui_url: str = "") -> Value:
    """Return ``value`` with secrets removed from every text in it, at any depth.

    A link that contains a secret would lead nowhere without it, so it is left out.

    Args:
        value: consists of dataclasses, tuples and texts.
        ui_url: where people open Dagster; not a secret, whatever host or user a secret names.
    """
    return cast("Value", _redacted(value, ui_url))


def _redacted(value: Any, ui_url: str) -> Any:
    # the remaining links are shown unchanged
    if isinstance(value, StrEnum | Link):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, tuple):
        return tuple(_redacted(part, ui_url) for part in value if _leads_somewhere(part, ui_url))
    if isinstance(value, Span) and value.kind is SpanKind.LINK:
        text = redact(value.text)
        return link(text, value.url) if _is_open(value.url, ui_url) else words(text)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: _redacted(getattr(value, name), ui_url) for name in names})
    return value


def _leads_somewhere(value: Any, ui_url: str) -> bool:
    return not isinstance(value, Link) or _is_open(value.url, ui_url)


def _is_open(url: str, ui_url: str) -> bool:
    """Return whether an address contains no secret."""
    within = url.removeprefix(ui_url)
    return redact(within) == within
