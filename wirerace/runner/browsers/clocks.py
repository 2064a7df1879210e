"""Comparing a tab's clock with the kernel's: what each question leaves possible, all questions together."""

from wirerace.record.browsers import TabClock


class Comparison:
    """The difference of two clocks, narrowed down by questions.

    The kernel's clock is read before a question and after its answer, and the tab reads its own in between. So each
    question leaves an interval. All of them hold at once, as long as neither clock is set.
    """

    def __init__(self) -> None:
        self._low_ns: int | None = None
        self._high_ns: int | None = None
        self.resolution_ns = 0

    def asked(self, before_ns: int, tab_ms: float, after_ns: int) -> None:
        """Take the answer to one question."""
        tab_ns = to_ns_of_ms(tab_ms)
        low, high = tab_ns - after_ns, tab_ns - before_ns
        self._low_ns = low if self._low_ns is None else max(self._low_ns, low)
        self._high_ns = high if self._high_ns is None else min(self._high_ns, high)

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the largest possible difference; in any order if the clocks moved apart meanwhile."""
        low, high = self._low_ns or 0, self._high_ns or 0
        return min(low, high), max(low, high)


def clock_of(comparisons: list[Comparison]) -> TabClock:
    """Return the difference over several comparisons, between which the clocks may have moved apart."""
    low = min(comparison.bounds[0] for comparison in comparisons)
    high = max(comparison.bounds[1] for comparison in comparisons)
    resolution = max(comparison.resolution_ns for comparison in comparisons)
    return TabClock((low + high) // 2, -(-(high - low) // 2) + resolution, resolution)


def to_ns_of_ms(milliseconds: float) -> int:
    """Return milliseconds since 1970 as whole nanoseconds: a float of them is exact to 256 ns."""
    return round(milliseconds * 1_000_000)
