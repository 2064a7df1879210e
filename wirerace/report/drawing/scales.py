"""Scales: where a value lies on an axis, and which values get a tick."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wirerace.report.charts.values import Dimension
from wirerace.report.spelling import UNITS, unit_of

MOST_DECADES = 6
"""With more, only every second or third power of ten gets a tick."""
LEAST_SHARE, LARGEST = 1e-12, 1e15
"""Of values beyond these a chart shows the bound: only an edited result has them."""


class Scale(NamedTuple):
    """A linear or logarithmic scale from `least` to `most` onto `start` to `end`, in units of the drawing."""

    least: float
    most: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return where a value lies; one beyond the scale lies at its end."""
        value = min(max(value, self.least), self.most)
        if self.is_log:
            part = math.log(value / self.least) / math.log(self.most / self.least)
        else:
            part = (value - self.least) / (self.most - self.least)
        return self.start + part * (self.end - self.start)


def scale_of(dimension: Dimension, values: Iterable[float], start: float, end: float) -> Scale:
    """Return a scale for values, with round ends. A linear one of values that are not negative begins at 0."""
    known = [min(max(value, -LARGEST), LARGEST) for value in values if math.isfinite(value)]
    if dimension.names:
        return Scale(-0.4, len(dimension.names) - 0.6, start, end)
    if dimension.is_log:
        positive = [value for value in known if value > LEAST_SHARE] or [1.0]
        return Scale(*_round_log(min(positive), max(positive)), start, end, is_log=True)
    least, most = min([0.0, *known]), max([0.0, *known])
    if most - least < LEAST_SHARE:
        most = least + 1
    step = _step(most - least)
    return Scale(step * math.floor(least / step), step * math.ceil(most / step - 1e-9), start, end)


def ticks_of(scale: Scale, dimension: Dimension, most: int = 6) -> list[tuple[float, str]]:
    """Return the values of ticks, each with its text."""
    if dimension.names:
        return [(float(number), name) for number, name in enumerate(dimension.names)]
    values = list(dimension.at) or (_log_ticks(scale, most) if scale.is_log else _linear_ticks(scale, most))
    largest = None if scale.is_log else max(map(abs, values))
    return [(value, spell_tick(value, dimension.unit, largest)) for value in values]


def spell_tick(value: float, unit: str, largest: float | None = None) -> str:
    """Return a tick's text, in the unit of the largest tick if that is given."""
    name, size = unit_of(largest or value, unit) if unit in UNITS else ("", 1.0)
    number = value / size
    spelled = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
    return f"{spelled} {name}".rstrip() if value else "0"


def _round_log(least: float, most: float) -> tuple[float, float]:
    """Return ends at 1, 2 or 5 of a decade, at least half a decade apart."""
    low, high = _rounded(least, down=True), _rounded(most, down=False)
    while high / low < 3:
        low, high = _rounded(low * 0.99, down=True), _rounded(high * 1.01, down=False)
    return low, high


def _rounded(value: float, *, down: bool) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    if down:
        return max(step * decade for step in (1, 2, 5) if step * decade <= value * (1 + 1e-9) or step == 1)
    return min(step * decade for step in (1, 2, 5, 10) if step * decade >= value * (1 - 1e-9) or step == 10)


def _log_ticks(scale: Scale, most: int) -> list[float]:
    first, last = math.floor(math.log10(scale.least)), math.ceil(math.log10(scale.most))
    every = max(1, math.ceil((last - first) / min(most, MOST_DECADES)))
    fine, coarse = (
        [step * 10.0**power for power in range(first, last + 1, every) for step in steps] for steps in ((1, 2, 5), (1,))
    )
    inside = [value for value in fine if scale.least * 0.999 <= value <= scale.most * 1.001]
    return inside if len(inside) <= most else [value for value in inside if value in coarse]


def _linear_ticks(scale: Scale, most: int) -> list[float]:
    step = _step(scale.most - scale.least, most)
    first = math.ceil(scale.least / step - 1e-9)
    count = math.floor((scale.most - first * step) / step + 1e-9)
    return [round((first + number) * step, 12) for number in range(count + 1)]


def _step(span: float, most: int = 5) -> float:
    """Return a round step, 1, 2 or 5 times a power of ten, of which a span has few."""
    rough = span / most
    decade = 10.0 ** math.floor(math.log10(rough))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= rough * (1 - 1e-9))


def spread_out(wanted: Sequence[float], gap: float, least: float, most: float) -> list[float]:
    """Return positions near the wanted ones, in the same order, that are a gap apart if there is space for that."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gap = min(gap, (most - least) / max(1, len(wanted) - 1))
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + gap if placed else least))
    bound = most
    for number in reversed(range(len(placed))):
        placed[number] = min(placed[number], bound)
        bound = placed[number] - gap
    found = [0.0] * len(wanted)
    for number, index in enumerate(order):
        found[index] = placed[number]
    return found
