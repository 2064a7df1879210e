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
MOST_PENDING = 1000
DAMAGED = (HdrCookieException, HdrLengthException, IndexError, RuntimeError, ValueError, struct.error, zlib.error)
"""What hdrh raises for text that is no histogram."""


class Latencies:
    """An HdrHistogram of nanoseconds, with the exact sum and extremes beside it.

    Values outside 0 … 1 h are recorded at the bound that they exceed. `min_ns` and `max_ns` stay exact and show them.
    Values are added to the histogram many at a time: one by one takes three times as long.
    """

    __slots__ = ("_count", "_histogram", "_max_ns", "_min_ns", "_pending", "_sum_ns")

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, HIGHEST_NS, SIGNIFICANT_DIGITS)
        self._pending: list[int] = []
        self._count = 0
        self._sum_ns = 0
        self._min_ns: int | None = None
        self._max_ns: int | None = None

    def record(self, latency_ns: int) -> None:
        """Count one latency."""
        self._pending.append(latency_ns)
        if len(self._pending) >= MOST_PENDING:
            self._settle()

    @property
    def count(self) -> int:
        """The number of values."""
        return self._count + len(self._pending)

    @property
    def sum_ns(self) -> int:
        """Their exact sum."""
        self._settle()
        return self._sum_ns

    @property
    def min_ns(self) -> int | None:
        """The exact least of them, None when nothing was recorded."""
        self._settle()
        return self._min_ns

    @property
    def max_ns(self) -> int | None:
        """The exact most of them, None when nothing was recorded."""
        self._settle()
        return self._max_ns

    def _settle(self) -> None:
        """Add what is pending."""
        if not self._pending:
            return
        values, self._pending = self._pending, []
        least, most = min(values), max(values)
        self._add(len(values), sum(values), least, most)
        if least < 0 or most > HIGHEST_NS:
            values = [min(max(value, 0), HIGHEST_NS) for value in values]
            least, most = min(values), max(values)
        of_library = self._histogram
        counts, mask, half_bits = (
            of_library.counts,
            of_library.sub_bucket_mask,
            of_library.sub_bucket_half_count_magnitude,
        )
        # As the library computes the place of a value: its leading bits, after the number of bits that are cut off.
        for value in values:
            cut = (value | mask).bit_length() - half_bits - 1
            counts[(cut << half_bits) + (value >> cut)] += 1
        of_library.total_count += len(values)
        of_library.min_value = min(of_library.min_value, least)
        of_library.max_value = max(of_library.max_value, most)

    def _add(self, count: int, sum_ns: int, min_ns: int | None, max_ns: int | None) -> None:
        self._count += count
        self._sum_ns += sum_ns
        self._min_ns = min((value for value in (self._min_ns, min_ns) if value is not None), default=None)
        self._max_ns = max((value for value in (self._max_ns, max_ns) if value is not None), default=None)

    def mean_ns(self) -> float | None:
        """Return the exact mean, or None when nothing was recorded."""
        return self.sum_ns / self.count if self.count else None

    def square_mean_ns2(self) -> float | None:
        """Return the mean of the squares, to 3 digits; None when nothing was recorded."""
        if not self.count:
            return None
        self._settle()
        buckets = self._histogram.get_recorded_iterator()
        return (
            float(sum(item.count_added_in_this_iter_step * item.value_iterated_to**2 for item in buckets)) / self.count
        )

    def percentile_ns(self, percent: float) -> int | None:
        """Return the latency that `percent` of all do not exceed, to 3 digits; None when nothing was recorded."""
        self._settle()
        return int(self._histogram.get_value_at_percentile(percent)) if self.count else None

    def cumulative_ns(self) -> list[tuple[int, int]]:
        """Return each value that was recorded, to 3 digits, with the number of values that do not exceed it."""
        self._settle()
        buckets = self._histogram.get_recorded_iterator() if self.count else ()
        return [(int(item.value_iterated_to), int(item.total_count_to_this_value)) for item in buckets]

    def to_record(self) -> "LatenciesRecord":
        """Return a value that can be sent and stored."""
        self._settle()
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
        total._add(record.recorded, record.sum_ns, record.min_ns, record.max_ns)  # noqa: SLF001
    return total
