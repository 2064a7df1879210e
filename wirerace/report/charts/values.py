"""Charts as values: what is shown, in the units of the figures. wirerace/report/drawing makes SVG of them."""

from collections.abc import Sequence
from typing import NamedTuple


class Dimension(NamedTuple):
    """An axis: its title, the unit of its values, and its scale.

    `names` are for values 0, 1, … that are no numbers. `at` has the values that get a tick; without it, round ones do.
    """

    title: str
    unit: str
    is_log: bool = False
    names: Sequence[str] = ()
    at: Sequence[float] = ()


class Dot(NamedTuple):
    """A point of a curve, with the ends of its interval or of a band if there are any."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""


class Curve(NamedTuple):
    """A line in the colour of a transport. `variety` numbers the contestants of that transport, from 0.

    `is_theory` draws it dashed and without a mark, `has_marks` draws a mark at each dot.
    """

    title: str
    transport: str
    dots: Sequence[Dot]
    variety: int = 0
    is_theory: bool = False
    has_marks: bool = False


class LineChart(NamedTuple):
    """Curves over two axes. `title` says what one sees, `about` how to read it.

    `labels_at` says where the names of curves are: beyond their `ends`, or beside them at different `heights`, or at a
    `dot`.
    """

    title: str
    about: str
    x: Dimension
    y: Dimension
    curves: Sequence[Curve]
    labels_at: str = "ends"


class Strip(NamedTuple):
    """One contestant's values over time: a line, and a band between the ends of its dots. `said` stands beside it."""

    title: str
    transport: str
    dots: Sequence[Dot]
    said: str = ""
    has_line: bool = True


class StripChart(NamedTuple):
    """Strips, one below the other, over the same axes."""

    title: str
    about: str
    x: Dimension
    y: Dimension
    strips: Sequence[Strip]


class Bar(NamedTuple):
    """A bar of one or more parts, with the ends of the interval of their sum; `said` is its value in words."""

    title: str
    transport: str
    parts: Sequence[float]
    said: str
    low: float | None = None
    high: float | None = None


class BarChart(NamedTuple):
    """Bars from 0, one below the other. `parts` names the parts of each, if there are several."""

    title: str
    about: str
    bars: Sequence[Bar]
    parts: Sequence[str] = ()


Chart = LineChart | StripChart | BarChart
