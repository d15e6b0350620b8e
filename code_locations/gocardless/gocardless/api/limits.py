"""What the API says of its limits, in headers of either spelling or in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# A bank counts by the day. What is beyond these is no limit, and the answer is taken without it.
_MOST_CALLS = 1_000_000_000
_LONGEST_RESET_SECONDS = 366 * 24 * 60 * 60

_IN_WORDS = re.compile(r"try again in (\d+) seconds?", re.IGNORECASE)


@dataclass(frozen=True)
class Limit:
    """A limit as one answer tells it.

    Attributes:
        limit: calls allowed in the window.
        remaining: calls left in it.
        reset_seconds: until a new window begins.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None

    def __bool__(self) -> bool:
        return (self.limit, self.remaining, self.reset_seconds) != (None, None, None)


def account_limit(headers: Mapping[str, str]) -> Limit:
    """Successful calls of the account and scope that the answer is about."""
    return _limit(headers, "account-success-")


def general_limit(headers: Mapping[str, str]) -> Limit:
    """All calls, whatever the account."""
    return _limit(headers, "")


def seconds_in_words(detail: str) -> int | None:
    """The seconds of "Please try again in N seconds"."""
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


def _number(text: str | None, *, most: int) -> int | None:
    stripped = (text or "").strip()
    is_number = stripped.isascii() and stripped.isdigit() and len(stripped) <= len(str(most))
    return int(stripped) if is_number and int(stripped) <= most else None
