"""Where labels go: beside what they name, and on top of nothing else."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from wirerace.report.drawing.frame import TEXT_HEIGHT, Plot
from wirerace.report.drawing.svg import width_of

STEP = 6.0
MOST_STEPS = 40
OFFSETS = (
    (8, 4, "start"),
    (-8, 4, "end"),
    (0, -9, "middle"),
    (0, 18, "middle"),
    (8, -8, "start"),
    (8, 16, "start"),
    (-8, -8, "end"),
    (-8, 16, "end"),
    (0, -23, "middle"),
    (0, 32, "middle"),
    (14, -22, "start"),
    (14, 30, "start"),
)
"""Where a text may be beside a point, the best place first."""


class Box(NamedTuple):
    """A rectangle that something takes up."""

    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: "Box") -> bool:
        """Return whether both share any space."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Place(NamedTuple):
    """The place of a text: its anchor, and where on it the text is anchored."""

    x: float
    y: float
    at: str


class Places:
    """The labels of one chart, put one after the other."""

    def __init__(self, plot: Plot, lines: Sequence[Sequence[tuple[float, float]]] = ()) -> None:
        self._plot = plot
        points = [point for line in lines for point in _along(line)]
        self._lines = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]
        self._labels: list[Box] = []

    def beside(self, x: float, y: float, said: str) -> Place | None:
        """Return a free place for a text beside a point, None if there is none."""
        return self._near(x, y, said, [*self._lines, *self._labels])

    def across(self, x: float, y: float, said: str) -> Place:
        """Return a place for a text that has to be somewhere: on a line, or further away, but on no other text."""
        for step in range(MOST_STEPS):
            for down in (step, -step):
                if (place := self._near(x, y + down * TEXT_HEIGHT, said, self._labels)) is not None:
                    return place
        return Place(x, y, "middle")

    def _near(self, x: float, y: float, said: str, taken: Sequence[Box]) -> Place | None:
        width = width_of(said)
        for dx, dy, at in OFFSETS:
            left = x + dx - (width if at == "end" else width / 2 if at == "middle" else 0)
            box = Box(left, y + dy - TEXT_HEIGHT + 2, left + width, y + dy + 3)
            if self._has(box) and not any(box.touches(other) for other in taken):
                self._labels.append(box)
                return Place(x + dx, y + dy, at)
        return None

    def _has(self, box: Box) -> bool:
        """Return whether a box lies in the plot."""
        plot = self._plot
        return box.left >= plot.left and box.right <= plot.right and box.top >= plot.top and box.bottom <= plot.bottom


def _along(line: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield points along a line, near enough to each other that no text fits between them."""
    yield from line
    for (x, y), (to_x, to_y) in pairwise(line):
        steps = math.ceil(math.hypot(to_x - x, to_y - y) / STEP)
        yield from ((x + (to_x - x) * step / steps, y + (to_y - y) * step / steps) for step in range(1, steps))
