"""The charts, drawn by Altair as SVG that follows the page's colours.

An SVG drawn ahead costs 0.8 s of CPU for a whole report, half of what putting the scripts of
Vega into the page costs; the page is a sixth of the size, prints, and needs no script to be read.
Colours are names of CSS variables, which is what makes a chart light or dark with its page.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

HEIGHT = 280
WIDTH = 520
NARROW_WIDTH = 330

# Beyond these, a value above every bar, or in every segment, no longer fits.
_LABELLED_BARS = 12
_LABELLED_SHARE = 0.035

_INK = "var(--ink)"
_PLAIN_INK = "var(--quiet-ink)"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with the value it is compared to, both in the unit of the chart's axis.

    `tooltip` says it in words; it is also what a screen reader reads for the bar.
    """

    name: str
    value: float
    label: str
    tooltip: str
    mark: float | None = None
    mark_error: float = 0
    is_opening: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a waterfall: a total when `is_total`, else a change that adds to those before."""

    name: str
    value: float
    label: str
    tooltip: str
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One level's part of a year's bar; `share` is a ratio of the whole."""

    year: str
    level: int
    share: float
    label: str
    tooltip: str


def ramp(levels: int) -> list[str]:
    """Return as many CSS colours, from the palest to the fullest, as there are levels."""
    if levels == 1:
        return ["var(--level-high)"]
    steps = (round(100 * place / (levels - 1)) for place in range(levels))
    return [f"color-mix(in oklab, var(--level-low), var(--level-high) {step}%)" for step in steps]


def _themed(chart: alt.LayerChart, width: int) -> alt.LayerChart:
    import altair as alt

    return (
        chart.properties(
            width=width,
            height=HEIGHT,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 2, "right": 2, "top": 6, "bottom": 2},
        )
        .configure(background="transparent", font="Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            domainColor="var(--axis)",
            gridColor="var(--grid)",
            labelColor=_PLAIN_INK,
            labelFontSize=12,
            labelPadding=6,
            ticks=False,
            titleColor=_PLAIN_INK,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
        )
        .configure_axisX(grid=False, labelAngle=0)
        .configure_axisY(domain=False, tickCount=5)
    )


def _svg(chart: alt.LayerChart, width: int) -> str:
    written = io.StringIO()
    _themed(chart, width).save(written, format="svg")
    return written.getvalue()


def _names(title: str | None = None) -> alt.X:
    import altair as alt

    return alt.X(
        "name:N",
        sort=None,
        title=title,
        axis=alt.Axis(labelExpr="split(datum.value, '\\n')", labelLimit=90, labelOverlap=True),
        scale=alt.Scale(paddingInner=0.3, paddingOuter=0.15),
    )


def bars(
    data: Sequence[Bar],
    *,
    axis_title: str,
    axis_format: str = "~s",
    name_title: str | None = None,
    width: int = WIDTH,
) -> str:
    """Return bars, each with a stroke for the value it is compared to, as SVG.

    Args:
        data: The bars from left to right.
        axis_title: What is measured, with its unit.
        axis_format: How d3 prints the numbers of that axis.
        name_title: What the bars stand for; years need no title.
        width: Width in pixels.
    """
    import altair as alt

    records = [
        {
            "name": bar.name,
            "value": bar.value,
            "label": bar.label,
            "tooltip": bar.tooltip,
            "mark": bar.mark,
            "low": None if bar.mark is None else max(bar.mark - bar.mark_error, 0),
            "high": None if bar.mark is None else bar.mark + bar.mark_error,
            "top": max(bar.value, 0 if bar.mark is None else bar.mark + bar.mark_error),
            "colour": "var(--opening)" if bar.is_opening else "var(--bar)",
        }
        for bar in data
    ]
    base = alt.Chart(alt.Data(values=records)).encode(x=_names(name_title))
    value = alt.Y("value:Q", title=axis_title, axis=alt.Axis(format=axis_format))
    layers: list[alt.Chart] = [
        base.mark_bar().encode(
            y=value,
            color=alt.Color("colour:N", scale=None, legend=None),
            description="tooltip:N",
        )
    ]
    compared = base.transform_filter("isValid(datum.mark)")
    if any(bar.mark is not None for bar in data):
        layers.append(
            compared.mark_tick(
                aria=False, color=_INK, opacity=1, thickness=2, width=alt.RelativeBandSize(band=1.14)
            ).encode(
                y=alt.Y("mark:Q", title=axis_title)
            )
        )
    if any(bar.mark_error for bar in data):
        layers.append(
            compared.mark_rule(aria=False, color=_INK, strokeWidth=1.5).encode(
                y=alt.Y("low:Q", title=axis_title), y2="high:Q"
            )
        )
    if len(data) <= _LABELLED_BARS:
        layers.append(
            base.mark_text(aria=False, baseline="bottom", dy=-5, fontSize=12, color=_INK).encode(
                y=alt.Y("top:Q", title=axis_title), text="label:N"
            )
        )
    return _svg(alt.layer(*layers), width)


