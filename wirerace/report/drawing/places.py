"""Where labels go: beside what they name, and on top of nothing else."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from wirerace.report.drawing.frame import TEXT_HEIGHT, Plot
from wirerace.report.drawing.svg import width_of

STEP = 6.0


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
        self._taken = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]

    def beside(self, x: float, y: float, said: str) -> Place | None:
        """Return a free place for a text beside a point, None if there is none."""
        width = width_of(said)
        for dx, dy, at in (
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
        ):
            left = x + dx - (width if at == "end" else width / 2 if at == "middle" else 0)
            box = Box(left, y + dy - TEXT_HEIGHT + 2, left + width, y + dy + 3)
            if self._is_free(box):
                self._taken.append(box)
                return Place(x + dx, y + dy, at)
        return None

    def _is_free(self, box: Box) -> bool:
        plot = self._plot
        is_inside = (
            box.left >= plot.left and box.right <= plot.right and box.top >= plot.top and box.bottom <= plot.bottom
        )
        return is_inside and not any(box.touches(other) for other in self._taken)


def _along(line: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield points along a line, near enough to each other that no text fits between them."""
    yield from line
    for (x, y), (to_x, to_y) in pairwise(line):
        steps = math.ceil(math.hypot(to_x - x, to_y - y) / STEP)
        yield from ((x + (to_x - x) * step / steps, y + (to_y - y) * step / steps) for step in range(1, steps))
