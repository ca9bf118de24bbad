"""Charts as SVG made on the server: no script, no style, colours from the design's tokens, so that both themes fit.

The specifications are Vega-Lite, written out; vl-convert draws them. (Importing altair to write them costs a web
process 40 MB and 0.3 s and checks nothing that is not checked here.)
"""

import json
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any
from xml.etree import ElementTree

import vl_convert
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

# Drawn as a phone shows it, a unit a pixel: nothing scrolls sideways there. Where there is more room the picture grows,
# and static/css/pages.css takes back of its letters what they would grow with it.
WIDTH, HEIGHT = 270, 132
ROW_HEIGHT = 54
LABEL_LETTERS = 42  # in the width of the picture
LONG_NAME = 14  # letters of a curve's name, beyond which two do not stand side by side
FEW_STEPS = 5  # whole numbers, up to which each has its own mark; further apart no mark falls between two
MOST_POINTS = 400  # a series; more are thinned evenly, which at this width nobody can see
COLOURS = [f"var(--chart-{number})" for number in range(1, 7)]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]]  # colour is never the only difference
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
OWN = "https://own.invalid"  # stands before addresses of this installation while Vega draws: it takes no others
OWN_PAGE = re.compile(re.escape(OWN) + r"/[\w-]")
ALLOWED = frozenset(
    {"svg", "g", "a", "path", "line", "rect", "text", "tspan", "title", "desc", "defs", "clipPath", "circle"}
)
CONFIG: dict[str, Any] = {
    "aria": False,  # the whole picture has one label, and the numbers are in a table under it
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": "var(--border)",
        "domainColor": "var(--border)",
        "tickColor": "var(--border)",
    },
    "axisY": {  # what is measured stands above the axis, where it takes nothing of the width
        "titleAngle": 0,
        "titleAlign": "left",
        "titleBaseline": "bottom",
        "titleX": -34,
        "titleY": -8,
    },
    "axisX": {"tickCount": 5},
    "legend": {
        "labelColor": "currentColor",
        "labelFontSize": 12,
        "labelLimit": 240,
        "symbolStrokeWidth": 2,
        "symbolSize": 50,
    },
}


class ChartError(ValueError):
    """The drawing holds something that a page must not contain, or nothing can be drawn."""


@dataclass(frozen=True)
class Series:
    """`urls`, one a point, are where a click on it leads; `url` is where the name in the table does."""

    name: str
    points: Sequence[tuple[float, float]]
    urls: Sequence[str] = ()
    url: str = ""


@dataclass(frozen=True)
class Linked:
    """A cell of the table that leads to what it counts."""

    text: str
    url: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Interval:
    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """What components/chart.html draws: the picture, and the same numbers as a table."""

    svg: SafeString
    columns: list[str]
    rows: list[list[str | Linked]]


def line_chart(
    *, title: str, x_label: str, y_label: str, series: Sequence[Series], from_zero: bool = False, log_y: bool = False
) -> Chart:
    """Curves over a common axis, at most six. Points that are not finite are left out (on a log axis, those ≤ 0 too).

    Raises ChartError for more than six series or when no point is left.
    """
    if len(series) > len(COLOURS):
        raise ChartError(f"{len(series)} curves in one chart; at most {len(COLOURS)} can be told apart")
    kept = [(one.name, thin([point for point in one.points if drawable(point, log_y)])) for one in series]
    leads = {(one.name, x): url for one in series for (x, _y), url in zip(one.points, one.urls, strict=False)}
    values = [
        {"x": x, "y": y, "s": name, **linked(leads.get((name, x), ""))} for name, points in kept for x, y in points
    ]
    if not values:
        raise ChartError("nothing to draw")
    names = [one.name for one in series]
    columns = 1 if max(map(len, names)) > LONG_NAME else 2
    legend = {"orient": "top", "title": None, "columns": columns, "offset": 24}  # clear of what the axis is called
    shared = {"field": "s", "type": "nominal", "legend": legend if len(names) > 1 else None}
    spec = {
        "height": HEIGHT,
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 14} if len(values) < 30 else False},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "title": x_label,
                "scale": {"zero": False},
                "axis": whole_steps([x for _name, points in kept for x, _y in points]),
            },
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": y_label,
                "scale": {"type": "log" if log_y else "linear", "zero": from_zero and not log_y},
                "axis": {} if log_y else whole_steps([y for _name, points in kept for _x, y in points], zero=from_zero),
            },
            "color": {**shared, "scale": {"domain": names, "range": COLOURS[: len(names)]}},
            "strokeDash": {**shared, "scale": {"domain": names, "range": DASHES[: len(names)]}},
        },
    }
    if leads:
        spec = pressable(spec)
    return Chart(draw(spec, title), [x_label, *names], line_rows(kept, leads))


