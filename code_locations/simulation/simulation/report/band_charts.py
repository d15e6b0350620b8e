"""A chart of bands: a middle line by year, within what most runs come to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from simulation.report import charts

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class BandPoint:
    """A year's low, middle and high value in the unit of the axis; the tooltip puts it in words."""

    name: str
    low: float
    middle: float
    high: float
    tooltip: str


@cache
def _specification(axis_title: str, axis_format: str) -> dict[str, Any]:
    import altair as alt

    scale = alt.Scale(zero=False)
    axis = alt.Axis(format=axis_format)
    base = alt.Chart().encode(x=alt.X("name:N", sort=None, title=None))
    band = base.mark_area(aria=False, color="var(--level-low)").encode(
        y=alt.Y("low:Q", title=axis_title, scale=scale, axis=axis), y2="high:Q"
    )
    # of one year, an area has no width
    reach = base.mark_rule(aria=False, color="var(--bar)", strokeWidth=1).encode(
        y=alt.Y("low:Q", title=axis_title, scale=scale), y2="high:Q"
    )
    line = base.mark_line(aria=False, color="var(--bar)", strokeWidth=2).encode(
        y=alt.Y("middle:Q", title=axis_title, scale=scale)
    )
    points = base.mark_point(color="var(--bar)", filled=True, opacity=1, size=60).encode(
        y=alt.Y("middle:Q", title=axis_title, scale=scale), description="tooltip:N"
    )
    return charts.specification([band, reach, line, points])


def bands(data: Sequence[BandPoint], *, axis_title: str, axis_format: str) -> str:
    """Return the bands of the years as SVG, from left to right."""
    records = [
        {
            "name": point.name,
            "low": point.low,
            "middle": point.middle,
            "high": point.high,
            "tooltip": point.tooltip,
        }
        for point in data
    ]
    return charts.svg(_specification(axis_title, axis_format), records)
