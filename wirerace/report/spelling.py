"""How values are printed: with their unit, in a size that people read easily."""

import math
import re
from collections.abc import Callable, Sequence

from wirerace.record.result import Interval

UNKNOWN = "–"
UNIT = re.compile(r"(\d) (?=(?:%|×|[kMG]?B|[mµ]?s)(?:\W|$))")


def spell(value: float | None, unit: str) -> str:
    """Return a value with its unit, in a size that people read easily."""
    return UNKNOWN if value is None else SPELLINGS[unit](value)


def spell_interval(interval: Interval, unit: str) -> str:
    """Return a mean, and half of its interval if there is one that is not 0."""
    half = 0.0 if interval.mean is None or interval.high is None else interval.high - interval.mean
    return spell_spread(interval.mean, half, unit)


def spell_spread(value: float | None, spread: float | None, unit: str) -> str:
    """Return a value and its spread, in one unit: 501 ± 1.2 ms."""
    if value is None or not spread:
        return spell(value, unit)
    name, size = unit_of(value or spread, unit)
    spelled = _digits(value / size)
    decimals = max(0, 2 - math.floor(math.log10(abs(value / size)))) if value else 2
    rounded = f"{spread / size:.{decimals}f}"
    return f"{spelled} ± {rounded if float(rounded) else f'{spread / size:.1g}'} {name}".rstrip()


def unit_of(value: float, unit: str) -> tuple[str, float]:
    """Return the unit in which people read a value, and its size."""
    units = UNITS[unit]
    return next(((name, size) for name, size in units if abs(value) >= size), units[-1])


def tied(text: str) -> str:
    """Return a text in which no line ends between a number and its unit."""
    return UNIT.sub("\\1\N{NO-BREAK SPACE}", text)


def two_digits(value: float) -> str:
    """Return two digits of a value, without an exponent: its interval shows that the third means little."""
    if value == 0:
        return "0"
    decimals = 1 - math.floor(math.log10(abs(value)))
    spelled = f"{round(value, decimals):.{max(0, decimals)}f}"
    return spelled.rstrip("0").rstrip(".") if "." in spelled else spelled


def spell_range(values: Sequence[float], unit: str) -> str:
    """Return the range of values in one unit, two digits of each: 0.9 to 2.6 ms."""
    if unit == "microseconds":
        return spell_range([value * 1e-6 for value in values], "seconds")
    name, size = unit_of(max(values, key=abs), unit)
    ends = [two_digits(value / size) for value in (min(values), max(values))]
    return f"{' to '.join(dict.fromkeys(ends))} {name}".rstrip()


def _scaled(value: float, unit: str) -> str:
    name, size = unit_of(value, unit)
    return f"{_digits(value / size)} {name}".rstrip()


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


UNITS = {
    "seconds": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)),
    "bytes": (("MB", 1e6), ("kB", 1e3), ("B", 1.0)),
    "microseconds": (("µs", 1.0),),
    "fraction": (("%", 0.01),),
    "mbit": (("Mbit/s", 1.0),),
    "mbit_per_second": (("Mb/s", 1.0),),
    "per_second": (("/s", 1.0),),
    "ratio": (("", 1.0),),
    "count": (("", 1.0),),
}
SPELLINGS: dict[str, Callable[[float], str]] = {
    "seconds": lambda value: _scaled(value, "seconds"),
    "bytes": lambda value: _scaled(value, "bytes"),
    "microseconds": lambda value: f"{value:.1f} µs",
    "fraction": lambda value: "100 %" if value == 1 else f"{min(100 * value, 99.99):.2f} %",
    "mbit": lambda value: f"{value:.3g} Mbit/s",
    "mbit_per_second": lambda value: f"{value:.3g} Mb/s",
    "per_second": lambda value: f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s",
    "ratio": lambda value: f"{value:.3g}",
    "count": lambda value: f"{value:.0f}",
}
