"""The percentile that the board shows."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of values in order; None without values."""
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] if ordered else None
