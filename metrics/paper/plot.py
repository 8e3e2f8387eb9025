"""A Plotly figure of ours as a drawing: lines and their bands, stacked bars, dots with whiskers, heat maps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color

from metrics.paper import inks
from metrics.paper.scales import Scale, scale

WIDTH, HEIGHT = 480.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 10.0, 8.0, 44.0
SMALL = 7.0
DASHES = {"dash": [4, 3], "dot": [1.5, 2], "dashdot": [4, 2, 1, 2]}
LONGEST_NAME = 14
ROW, MOST_ROWS = 8.0, 3
Trace = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """The part of a drawing inside its axes."""

    x: Scale
    y: Scale
    left: float
    width: float
    height: float

    def at(self, x: Any, y: Any) -> tuple[float, float] | None:
        across, up = self.x.place(x), self.y.place(y)
        if across is None or up is None:
            return None
        return self.left + across * self.width, BOTTOM + min(1.02, max(-0.02, up)) * self.height


def drawing(figure: dict[str, Any], *, width: float = WIDTH, height: float = HEIGHT) -> Drawing:
    """The figure on white."""
    traces = [part for part in figure["data"] if part.get("yaxis") != "y2"]
    layout = figure["layout"]
    made = Drawing(width, height)
    left = _left(traces, layout)
    x, y = _scales(traces, layout)
    field = Field(x, y, left, width - left - RIGHT, height - TOP - BOTTOM)
    made.add(_axes(field, layout))
    for shape in layout.get("shapes", ()):
        _upright(made, field, shape)
    for part in _painted(traces, field):
        made.add(part)
    made.add(_legend(traces, left, width))
    return made


def _left(traces: list[Trace], layout: dict[str, Any]) -> float:
    """Room for the names beside the axis."""
    if layout["yaxis"].get("type") != "category":
        return LEFT
    names = [str(name) for part in traces for name in part["y"]]
    return max(LEFT, max((inks.width(_short(name), SMALL) for name in names), default=0) + 14)


def _scales(traces: list[Trace], layout: dict[str, Any]) -> tuple[Scale, Scale]:
    xs = [x for part in traces for x in part["x"]]
    if layout.get("barmode") == "stack":
        sums: defaultdict[Any, float] = defaultdict(float)
        for part in _bars(traces):
            for x, y in zip(part["x"], part["y"], strict=True):
                sums[x] += y or 0
        ys = [*sums.values(), *(y for part in traces if part["type"] != "bar" for y in part["y"])]
    else:
        ys = [y for part in traces for y in part["y"]]
    return scale(layout["xaxis"], xs), scale(layout["yaxis"], ys)


def _axes(field: Field, layout: dict[str, Any]) -> Group:
    made = Group()
    right = field.left + field.width
    for up, name in field.y.ticks:
        y = BOTTOM + up * field.height
        made.add(Line(field.left, y, right, y, strokeColor=inks.GRID, strokeWidth=0.5))
        made.add(_text(_short(name), field.left - 4, y - 2.5, anchor="end"))
    rows = _rows_of_names(field, layout)
    for number, (across, name) in enumerate(field.x.ticks):
        y = BOTTOM - 10 - ROW * (number % rows)
        made.add(_text(_short(name), field.left + across * field.width, y, anchor="middle"))
    below = BOTTOM - 12 - ROW * rows
    for axis, x, y in (("xaxis", right, below), ("yaxis", 2, BOTTOM + field.height + 1)):
        title = layout[axis].get("title", {}).get("text", "")
        if title:
            made.add(_text(title, x, y, anchor="end" if axis == "xaxis" else "start"))
    return made


def _rows_of_names(field: Field, layout: dict[str, Any]) -> int:
    """Names below the axis that would run into each other stand in several rows."""
    if layout["xaxis"].get("type") != "category" or not field.x.ticks:
        return 1
    longest = max(inks.width(_short(name), SMALL) for _at, name in field.x.ticks) + 4
    return min(MOST_ROWS, max(1, math.ceil(longest * len(field.x.ticks) / field.width)))


def _upright(made: Drawing, field: Field, shape: dict[str, Any]) -> None:
    across = field.x.place(shape["x0"])
    if across is not None and 0 <= across <= 1:
        x = field.left + across * field.width
        line = Line(x, BOTTOM, x, BOTTOM + field.height, strokeColor=inks.QUIET, strokeWidth=0.6)
        line.strokeDashArray = DASHES["dot"]
        made.add(line)


def _painted(traces: list[Trace], field: Field) -> Iterator[Any]:
    below: Trace | None = None
    yield from _stacked(traces, field)
    for part in traces:
        tone = part.get("meta", {}).get("tone", "")
        if part["type"] == "heatmap":
            yield from _heat(part, field)
        elif part["type"] == "scatter":
            if part.get("fill") == "tonexty" and below is not None:
                yield from _band(below, part, field, inks.tone(tone, faint=True))
            elif part.get("line", {}).get("width") != 0:
                yield from _line(part, field, inks.tone(tone))
            below = part


def _bars(traces: list[Trace]) -> list[Trace]:
    return [part for part in traces if part["type"] == "bar"]


def _stacked(traces: list[Trace], field: Field) -> Iterator[Any]:
    bars = _bars(traces)
    if not bars:
        return
    wide = max(0.8, 0.8 * field.width / max(1, len({x for part in bars for x in part["x"]})))
    heights: defaultdict[Any, float] = defaultdict(float)
    for number, part in enumerate(bars):
        shade = _shade(part, number)
        for x, y in zip(part["x"], part["y"], strict=True):
            foot, head = field.at(x, heights[x]), field.at(x, heights[x] + (y or 0))
            heights[x] += y or 0
            if foot and head and y:
                left, tall = foot[0] - wide / 2, head[1] - foot[1]
                yield Rect(left, foot[1], wide, tall, fillColor=shade, strokeColor=None)


def _shade(part: Trace, number: int) -> Color:
    """Bars of one tone are told apart by how dark they are."""
    ink = inks.tone(part["meta"]["tone"])
    return Color(ink.red, ink.green, ink.blue, alpha=1 - 0.18 * (number % 4))


def _line(part: Trace, field: Field, ink: Color) -> Iterator[Any]:
    pairs = zip(part["x"], part["y"], strict=True)
    points = [point for point in (field.at(x, y) for x, y in pairs) if point]
    mode = part.get("mode", "lines+markers")
    if "lines" in mode and len(points) > 1:
        line = PolyLine([each for point in points for each in point], strokeColor=ink, strokeWidth=1.2)
        dash = part.get("line", {}).get("dash")
        if dash:
            line.strokeDashArray = DASHES.get(dash)
        yield line
    if "markers" in mode:
        yield from _whiskers(part, field, ink)
        yield from (Circle(x, y, 2, fillColor=ink, strokeColor=None) for x, y in points)


def _whiskers(part: Trace, field: Field, ink: Color) -> Iterator[Any]:
    for name, along in (("error_y", "y"), ("error_x", "x")):
        error = part.get(name, {"array": (), "arrayminus": ()})
        for x, y, more, less in zip(part["x"], part["y"], error["array"], error["arrayminus"], strict=False):
            ends = ((x, y - less), (x, y + more)) if along == "y" else ((x - less, y), (x + more, y))
            one, other = (field.at(*end) for end in ends)
            if one and other:
                yield Line(*one, *other, strokeColor=ink, strokeWidth=0.8)


def _band(low: Trace, high: Trace, field: Field, ink: Color) -> Iterator[Any]:
    up = [field.at(x, y) for x, y in zip(high["x"], high["y"], strict=True)]
    down = [field.at(x, y) for x, y in zip(low["x"], low["y"], strict=True)]
    points = [point for point in (*up, *reversed(down)) if point]
    if len(points) > 3:  # noqa: PLR2004 - less has no inside
        yield Polygon([each for point in points for each in point], fillColor=ink, strokeColor=None)


def _heat(part: Trace, field: Field) -> Iterator[Any]:
    across, up = field.width / max(1, len(part["x"])), field.height / max(1, len(part["y"]))
    ink = inks.tone(part["meta"]["tone"])
    for row, name in enumerate(part["y"]):
        for column, other in enumerate(part["x"]):
            point, share = field.at(other, name), part["z"][row][column]
            if point and share:
                shade = Color(ink.red, ink.green, ink.blue, alpha=0.08 + 0.9 * min(1.0, share))
                yield Rect(
                    point[0] - across / 2, point[1] - up / 2, across - 0.6, up - 0.6, fillColor=shade, strokeColor=None
                )
                if part.get("texttemplate"):
                    text = _text(part["text"][row][column], point[0], point[1] - 2.5, anchor="middle")
                    text.fillColor = inks.PAPER if share > 0.5 else inks.INK  # noqa: PLR2004 - half
                    yield text


def _legend(traces: list[Trace], left: float, width: float) -> Group:
    made, x, y = Group(), left, 15.0
    bars = _bars(traces)
    for part in traces:
        if part.get("showlegend") is False or part["type"] == "heatmap" or not part.get("name"):
            continue
        name = inks.drawable(part["name"])
        wide = inks.width(name, SMALL) + 22
        if x + wide > width and x > left:
            x, y = left, y - 9
        ink = _shade(part, bars.index(part)) if part in bars else inks.tone(part["meta"]["tone"])
        made.add(Rect(x, y, 8, 4, fillColor=ink, strokeColor=None))
        made.add(_text(name, x + 11, y - 1))
        x += wide
    return made


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _text(text: object, x: float, y: float, *, anchor: str = "start") -> String:
    drawn = inks.drawable(text)
    return String(x, y, drawn, fontName=inks.BODY, fontSize=SMALL, fillColor=inks.QUIET, textAnchor=anchor)
