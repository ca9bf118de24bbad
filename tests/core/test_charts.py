"""Charts: the right numbers at the right places, and nothing in the drawing that a page must not hold."""

import math
import re
from xml.etree import ElementTree

import pytest

from core import charts
from core.charts import ChartError, Interval, Linked, Series, interval_chart, line_chart, scatter_chart

HOSTILE = "</svg><script>alert(1)</script>\" onload=\"x' style='y' & 𝕏 \u202e"


def elements(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter())


def line_ys(svg: str) -> list[list[float]]:
    """The y coordinates of each drawn curve; larger is lower."""
    paths = [one for one in elements(svg) if one.get("stroke", "").startswith("var(--chart") and one.get("d")]
    found = [
        [float(pair.split(",")[1]) for pair in re.findall(r"[ML](-?[\d.]+,-?[\d.]+)", one.get("d", ""))]
        for one in paths
    ]
    return [ys for ys in found if len(ys) > 2]


def test_a_falling_loss_is_drawn_falling_and_listed_in_the_table() -> None:
    chart = line_chart(
        title="Loss",
        x_label="Step",
        y_label="Loss",
        series=[Series("train", [(1, 3.0), (2, 2.0), (3, 1.5), (4, 1.25)])],
    )
    (ys,) = line_ys(chart.svg)
    assert ys == sorted(ys)
    assert (ys[1] - ys[0]) / (ys[2] - ys[1]) == pytest.approx(2.0, rel=0.01)
    assert chart.columns == ["Step", "train"]
    assert chart.rows == [["1", "3"], ["2", "2"], ["3", "1.5"], ["4", "1.25"]]


def test_an_axis_of_steps_has_no_half_steps() -> None:
    def labels(xs: list[float]) -> list[str]:
        svg = line_chart(title="t", x_label="x", y_label="y", series=[Series("a", [(x, 100.0) for x in xs])]).svg
        return [one.text or "" for one in elements(svg) if one.tag.endswith("text")]

    assert not any("0.5" in text for text in labels([0, 1, 2, 3]))
    assert any("0.4" in text for text in labels([0.1, 0.2, 1.0]))


def test_an_axis_of_counts_has_no_half_counts() -> None:
    chart = line_chart(
        title="Texts a week", x_label="Week", y_label="Texts", series=[Series("Ada", [(-2, 0), (-1, 0), (0, 1)])],
        from_zero=True,
    )  # fmt: skip
    assert re.findall(r">([^<>]*\d)</text>", chart.svg) == ["−2", "−1", "0", "0", "1"]


def test_curves_of_different_places_share_a_table() -> None:
    chart = line_chart(
        title="t", x_label="x", y_label="y", series=[Series("a", [(1, 1), (2, 2), (3, 1)]), Series("b", [(2, 5)])]
    )
    assert chart.rows == [["1", "1", ""], ["2", "2", "5"], ["3", "1", ""]]
    assert ">a</text>" in chart.svg
    assert ">b</text>" in chart.svg


def test_colours_come_from_the_design_and_curves_differ_in_more_than_colour() -> None:
    chart = line_chart(
        title="t", x_label="x", y_label="y", series=[Series(name, [(1, 1), (2, 2), (3, 3)]) for name in ("a", "b")]
    )
    found = [one for one in elements(chart.svg) if one.get("stroke", "").startswith("var(--chart") and one.get("d")]
    assert {one.get("stroke") for one in found} == {"var(--chart-1)", "var(--chart-2)"}
    assert len({one.get("stroke-dasharray") for one in found}) == 2
    fixed = {value for one in elements(chart.svg) for value in (one.get("fill"), one.get("stroke")) if value}
    assert {value for value in fixed if not value.startswith("var(")} <= {"currentColor", "none", "transparent"}


def test_only_the_whole_picture_has_a_role_and_a_name() -> None:
    chart = line_chart(
        title="Loss", x_label="x", y_label="y", series=[Series("a", [(1, 1), (2, 2)]), Series("b", [(1, 2)])]
    )
    named = [one for one in elements(chart.svg) if any(key == "role" or key.startswith("aria-") for key in one.attrib)]
    assert [(one.get("role"), one.get("aria-label")) for one in named] == [("img", "Loss")]


def test_hostile_names_are_text_and_nothing_runs_loads_or_restyles() -> None:
    chart = line_chart(title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE, series=[Series(HOSTILE, [(1, 1), (2, 2)])] * 1)
    bars = interval_chart(title=HOSTILE, value_label=HOSTILE, intervals=[Interval(HOSTILE, 1, 0, 2)])
    for svg in (chart.svg, bars.svg):
        names = {one.tag.rpartition("}")[2] for one in elements(svg)}
        assert names <= charts.ALLOWED
        attributes = {name.lower() for one in elements(svg) for name in one.attrib}
        assert not [name for name in attributes if name in {"style", "href"} or name.startswith("on")]
        assert elements(svg)[0].get("aria-label") == HOSTILE
        assert "<script" not in svg


@pytest.mark.parametrize(
    "bad",
    ['<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', '<svg xmlns="http://www.w3.org/2000/svg" style="x"/>',
     '<svg xmlns="http://www.w3.org/2000/svg"><g onclick="x"/></svg>', '<svg xmlns="http://www.w3.org/2000/svg"><image/></svg>',
     '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><g xlink:href="x"/></svg>'],
)  # fmt: skip
def test_a_drawing_with_anything_else_is_refused(bad: str) -> None:
    with pytest.raises(ChartError, match="the drawing holds"):
        charts.refuse_unsafe(ElementTree.fromstring(bad))


