"""The board as data, in a few fields that stay the same."""

from datetime import UTC, datetime
from typing import Any

from orchestration_platform.board.attention import Attention
from orchestration_platform.board.board import Board
from orchestration_platform.board.pages import wording


def summary(board: Board) -> dict[str, Any]:
    """Return the first line and what needs attention, the worst first; times are in ISO 8601.

    What another row has caused follows it, and names it.
    """
    return {
        "health": board.health.word.lower(),
        "headline": wording.headline(board),
        "attention": [
            row
            for item in board.entries
            for row in (_row(item), *(_row(one, cause=item) for one in item.caused))
        ],
    }


def _row(item: Attention, *, cause: Attention | None = None) -> dict[str, str | int]:
    incident = item.incident
    return {
        "state": item.health.word.lower(),
        "kind": item.kind,
        "name": item.name,
        "location": item.location,
        "why": item.text,
        "since": _iso(item.since),
        "last_good": _iso(item.last_good_at),
        "owners": ", ".join(item.owners),
        "incident": f"#{incident.number}" if incident else "",
        "taken_by": incident.acknowledged_by if incident else "",
        "run": item.run_id,
        "runbook": item.runbook,
        "cause": f"{cause.kind} {cause.name}" if cause else "",
    }


def _iso(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
