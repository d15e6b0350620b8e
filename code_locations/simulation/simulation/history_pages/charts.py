"""A chart of rates: what was observed as a bar, and what is fitted as a point in its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from simulation.report import charts

_ROW, _AROUND = 30, 60
_LETTERS = 22


@dataclass(frozen=True, slots=True)
class RatePoint:
    """An observed rate, and the fitted one in its interval; the tooltip puts them in words."""

    name: str
    observed: float
    fitted: float
    low: float
    high: float
    tooltip: str


@cache
def _specification(rows: int, axis_title: str) -> dict[str, Any]:
    import altair as alt

    base = alt.Chart().encode(
        # a browser without Arial draws a name wider than it is measured here
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=140, minExtent=175))
    )
    axis = alt.Axis(format=".0%", grid=True, tickCount=5)
    observed = base.mark_bar(color="var(--opening)", height=alt.RelativeBandSize(band=0.7)).encode(
        x=alt.X("observed:Q", title=axis_title, axis=axis), description="tooltip:N"
    )
    interval = base.mark_rule(aria=False, color="var(--ink)", strokeWidth=1.5).encode(
        x=alt.X("low:Q", title=axis_title), x2="high:Q"
    )
    fitted = base.mark_point(
        aria=False, color="var(--bar)", filled=True, opacity=1, size=70
    ).encode(x=alt.X("fitted:Q", title=axis_title))
    return charts.specification([observed, interval, fitted], height=_AROUND + _ROW * rows)


def rates(data: Sequence[RatePoint], *, axis_title: str) -> str:
    """Return the rates from top to bottom as SVG; long names are shortened."""
    records = [
        {
            "name": _shortened(point.name),
            "observed": point.observed,
            "fitted": point.fitted,
            "low": point.low,
            "high": point.high,
            "tooltip": point.tooltip,
        }
        for point in data
    ]
    return charts.svg(_specification(len(data), axis_title), records)


def _shortened(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