def linked(url: str) -> dict[str, str]:
    return {"href": f"{OWN}{url}"} if url else {}


def pressable(spec: dict[str, Any]) -> dict[str, Any]:
    """The line as it is, and on it points large enough to be pressed, which alone are links."""
    points = {**spec["encoding"], "href": {"field": "href", "type": "nominal"}}
    del points["strokeDash"]
    layers = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": spec["encoding"]},
        {
            "transform": [{"filter": "isValid(datum.href)"}],
            "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
            "encoding": points,
        },
    ]
    return {"height": spec["height"], "data": spec["data"], "layer": layers}


def whole_steps(numbers: Sequence[float], *, zero: bool = False) -> dict[str, Any]:
    """What is counted has no halves on its axis. (Vega draws them in spite of its `tickMinStep`.)"""
    low, high = min(numbers), max(numbers)
    if zero:
        low, high = min(low, 0), max(high, 0)
    if high - low > FEW_STEPS or not all(float(one).is_integer() for one in numbers):
        return {}
    return {"values": list(range(int(low), int(high) + 1)), "format": "d"}


def scatter_chart(*, title: str, groups: Sequence[Series]) -> Chart:
    """Points in groups, at most six, without axes: their places say nothing but near and far. The table counts them.

    Raises ChartError for more than six groups or when no point is left.
    """
    if len(groups) > len(COLOURS):
        raise ChartError(f"{len(groups)} groups in one chart; at most {len(COLOURS)} can be told apart")
    values = [
        {"x": x, "y": y, "s": one.name, **linked(url)}
        for one in groups
        for (x, y), url in zip(one.points, one.urls or repeat(""), strict=False)
        if math.isfinite(x) and math.isfinite(y)
    ]
    if not values:
        raise ChartError("nothing to draw")
    names = [one.name for one in groups]
    legend = {"orient": "top", "title": None, "columns": 1}
    shared = {"field": "s", "type": "nominal", "legend": legend}
    spec: dict[str, Any] = {
        "height": WIDTH * 0.75,
        "data": {"values": values},
        "mark": {"type": "point", "filled": True, "size": 16, "opacity": 0.8},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "axis": None},
            "y": {"field": "y", "type": "quantitative", "axis": None},
            "color": {**shared, "scale": {"domain": names, "range": COLOURS[: len(names)]}},
            "shape": {**shared, "scale": {"domain": names, "range": SHAPES[: len(names)]}},
        },
    }
    if any(one.urls for one in groups):
        spec["encoding"]["href"] = {"field": "href", "type": "nominal"}
    rows: list[list[str | Linked]] = [
        [Linked(one.name, one.url) if one.url else one.name, number(len(one.points))] for one in groups
    ]
    return Chart(draw(spec, title), [_("Name"), _("Points")], rows)


def wrapped(label: str) -> str:
    """A long label cut, so that nothing of it runs out of the picture; the table has it whole."""
    return textwrap.shorten(label, LABEL_LETTERS, placeholder=" …") if " " in label else label[:LABEL_LETTERS]


def interval_chart(
    *, title: str, value_label: str, intervals: Sequence[Interval], reference: float | None = None
) -> Chart:
    """One row each: a point with its interval. `reference` draws a line, such as the base model's value or zero."""
    shown = [one for one in intervals if all(math.isfinite(number) for number in (one.value, one.low, one.high))]
    if not shown:
        raise ChartError("nothing to draw")
    values = [
        {"row": place, "label": wrapped(one.label), "value": one.value, "low": one.low, "high": one.high}
        for place, one in enumerate(shown)
    ]  # by place: rows of one name stay two rows
    where = {"field": "row", "type": "nominal", "sort": None, "axis": None, "scale": {"type": "band", "padding": 0}}
    below, name = {**where, "bandPosition": 0.76}, {**where, "bandPosition": 0.3}
    span = {"field": "low", "type": "quantitative", "title": value_label, "scale": {"zero": False}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 3, "color": COLOURS[0], "opacity": 0.55},
            "encoding": {"y": below, "x": span, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "color": COLOURS[0], "opacity": 1},
            "encoding": {"y": below, "x": {**span, "field": "value"}},
        },
        {
            "mark": {"type": "text", "align": "left", "baseline": "middle", "fontSize": 12, "limit": WIDTH},
            "encoding": {"y": name, "x": {"value": 0}, "text": {"field": "label"}},
        },
    ]
    if reference is not None:
        mark = {"type": "rule", "strokeDash": [4, 3], "color": "currentColor"}
        height = {"y": {**where, "bandPosition": 0.58}, "y2": {"field": "row", "bandPosition": 0.94}}
        layers.insert(0, {"mark": mark, "encoding": {"x": {"datum": reference, "type": "quantitative"}, **height}})
    spec = {"height": ROW_HEIGHT * len(shown), "data": {"values": values}, "layer": layers}
    rows: list[list[str | Linked]] = [
        [one.label, number(one.value), number(one.low), number(one.high)] for one in intervals
    ]
    return Chart(draw(spec, title, rows=True), [_("Name"), value_label, _("From"), _("To")], rows)


