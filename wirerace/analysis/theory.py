"""Predictions, from the producer's record of what was really made."""

from collections.abc import Sequence

from wirerace.account import Window
from wirerace.clock import to_ns


def empty_fraction_of_polls(made_ns: Sequence[int], window: Window, interval_seconds: float) -> float:
    """Return the fraction of polls that find nothing, given when updates were made.

    `made_ns` ascends and reaches back at least one interval before the window. A poll finds nothing when nothing was
    made in the interval before it; polls of random phase fall evenly into the window, so the fraction is
    Σ max(gap − T, 0) / W over the gaps between updates, each from one interval after its beginning to its end, as far
    as that lies in the window.
    """
    interval_ns = to_ns(interval_seconds)
    gaps = zip(made_ns, [*made_ns[1:], window.to_ns], strict=True)
    empty_ns = sum(max(0, min(end, window.to_ns) - max(begin + interval_ns, window.from_ns)) for begin, end in gaps)
    return empty_ns / (window.to_ns - window.from_ns)
