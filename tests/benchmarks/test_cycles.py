"""The verdict of the cycles: what the last cycle leaves behind, compared with the first."""

import pytest

from benchmarks.cycles import MB, Cycles


@pytest.mark.parametrize(
    ("after", "verdict"),
    [([50, 50, 52], "+4.0%  returns"), ([50, 60, 49], "-2.0%  returns"), ([50, 51, 53], "+6.0%  GROWS")],
)
def test_memory_returns_if_the_last_cycle_leaves_no_more_than_the_first(after: list[int], verdict: str) -> None:
    """What the first one leaves is no growth: the allocator keeps it for the next clients."""
    line = Cycles("sse, load", 40 * MB, 90 * MB, [size * MB for size in after]).line

    assert line.endswith(verdict)
    assert "before   40.0  peak   90.0" in line
