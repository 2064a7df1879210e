import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.report.charts.values import Bar, BarChart, Curve, Dimension, Dot, LineChart, Strip, StripChart
from wirerace.report.drawing.downsampling import downsampled
from wirerace.report.drawing.draw import NARROW, WIDE, draw
from wirerace.report.drawing.scales import Scale, scale_of, spread_out, ticks_of
from wirerace.report.drawing.svg import fitted, path_of, tag

LINEAR, LOG = Dimension("t", "seconds"), Dimension("t", "seconds", is_log=True)
reals = st.floats(1e-9, 1e12)


def test_scale_maps_its_ends_and_the_middle() -> None:
    assert [0, 50, 100] == [Scale(0, 10, 0, 100).at(value) for value in (0, 5, 10)]
    assert [0, 50, 100] == [round(Scale(1, 100, 0, 100, is_log=True).at(value)) for value in (1, 10, 100)]


def test_value_beyond_a_scale_lies_at_its_end() -> None:
    assert (0, 100) == (Scale(1, 100, 0, 100, is_log=True).at(-5), Scale(1, 100, 0, 100, is_log=True).at(1e9))


@given(st.lists(reals, min_size=1, max_size=8), st.booleans())
def test_scale_has_room_for_every_value_and_ticks_on_it(values: list[float], is_log: bool) -> None:
    scale = scale_of(LOG if is_log else LINEAR, values, 0, 100)
    places = [value for value, _ in ticks_of(scale, LOG if is_log else LINEAR)]

    assert scale.least <= max(min(values), 1e-12) * (1 + 1e-9)
    assert max(values) <= scale.most * (1 + 1e-9)
    assert is_log or 0 == scale.least
    assert all(before < after for before, after in pairwise(places))
    assert 1 <= len(places) <= 8


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [1e-300], [1e300], [math.inf, math.nan, 1.0], [-3.0, 4.0]])
def test_scale_of_strange_values_has_two_ends(values: list[float]) -> None:
    for dimension in (LINEAR, LOG):
        scale = scale_of(dimension, values, 0, 100)
        assert scale.least < scale.most
        assert all(0 <= scale.at(value) <= 100 for value in values if not math.isnan(value))


def test_ticks_are_round_and_have_units() -> None:
    assert ["0", "0.5 s", "1 s", "1.5 s"] == [said for _, said in ticks_of(scale_of(LINEAR, [1.4], 0, 1), LINEAR)]
    assert ["1 ms", "10 ms", "100 ms", "1 s"] == [said for _, said in ticks_of(scale_of(LOG, [0.001, 0.9], 0, 1), LOG)]


def test_names_stand_where_there_are_no_numbers() -> None:
    dimension = Dimension("t", "count", names=["same", "own"])

    assert [(0.0, "same"), (1.0, "own")] == ticks_of(scale_of(dimension, [0, 1], 0, 100), dimension)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=12))
def test_labels_are_spread_in_their_order_and_inside(wanted: list[float]) -> None:
    found = spread_out(wanted, 15, 0, 200)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gap = min(15, 200 / max(1, len(wanted) - 1))

    assert all(found[after] - found[before] >= gap - 1e-6 for before, after in pairwise(order))
    assert -1e-6 <= min(found)
    assert max(found) <= 200 + 1e-6


def in_order(dots: list[Dot]) -> list[Dot]:
    return sorted(dots, key=lambda dot: dot.x)


points = st.builds(Dot, st.integers(0, 1000).map(float), st.floats(0, 10))
dots = st.lists(points, min_size=3, max_size=300).map(in_order)


@pytest.mark.long
@given(dots, st.integers(3, 60))
def test_downsampling_keeps_the_ends_the_order_and_no_more_than_asked_for(given: list[Dot], most: int) -> None:
    kept = downsampled(given, most)

    assert min(most, len(given)) == len(kept)
    assert (given[0], given[-1]) == (kept[0], kept[-1])
    assert [dot.x for dot in kept] == sorted(dot.x for dot in kept)
    assert {(dot.x, dot.y) for dot in kept} <= {(dot.x, dot.y) for dot in given}


def test_downsampling_keeps_a_spike_and_every_extreme_of_a_band() -> None:
    flat = [Dot(float(x), 1.0, 0.5, 1.5) for x in range(1000)]
    flat[500] = Dot(500.0, 100.0, 0.5, 1.5)
    flat[701] = Dot(701.0, 1.0, 0.1, 9.0)
    kept = downsampled(flat, 50)

    assert 100.0 in {dot.y for dot in kept}
    assert (0.1, 9.0) == (min(dot.low or 1 for dot in kept), max(dot.high or 1 for dot in kept))


def test_elements_are_escaped_and_numbers_are_short() -> None:
    assert '<text x="1.2" class="a&#34;b">&lt;b&gt;&amp;</text>' == tag("text", "<b>&", x=1.2345, class_='a"b')
    assert '<g stroke-width="2"/>' == tag("g", stroke_width=2, fill=None)
    assert "M0,1L2.5,3" == path_of([(0, 1), (2.5, 3.04)])
    assert "abc…" == fitted("abcdefgh", 30)


CURVES = [
    Curve(name, "sse", [Dot(0.001 * (number + 1), 0.0), Dot(0.01 * (number + 1), 1.0)], number)
    for number, name in enumerate(("one", "two", "three", "four", "five"))
]


@pytest.mark.parametrize("labels_at", ["ends", "heights", "dots"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_every_curve_has_its_name_once_and_inside_the_picture(labels_at: str, width: float) -> None:
    svg = draw(LineChart("t", "a", LOG, LINEAR, CURVES, labels_at), width)

    for curve in CURVES:
        assert 1 == svg.count(f">{curve.title}<")
    assert f'viewBox="0 0 {width:g} ' in svg


def test_bars_are_as_long_as_their_values_and_say_them() -> None:
    bars = [Bar("a", "sse", [1.0, 1.0], "two"), Bar("b", "polling", [4.0], "four", 3.0, 5.0)]
    svg = draw(BarChart("t", "a", bars, ["x", "y"]))
    widths = [float(part.split('width="')[1].split('"')[0]) for part in svg.split("<rect")[3:]]

    assert pytest.approx(4, rel=0.02) == widths[2] / widths[0]
    assert all(f">{said}<" in svg for said in ("two", "four", "x", "y"))


def test_drawings_of_nothing_and_of_strange_numbers_are_drawings() -> None:
    strange = [Dot(0.0, 1e308, -1e308, 1e308), Dot(1.0, 0.0)]
    for chart in (
        LineChart("t", "a", LOG, LOG, []),
        LineChart("t", "a", LINEAR, LINEAR, [Curve("c", "sse", strange, has_marks=True)]),
        BarChart("t", "a", []),
        BarChart("t", "a", [Bar("a", "sse", [-1.0, 1e308, 1e308], "said", -1e308, 1e308)]),
        StripChart("t", "a", LINEAR, LOG, [Strip("s", "sse", strange)]),
    ):
        svg = draw(chart)
        assert svg.startswith("<svg ")
        assert "nan" not in svg
        assert "inf" not in svg
