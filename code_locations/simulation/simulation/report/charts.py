"""The charts, drawn by Altair as SVG that follows the page's colours.

Drawing the 18 charts of five years ahead costs 1.0 s of CPU and 0.13 MB. Embedding the scripts of
Vega in the page, to draw at view time, would cost 1.7 s and 0.9 MB. Drawn charts can be printed,
and read without scripts. A kind of chart is described and validated once, in 80 ms, and then drawn
with the data of each chart, in 25 ms.
Colours are names of CSS variables, so a chart turns light or dark with its page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

HEIGHT = 280
WIDTH = 520
_PANEL_HEIGHT = 130

# Beyond these numbers, a value above every bar, or in every segment, no longer fits.
_LABELLED_BARS = 12
_LABELLED_SHARE = 0.035

_DATA = "records"

_INK = "var(--ink)"
_QUIET_INK = "var(--quiet-ink)"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar and the value it is compared to, both in the unit of the chart's axis.

    `tooltip` puts it in words; screen readers read it too.
    """

    name: str
    value: float
    label: str
    tooltip: str
    mark: float | None = None
    mark_error: float = 0
    is_opening: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """What a year adds to a total, or takes from it if negative, in the unit of the axis."""

    name: str
    value: float
    label: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One level's part of a year's bar; `share` is a ratio of the whole."""

    year: str
    level: int
    share: float
    label: str
    tooltip: str


def ramp(levels: int) -> list[str]:
    """Return one CSS colour for each level, from the palest to the fullest."""
    if levels == 1:
        return ["var(--level-high)"]
    steps = (round(100 * place / (levels - 1)) for place in range(levels))
    return [f"color-mix(in oklab, var(--level-low), var(--level-high) {step}%)" for step in steps]


def specification(
    layers: Sequence[alt.Chart], height: int = HEIGHT, *, right: int = 10
) -> dict[str, Any]:
    """Return layers with the theme of the report as a Vega-Lite chart without data.

    ``right`` is the room behind the last number, which a browser without Arial draws wider than it
    is measured here.
    """
    import altair as alt

    chart = (
        alt.layer(*layers, data=alt.NamedData(name=_DATA))
        .properties(
            width=WIDTH,
            height=height,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 2, "right": right, "top": 6, "bottom": 2},
        )
        .configure(background="transparent", font="Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            domainColor="var(--axis)",
            gridColor="var(--grid)",
            labelColor=_QUIET_INK,
            labelFontSize=12,
            labelPadding=6,
            ticks=False,
            titleColor=_QUIET_INK,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
        )
        .configure_axisX(grid=False, labelAngle=0)
        .configure_axisY(domain=False, tickCount=5)
    )
    return chart.to_dict()


def svg(specification: dict[str, Any], records: list[dict[str, Any]]) -> str:
    """Return a chart drawn with its data, as SVG."""
    import altair as alt
    import vl_convert

    major, minor, _ = alt.SCHEMA_VERSION.split(".")
    drawn = specification | {"datasets": {_DATA: records}}
    return vl_convert.vegalite_to_svg(drawn, vl_version=f"{major}.{minor}")


def _names(title: str | None = None) -> alt.X:
    import altair as alt

    return alt.X(
        "name:N",
        sort=None,
        title=title,
        axis=alt.Axis(labelExpr="split(datum.value, '\\n')", labelLimit=90, labelOverlap=True),
        scale=alt.Scale(paddingInner=0.3, paddingOuter=0.15),
    )


@cache
def _bars_specification(
    axis_title: str, axis_format: str, name_title: str | None, *, is_labelled: bool
) -> dict[str, Any]:
    import altair as alt

    base = alt.Chart().encode(x=_names(name_title))
    compared = base.transform_filter("isValid(datum.mark)")
    layers = [
        base.mark_bar().encode(
            y=alt.Y("value:Q", title=axis_title, axis=alt.Axis(format=axis_format)),
            color=alt.Color("colour:N", scale=None, legend=None),
            description="tooltip:N",
        ),
        compared.mark_tick(
            aria=False, color=_INK, opacity=1, thickness=2, width=alt.RelativeBandSize(band=1.14)
        ).encode(y=alt.Y("mark:Q", title=axis_title)),
        compared.mark_rule(aria=False, color=_INK, strokeWidth=1.5).encode(
            y=alt.Y("low:Q", title=axis_title), y2="high:Q"
        ),
    ]
    if is_labelled:
        layers.append(
            base.mark_text(aria=False, baseline="bottom", dy=-5, fontSize=12, color=_INK).encode(
                y=alt.Y("top:Q", title=axis_title), text="label:N"
            )
        )
    return specification(layers)


def bars(
    data: Sequence[Bar], *, axis_title: str, axis_format: str, name_title: str | None = None
) -> str:
    """Return bars, each with a stroke for the value it is compared to, as SVG.

    Args:
        data: The bars from left to right.
        axis_title: What is measured, with its unit.
        axis_format: How d3 prints the numbers of that axis.
        name_title: What the bars stand for; years need no title.
    """
    records = []
    for bar in data:
        low, high = (
            (None, None)
            if bar.mark is None
            else (max(bar.mark - bar.mark_error, 0), bar.mark + bar.mark_error)
        )
        records.append(
            {
                "name": bar.name,
                "value": bar.value,
                "label": bar.label,
                "tooltip": bar.tooltip,
                "mark": bar.mark,
                "low": low,
                "high": high,
                "top": max(bar.value, high or 0),
                "colour": "var(--opening)" if bar.is_opening else "var(--bar)",
            }
        )
    specification = _bars_specification(
        axis_title, axis_format, name_title, is_labelled=len(data) <= _LABELLED_BARS
    )
    return svg(specification, records)


@cache
def _ranking_specification(axis_title: str, axis_format: str) -> dict[str, Any]:
    import altair as alt

    value = alt.X("value:Q", title=axis_title, axis=alt.Axis(format=axis_format, tickCount=4))
    # a browser without Arial draws a name wider than it is measured here
    base = alt.Chart().encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=140, minExtent=175))
    )
    columns = base.mark_bar(color="var(--bar)").encode(x=value, description="tooltip:N")
    compared = base.mark_tick(aria=False, color=_INK, opacity=1, thickness=2).encode(
        x=alt.X("mark:Q", title=axis_title)
    )
    labels = base.mark_text(
        aria=False, align="left", baseline="middle", dx=5, fontSize=12, color=_INK
    ).encode(x=alt.X("top:Q", title=axis_title), text="label:N")
    return specification([columns, compared, labels], right=28)


def ranking(data: Sequence[Bar], *, axis_title: str, axis_format: str) -> str:
    """Return bars that lie below each other, each with a stroke for its comparison, as SVG.

    Args:
        data: The bars from top to bottom; a name of more than about 22 letters is shortened.
        axis_title: What is measured, with its unit.
        axis_format: How d3 prints the numbers of that axis.
    """
    records = [
        {
            "name": bar.name,
            "value": bar.value,
            "mark": bar.mark,
            "top": max(bar.value, bar.mark or 0),
            "label": bar.label,
            "tooltip": bar.tooltip,
        }
        for bar in data
    ]
    return svg(_ranking_specification(axis_title, axis_format), records)


@cache
def _flows_specification(lowest: float, highest: float, axis_format: str) -> dict[str, Any]:
    import altair as alt

    # the label of the longest bar needs room behind it
    scale = alt.Scale(domain=[lowest, highest + 0.25 * (highest - lowest)], nice=False)
    axis = alt.Axis(format=axis_format, tickCount=4, grid=True)
    base = alt.Chart().encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(minExtent=165, grid=False))
    )
    columns = base.mark_bar().encode(
        x=alt.X("value:Q", title=None, scale=scale, axis=axis),
        color=alt.Color("colour:N", scale=None, legend=None),
        description="tooltip:N",
    )
    # behind zero, a bar that leads to the left leaves room for its label
    labels = base.mark_text(
        aria=False, align="left", baseline="middle", dx=5, fontSize=12, color=_INK
    ).encode(x=alt.X("end:Q", title=None, scale=scale), text="label:N")
    return specification([columns, labels], height=_PANEL_HEIGHT)


def flows(panels: Sequence[Sequence[Flow]], *, axis_format: str) -> list[str]:
    """Return one panel of flows for each year, all on the same axis, as SVG.

    Args:
        panels: The flows of each year, from top to bottom.
        axis_format: How d3 prints the numbers of the axis.
    """
    values = [0.0, *(flow.value for panel in panels for flow in panel)]
    specification = _flows_specification(min(values), max(values), axis_format)
    return [
        svg(
            specification,
            [
                {
                    "name": flow.name,
                    "value": flow.value,
                    "end": max(flow.value, 0),
                    "label": flow.label,
                    "tooltip": flow.tooltip,
                    "colour": "var(--plus)" if flow.value > 0 else "var(--minus)",
                }
                for flow in panel
            ],
        )
        for panel in panels
    ]


def _ink_on(place: int, levels: int) -> str:
    """Return the CSS colour of text that is legible on this step of the ramp."""
    middle = (levels - 1) / 2
    if place == middle:
        return "var(--on-middle)"
    return "var(--on-low)" if place < middle else "var(--on-high)"


@cache
def _level_mix_specification(*, is_labelled: bool) -> dict[str, Any]:
    import altair as alt

    base = alt.Chart().encode(x=_names())
    title = "share of employees"
    scale = alt.Scale(domain=[0, 1])
    layers = [
        base.mark_bar(stroke="var(--paper)", strokeWidth=1).encode(
            y=alt.Y("start:Q", title=title, scale=scale, axis=alt.Axis(format=".0%")),
            y2="end:Q",
            color=alt.Color("colour:N", scale=None, legend=None),
            description="tooltip:N",
        )
    ]
    if is_labelled:
        layers.append(
            base.mark_text(aria=False, baseline="middle", fontSize=12).encode(
                y=alt.Y("middle:Q", title=title, scale=scale),
                text="label:N",
                color=alt.Color("ink:N", scale=None, legend=None),
            )
        )
    return specification(layers)


def level_mix(segments: Sequence[Segment]) -> str:
    """Return a bar of 100 % for each year, divided by level, lowest level at the bottom, as SVG."""
    levels = sorted({segment.level for segment in segments})
    colours = dict(zip(levels, ramp(len(levels)), strict=True))
    filled: dict[str, float] = {}
    records = []
    for segment in sorted(segments, key=lambda segment: (segment.year, segment.level)):
        start = filled.get(segment.year, 0.0)
        filled[segment.year] = start + segment.share
        records.append(
            {
                "name": segment.year,
                "start": start,
                "end": filled[segment.year],
                "middle": start + segment.share / 2,
                "label": segment.label if segment.share >= _LABELLED_SHARE else "",
                "tooltip": segment.tooltip,
                "colour": colours[segment.level],
                "ink": _ink_on(levels.index(segment.level), len(levels)),
            }
        )
    return svg(_level_mix_specification(is_labelled=len(filled) <= _LABELLED_BARS), records)