def test_numbers_that_cannot_be_drawn_are_left_out() -> None:
    points = [(1, 1.0), (2, math.nan), (3, math.inf), (4, -1.0), (5, 0.5), (6, 0.2)]
    chart = line_chart(title="t", x_label="x", y_label="y", series=[Series("a", points)], log_y=True)
    assert [row[0] for row in chart.rows] == ["1", "5", "6"]
    with pytest.raises(ChartError, match="nothing to draw"):
        line_chart(title="t", x_label="x", y_label="y", series=[Series("a", [(1, math.nan)])])
    with pytest.raises(ChartError, match="at most 6"):
        line_chart(title="t", x_label="x", y_label="y", series=[Series(str(n), [(1, 1)]) for n in range(7)])


def test_a_long_run_is_thinned_and_keeps_its_last_point() -> None:
    chart = line_chart(title="t", x_label="x", y_label="y", series=[Series("a", [(n, n * 0.5) for n in range(10_001)])])
    assert len(chart.rows) <= charts.MOST_POINTS
    assert chart.rows[-1] == ["10000", "5000"]
    assert len(chart.svg) < 60_000


def test_intervals_are_drawn_in_the_given_order_with_a_reference() -> None:
    chart = interval_chart(
        title="Loss", value_label="Loss", intervals=[Interval("tuned", 1.5, 1.2, 1.8), Interval("base", 2.5, 2.2, 2.8)],
        reference=2.5,
    )  # fmt: skip
    assert chart.rows == [["tuned", "1.5", "1.2", "1.8"], ["base", "2.5", "2.2", "2.8"]]
    assert chart.svg.index(">tuned<") < chart.svg.index(">base<")
    assert 'stroke="currentColor"' in chart.svg


def test_long_names_are_cut_and_two_of_one_name_stay_two_rows() -> None:
    name = "SmolLM2-135M-Instruct trained on building advice, with the answers of a second expert and the third 🏠"
    chart = interval_chart(
        title="Loss", value_label="Loss", intervals=[Interval(name, 1, 0, 2), Interval(name, 3, 2, 4)]
    )
    lines = [one.text for one in elements(chart.svg) if one.text and one.text.startswith("S")]
    assert lines == ["SmolLM2-135M-Instruct trained on …"] * 2
    assert [row[0] for row in chart.rows] == [name, name]


def test_a_scatter_draws_every_point_in_its_group_and_lists_how_many() -> None:
    groups = [Series("roofs", [(0.0, 0.0), (0.5, 1.0)]), Series(HOSTILE, [(1.0, 0.5), (math.nan, 0.0)])]
    chart = scatter_chart(title="Map", groups=groups)
    drawn = [one.get("fill", "") for one in elements(chart.svg) if one.get("transform") and one.get("d")]
    assert (drawn.count("var(--chart-1)"), drawn.count("var(--chart-2)")) == (3, 2), "each with one more in the legend"
    assert chart.rows == [["roofs", "2"], [HOSTILE, "2"]]
    assert "<script" not in chart.svg


def test_points_lead_where_they_are_told_to_for_those_who_point_and_the_table_for_everybody() -> None:
    curve = Series("a", [(0, 1), (1, 0), (2, 3)], ["/p/x/pairs/?week=1&state=", "", "/p/x/pairs/?week=3"])
    line = line_chart(title="Pace", x_label="Week", y_label="Pairs", series=[curve])
    dots = scatter_chart(title="Map", groups=[Series("roofs", [(0.0, 0.0)], ["/p/x/pairs/7/"], "/p/x/pairs/?group=1")])
    for chart, name, urls in ((line, "Pace", curve.urls[::2]), (dots, "Map", ["/p/x/pairs/7/"])):
        root, *parts = elements(chart.svg)
        links = [one for one in parts if one.tag.endswith("}a")]
        assert [one.attrib for one in links] == [{"href": url, "tabindex": "-1"} for url in urls]
        assert (root.get("role"), root.get("aria-label")) == ("group", name)
        assert {one.get("aria-hidden") for one in root} == {"true"}
    assert line.rows == [["0", Linked("1", curve.urls[0])], ["1", "0"], ["2", Linked("3", curve.urls[2])]]
    assert dots.rows == [[Linked("roofs", "/p/x/pairs/?group=1"), "1"]]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//elsewhere.example/", "https://elsewhere.example/", "/\\e.example"]
)
def test_a_point_leads_to_no_other_place(url: str) -> None:
    with pytest.raises(ChartError, match="href= on <a>"):
        line_chart(title="t", x_label="x", y_label="y", series=[Series("a", [(0, 1)], [url])])


@pytest.mark.parametrize("groups", [[], [Series("none", [])], [Series(str(n), [(0.0, 0.0)]) for n in range(7)]])
def test_a_scatter_of_nothing_or_of_too_many_groups_is_refused(groups: list[Series]) -> None:
    with pytest.raises(ChartError):
        scatter_chart(title="Map", groups=groups)


def test_each_chart_is_drawn_as_narrow_as_a_phone() -> None:
    names = ["Train, smoothed over ten steps", "Develop", "Test, which is long too"]
    small = [Series(name, [(n * 1000.0, 0.00001 * n) for n in range(1, 40)]) for name in names]
    charts_drawn = [
        line_chart(title="t", x_label="Step", y_label="Loss in nats a token, of what is held out", series=small),
        interval_chart(title="t", value_label="Loss", intervals=[Interval(name * 3, 1, 0, 2) for name in names]),
        scatter_chart(title="t", groups=[Series(name * 3, [(0, 0), (1, 1)]) for name in names]),
    ]
    widths = [float(elements(chart.svg)[0].attrib["viewBox"].split()[2]) for chart in charts_drawn]
    assert all(width <= 345 for width in widths), widths
