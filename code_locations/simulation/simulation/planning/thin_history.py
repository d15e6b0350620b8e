"""Where a history is too thin for what is fitted to it."""

from collections.abc import Sequence

from simulation.planning.fitted_numbers import Number
from simulation.planning.history import Snapshot
from simulation.planning.leaving import Factor, Leaving

_THIN_LEAVERS = 100


def thin_places(
    snapshots: Sequence[Snapshot],
    leaving: Leaving,
    rate: Number,
    *,
    has_levels: bool,
    has_ages: bool,
) -> list[str]:
    """Return a sentence for each thing that the history shows badly or not at all."""
    left = round(rate.observed)
    warnings = [
        f"{snapshot.path.name}: {snapshot.rejected:,} rows were rejected"
        for snapshot in snapshots
        if snapshot.rejected
    ]
    if len(snapshots) == 2:  # noqa: PLR2004 - a year and the next
        warnings.append(
            "one year passed between the censuses: growth and raises are those of that year, and "
            "how they differ from year to year does not show"
        )
    if left < _THIN_LEAVERS:
        warnings.append(
            f"{left} people left, fewer than {_THIN_LEAVERS}: differences between groups are "
            "hardly more than chance"
        )
    thin = [factor for factor in leaving.factors if factor.credibility < 0.5]  # noqa: PLR2004
    if thin:
        warnings.append(
            f"{len(thin)} of {len(leaving.factors)} groups have fewer expected leavers than k = "
            f"{leaving.k:g}; less than half of what they show is kept: {_named(thin)}"
        )
    if not has_levels:
        warnings.append(
            "no levels: five bands of pay stand for them, and promotions count among the raises"
        )
    if not has_ages:
        warnings.append("no birth dates: leaving does not differ by age")
    warnings.append(
        "yearly censuses do not show hires who leave again before the year ends: their rate is 0"
    )
    return warnings


def _named(factors: Sequence[Factor]) -> str:
    shown = sorted(factors, key=lambda factor: -factor.exposed)[:3]
    more = len(factors) - len(shown)
    names = ", ".join(f"{factor.name} ({factor.exposed})" for factor in shown)
    return names + (f" and {more} more" if more else "")
