"""Limits as the API reports them, in headers of either spelling or in an error text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Banks count calls per day. A larger number is not a limit; it is ignored, and the answer accepted.
_MOST_CALLS = 1_000_000_000
_LONGEST_RESET_SECONDS = 366 * 24 * 60 * 60

_IN_WORDS = re.compile(r"try again in (\d+) seconds?", re.IGNORECASE)


@dataclass(frozen=True)
class Limit:
    """A limit as one answer reports it.

    Attributes:
        limit: calls allowed in the window.
        remaining: calls left in it.
        reset_seconds: seconds until a new window begins.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None

    def __bool__(self) -> bool:
        return (self.limit, self.remaining, self.reset_seconds) != (None, None, None)


def account_limit(headers: Mapping[str, str]) -> Limit:
    """Return the limit of successful calls for the account and scope of the answer."""
    return _limit(headers, "account-success-")


def general_limit(headers: Mapping[str, str]) -> Limit:
    """Return the limit of all calls, whatever the account."""
    return _limit(headers, "")


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of the header ``Retry-After``, by RFC 9110 a number or a date."""
    known = {_plain(name): value for name, value in headers.items()}
    text = known.get("retry-after")
    seconds = _number(text, most=_LONGEST_RESET_SECONDS)
    if seconds is None and text is not None:
        # by the clock of the server, which need not be ours
        until, now = _moment(text), _moment(known.get("date", ""))
        if until is not None and now is not None:
            seconds = _number(str(int((until - now).total_seconds())), most=_LONGEST_RESET_SECONDS)
    return seconds


def seconds_in_words(detail: str) -> int | None:
    """Return the seconds from "Please try again in N seconds"."""
    found = _IN_WORDS.search(detail)
    return _number(found[1], most=_LONGEST_RESET_SECONDS) if found else None


def _limit(headers: Mapping[str, str], kind: str) -> Limit:
    known = {_plain(name): value for name, value in headers.items()}
    limit, remaining, reset = (
        known.get(f"x-ratelimit-{kind}{name}") for name in ("limit", "remaining", "reset")
    )
    return Limit(
        _number(limit, most=_MOST_CALLS),
        _number(remaining, most=_MOST_CALLS),
        _number(reset, most=_LONGEST_RESET_SECONDS),
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("http-")


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # "-0000" is UTC of an unknown place
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str | None, *, most: int) -> int | None:
    stripped = (text or "").strip()
    is_number = stripped.isascii() and stripped.isdigit() and len(stripped) <= len(str(most))
    return int(stripped) if is_number and int(stripped) <= most else None
