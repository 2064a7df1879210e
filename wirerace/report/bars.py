"""Bars and sparklines of block characters."""

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"


def bar(value: float | None, most: float, width: int) -> str:
    """Return a bar of a width in characters, full at `most`; a value above 0 is never without one."""
    if value is None or not value > 0 or not most > 0 or not width:
        return " " * width
    eighths = max(1, round(8 * width * min(1.0, value / most)))
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()).ljust(width)


def sparkline(values: Sequence[float], most: float, width: int) -> str:
    """Return the last values as columns, the highest at `most`."""
    if not most > 0:
        return ""
    steps = len(HEIGHTS) - 1
    return "".join(HEIGHTS[round(steps * min(1.0, max(0.0, value / most)))] for value in values[-width:])
