"""Latencies, kept with 3 significant digits from 1 µs to 1 h, and merged without loss."""

import struct
import zlib
from collections.abc import Iterable

import msgspec
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from wirerace.errors import BadInput

HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_DIGITS = 3
DAMAGED = (HdrCookieException, HdrLengthException, IndexError, RuntimeError, ValueError, struct.error, zlib.error)
"""What hdrh raises for text that is no histogram."""


class Latencies:
    """An HdrHistogram of nanoseconds, with the exact sum and extremes beside it.

    Values outside 0 … 1 h are recorded at the bound that they exceed. `min_ns` and `max_ns` stay exact and show them.
    """

    __slots__ = ("_histogram", "_record", "count", "max_ns", "min_ns", "sum_ns")

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, HIGHEST_NS, SIGNIFICANT_DIGITS)
        self._record = self._histogram.record_value
        self.count = 0
        self.sum_ns = 0
        self.min_ns: int | None = None
        self.max_ns: int | None = None

    def record(self, latency_ns: int) -> None:
        """Count one latency."""
        self.count += 1
        self.sum_ns += latency_ns
        if self.max_ns is None or latency_ns > self.max_ns:
            self.max_ns = latency_ns
        if self.min_ns is None or latency_ns < self.min_ns:
            self.min_ns = latency_ns
        self._record(min(max(latency_ns, 0), HIGHEST_NS))

    def mean_ns(self) -> float | None:
        """Return the exact mean, or None when nothing was recorded."""
        return self.sum_ns / self.count if self.count else None

    def square_mean_ns2(self) -> float | None:
        """Return the mean of the squares, to 3 digits; None when nothing was recorded."""
        if not self.count:
            return None
        buckets = self._histogram.get_recorded_iterator()
        return (
            float(sum(item.count_added_in_this_iter_step * item.value_iterated_to**2 for item in buckets)) / self.count
        )

    def percentile_ns(self, percent: float) -> int | None:
        """Return the latency that `percent` of all do not exceed, to 3 digits; None when nothing was recorded."""
        return int(self._histogram.get_value_at_percentile(percent)) if self.count else None

    def cumulative_ns(self) -> list[tuple[int, int]]:
        """Return each value that was recorded, to 3 digits, with the number of values that do not exceed it."""
        buckets = self._histogram.get_recorded_iterator() if self.count else ()
        return [(int(item.value_iterated_to), int(item.total_count_to_this_value)) for item in buckets]

    def to_record(self) -> "LatenciesRecord":
        """Return a value that can be sent and stored."""
        encoded = self._histogram.encode().decode("ascii") if self.count else ""
        return LatenciesRecord(encoded, self.count, self.sum_ns, self.min_ns, self.max_ns)


class LatenciesRecord(msgspec.Struct, frozen=True):
    """Latencies as they are sent and stored: `histogram` is HdrHistogram's V2 encoding in base64, nanoseconds."""

    histogram: str
    recorded: int
    sum_ns: int
    min_ns: int | None
    max_ns: int | None


NO_LATENCIES = LatenciesRecord("", 0, 0, None, None)


def merged(records: Iterable[LatenciesRecord]) -> Latencies:
    """Return the latencies of all records together: the same as if one histogram had recorded them all.

    Raises BadInput when a record, of a file, is no histogram.
    """
    total = Latencies()
    for record in records:
        if not record.recorded:
            continue
        try:
            total._histogram.decode_and_add(record.histogram)  # noqa: SLF001 -- an object of the same class
        except DAMAGED as error:
            raise BadInput(f"a histogram is damaged: {error}") from None
        total.count += record.recorded
        total.sum_ns += record.sum_ns
        total.min_ns = min(value for value in (total.min_ns, record.min_ns) if value is not None)
        total.max_ns = max(value for value in (total.max_ns, record.max_ns) if value is not None)
    return total
