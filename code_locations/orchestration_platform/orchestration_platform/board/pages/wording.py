"""Times, durations and the headline, as people read them."""

from datetime import UTC, datetime

from orchestration_platform.board.attention import Attention
from orchestration_platform.board.board import Board
from orchestration_platform.board.health import Health

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def headline(board: Board) -> str:
    """Return the state of the platform in one sentence."""
    if not board.attention:
        healthy, known = board.count(Health.HEALTHY), number_of(len(board.assets), "asset")
        unknown = board.count(Health.UNKNOWN)
        rest = f", {unknown} never ran or {_were(unknown)} never checked" if unknown else ""
        return f"Healthy: {healthy} of {known} healthy{rest}"
    worst = board.entries[0]
    others = len(board.entries) - 1
    more = f". {others} more below" if others else ""
    return f"{_sentence(worst, board.at)}{more}"


def _sentence(item: Attention, now: datetime) -> str:
    # the state lasts, and the text is of any tense: a run failed, a check warns, alerts wait
    lasts = f" for {duration(now.timestamp() - item.since)}" if item.since else ""
    subject = item.name if item.kind == "Daemon" else f"{item.kind.lower()} {item.name}"
    good = f", last good {moment(item.last_good_at, now)}" if item.last_good_at else ""
    taken = f"; {taken_by(item)}" if item.incident else ""
    return f"{item.health.word}{lasts}: {subject}: {item.text}{good}{taken}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def number_of(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``2 steps``."""
    return f"{amount(number)} {noun}{'' if number == 1 else 's'}"


def taken_by(item: Attention) -> str:
    """Return who works on its incident."""
    person = item.incident.acknowledged_by if item.incident else ""
    return f"{person or 'nobody'} has it"


def ago(at: float, now: datetime) -> str:
    """Return how long ago ``at`` was: ``12 minutes ago``."""
    return f"{duration(max(0.0, now.timestamp() - at))} ago"


def duration(seconds: float) -> str:
    """Return a length of time in its largest unit: ``2 hours``."""
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return number_of(int(seconds // size), word)
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"


def precise(seconds: float) -> str:
    """Return a length of time to compare with others: ``0.8 s``, ``75 s``, ``12.5 min``."""
    if seconds < 10 * _MINUTE:
        return f"{seconds:.1f} s" if seconds < _MINUTE else f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:,.1f} min"


def amount(number: float) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Return a number of bytes: ``512 B``, ``1.5 KiB``, ``-20.0 MiB``."""
    power = min(max(int(abs(number)).bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{number / 1024**power:,.{1 if power else 0}f} {_UNITS[power]}"


def moment(at: float, now: datetime) -> str:
    """Return a moment in UTC: ``today 06:15``, ``yesterday 06:15`` or ``2026-11-02 06:15``."""
    then = datetime.fromtimestamp(at, UTC)
    days = (now.astimezone(UTC).date() - then.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{then:%Y-%m-%d}")
    return f"{day} {then:%H:%M}"