def drawable(point: tuple[float, float], log_y: bool) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1]) and (point[1] > 0 or not log_y)


def thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most MOST_POINTS of them, evenly spaced, the last one among them."""
    step = math.ceil(len(points) / MOST_POINTS)
    return points if step <= 1 else points[::-1][::step][::-1]


def line_rows(
    kept: list[tuple[str, list[tuple[float, float]]]], leads: dict[tuple[str, float], str]
) -> list[list[str | Linked]]:
    """One row for each place on the x axis, one column a curve."""
    columns = [(name, dict(points)) for name, points in kept]
    places = sorted({x for _name, column in columns for x in column})
    rows: list[list[str | Linked]] = []
    for x in places:
        cells: list[str | Linked] = [number(x)]
        for name, column in columns:
            text, url = number(column[x]) if x in column else "", leads.get((name, x), "")
            cells.append(Linked(text, url) if url else text)
        rows.append(cells)
    return rows


def number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "–"


def draw(spec: dict[str, Any], title: str, *, rows: bool = False) -> SafeString:
    """The SVG text, proven to hold nothing but shapes and text. One of `rows` need not grow as far as a curve."""
    full: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "background": None,
        "config": CONFIG,
        **spec,
    }
    # Vega cuts labels that are too long, perhaps in the middle of such a character, and then fails.
    full = json.loads(BEYOND_BMP.sub("\ufffd", json.dumps(full, ensure_ascii=False)))
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(full, allowed_base_urls=[]))  # noqa: S314  our own
    refuse_unsafe(root)
    for element in root.iter():
        element.attrib.pop("role", None)  # parts of a picture with one label speak for themselves to nobody
        element.attrib.pop("aria-roledescription", None)
    drop_roles(root)
    root.set("role", "group" if hide_links(root) else "img")
    root.set("aria-label", title)
    if rows:
        root.set("data-rows", "")
    ElementTree.register_namespace("", SVG)
    return mark_safe(ElementTree.tostring(root, encoding="unicode"))  # noqa: S308  proven just above


def drop_roles(root: ElementTree.Element) -> None:
    """Take away the roles that Vega gives to marks although it is told not to: parts of a picture have none."""
    for element in root.iter():
        for attribute in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
            del element.attrib[attribute]


def hide_links(root: ElementTree.Element) -> bool:
    """Whether the drawing has links. They are for those who point at what they see: a thousand points are no way to go
    by keyboard or ear, so they are left out of both, and the table under the picture leads to the same rows."""
    found = list(root.iter(f"{{{SVG}}}a"))
    for link in found:
        href = link.attrib.pop(f"{{{XLINK}}}href", link.get("href", ""))
        link.attrib.clear()
        link.set("href", href.removeprefix(OWN))
        link.set("tabindex", "-1")
    if found:
        for child in root:
            child.set("aria-hidden", "true")
    return bool(found)


def refuse_unsafe(root: ElementTree.Element) -> None:
    """Raise ChartError for any element or attribute that could run, load or restyle something."""
    for element in root.iter():
        name = element.tag.removeprefix(f"{{{SVG}}}")
        if name not in ALLOWED:
            raise ChartError(f"the drawing holds <{name}>")
        for attribute in element.attrib:
            plain = attribute.rpartition("}")[2].lower()
            if plain == "href" and name == "a" and OWN_PAGE.match(element.attrib[attribute]):
                continue
            if plain in {"style", "href", "src"} or plain.startswith("on"):
                raise ChartError(f"the drawing holds {plain}= on <{name}>")