def _waterfall_records(steps: Sequence[Step]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    level = 0.0
    for index, step in enumerate(steps):
        start, end = (0.0, step.value) if step.is_total else (level, level + step.value)
        level = end
        following = steps[index + 1].name if index + 1 < len(steps) else step.name
        colour = "--bar" if step.is_total else "--plus" if step.value >= 0 else "--minus"
        records.append(
            {
                "name": step.name,
                "start": start,
                "end": end,
                "top": max(start, end),
                "following": following,
                "label": step.label,
                "tooltip": step.tooltip,
                "colour": f"var({colour})",
            }
        )
    return records


def waterfall(
    steps: Sequence[Step], *, axis_title: str, axis_format: str = "~s", width: int = WIDTH
) -> str:
    """Return the way from a first total through its changes to the last total, as SVG.

    Args:
        steps: Totals and changes from left to right; a line break in a name breaks its label.
        axis_title: What is measured, with its unit.
        axis_format: How d3 prints the numbers of that axis.
        width: Width in pixels.
    """
    import altair as alt

    base = alt.Chart(alt.Data(values=_waterfall_records(steps))).encode(x=_names())
    columns = base.mark_bar(minBandSize=2).encode(
        y=alt.Y("start:Q", title=axis_title, axis=alt.Axis(format=axis_format)),
        y2="end:Q",
        color=alt.Color("colour:N", scale=None, legend=None),
        description="tooltip:N",
    )
    connectors = base.mark_rule(aria=False, color="var(--axis)", strokeWidth=1).encode(
        y=alt.Y("end:Q", title=axis_title), x2="following:N"
    )
    labels = base.mark_text(aria=False, baseline="bottom", dy=-5, fontSize=12, color=_INK).encode(
        y=alt.Y("top:Q", title=axis_title), text="label:N"
    )
    return _svg(alt.layer(connectors, columns, labels), width)


def level_mix(segments: Sequence[Segment], *, width: int = WIDTH) -> str:
    """Return a bar of 100 % for each year, divided by level, lowest level at the bottom, as SVG."""
    import altair as alt

    levels = sorted({segment.level for segment in segments})
    colours = dict(zip(levels, ramp(len(levels)), strict=True))
    filled: dict[str, float] = {}
    records: list[dict[str, Any]] = []
    for segment in sorted(segments, key=lambda segment: (segment.year, segment.level)):
        start = filled.get(segment.year, 0.0)
        filled[segment.year] = start + segment.share
        is_pale = levels.index(segment.level) < len(levels) / 2
        records.append(
            {
                "name": segment.year,
                "start": start,
                "end": filled[segment.year],
                "middle": start + segment.share / 2,
                "label": segment.label if segment.share >= _LABELLED_SHARE else "",
                "tooltip": segment.tooltip,
                "colour": colours[segment.level],
                "ink": "var(--on-low)" if is_pale else "var(--on-high)",
            }
        )
    base = alt.Chart(alt.Data(values=records)).encode(x=_names())
    title = "share of employees"
    scale = alt.Scale(domain=[0, 1])
    columns = base.mark_bar(stroke="var(--paper)", strokeWidth=1).encode(
        y=alt.Y("start:Q", title=title, scale=scale, axis=alt.Axis(format=".0%")),
        y2="end:Q",
        color=alt.Color("colour:N", scale=None, legend=None),
        description="tooltip:N",
    )
    labels = base.mark_text(aria=False, baseline="middle", fontSize=12).encode(
        y=alt.Y("middle:Q", title=title, scale=scale),
        text="label:N",
        color=alt.Color("ink:N", scale=None, legend=None),
    )
    is_legible = len(filled) <= _LABELLED_BARS
    return _svg(alt.layer(columns, labels) if is_legible else alt.layer(columns), width)
