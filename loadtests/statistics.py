"""Locust's statistics: requests and deliveries reach them in batches, to a thousandth of a millisecond.

An event for each delivery would cost more than the delivery.
"""

import itertools
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable

import gevent
from locust.stats import RequestStats, StatsEntry

from loadtests.fractions import counted
from wirerace.clock import to_ns
from wirerace.observe.metrics import LATENCY_BUCKETS

FLUSH_SECONDS = 1.0
MOST_SECONDS = 60
"""Locust keeps a count of every second for good, and reads those of the last twelve seconds."""
MOST_REASONS = 20
"""The limit of different failures in one row: Locust keeps each text for good, and a server may send any text."""
BOUNDS_NS = [to_ns(bound) for bound in LATENCY_BUCKETS]


class ResponseTimes:
    """The times of one row, in nanoseconds, and the bytes of all since the last batch; a histogram of all batches.

    `buckets` counts times up to each bound of LATENCY_BUCKETS, and `sum_ns` is their sum. A negative time, which a set
    clock causes, is counted in `early` and adds nothing to the sum.
    """

    __slots__ = ("buckets", "early", "size_bytes", "sum_ns", "took_ns")

    def __init__(self) -> None:
        self.took_ns: list[int] = []
        self.size_bytes = 0
        self.buckets = [0] * len(BOUNDS_NS)
        self.sum_ns = 0
        self.early = 0

    def note(self, took_ns: int, size_bytes: int) -> None:
        """Note one request or delivery."""
        self.took_ns.append(took_ns)
        self.size_bytes += size_bytes

    def clear(self) -> None:
        """Add the batch to the histogram and begin the next one."""
        self.took_ns.sort()
        for index, bound_ns in enumerate(BOUNDS_NS):
            self.buckets[index] += bisect_right(self.took_ns, bound_ns)
        early = bisect_left(self.took_ns, 0)
        self.early += early
        self.sum_ns += sum(self.took_ns[early:] if early else self.took_ns)
        self.took_ns.clear()
        self.size_bytes = 0


class Statistics:
    """Notes what one load process does and hands it over once a second."""

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats
        self._times: dict[tuple[str, str], ResponseTimes] = {}
        self._notes: dict[tuple[str, str], Callable[[int, int], None]] = {}
        self._reasons: dict[tuple[str, str], set[str]] = {}
        self._flusher = gevent.spawn(self._flush_forever)

    def times_of(self, method: str, name: str) -> ResponseTimes:
        """Return where requests or deliveries of one name are noted."""
        times = self._times.get((name, method))
        if times is None:
            times = self._times[name, method] = ResponseTimes()
        return times

    def note_of(self, method: str, name: str) -> Callable[[int, int], None]:
        """Return what notes requests or deliveries of one name: the same object for all clients."""
        note = self._notes.get((name, method))
        if note is None:
            note = self._notes[name, method] = self.times_of(method, name).note
        return note

    def fail(self, method: str, name: str, what: str, took_ns: int | None = None) -> None:
        """Note one failure. With `took_ns` it is a failed request, and counts as a request, too."""
        if took_ns is not None:
            self.times_of(method, name).note(took_ns, 0)
        reasons = self._reasons.setdefault((name, method), set())
        if len(reasons) < MOST_REASONS:
            reasons.add(what)
        self._stats.log_error(method, name, what if what in reasons else "other failures")

    def stop(self) -> None:
        """Hand over the rest: the test is over."""
        self._flusher.kill()
        self.flush()

    def flush(self) -> None:
        """Hand over what was noted."""
        now = time.time()
        for key, times in self._times.items():
            if not times.took_ns:
                continue
            times.took_ns.sort()
            took_ns = times.took_ns
            batch = StatsEntry(self._stats, *key)
            batch.last_request_timestamp = now
            batch.num_requests = len(took_ns)
            batch.total_response_time = sum(took_ns) / 1e6  # type: ignore[assignment]  # Locust's type is int, and it adds floats
            batch.min_response_time = took_ns[0] / 1e6  # type: ignore[assignment]
            batch.max_response_time = took_ns[-1] / 1e6  # type: ignore[assignment]
            batch.total_content_length = times.size_bytes
            batch.num_reqs_per_sec[int(now)] = len(took_ns)
            batch.response_times.update(counted(took_ns))  # type: ignore[arg-type]
            times.clear()
            self._stats.entries[key].extend(batch)
            self._stats.total.extend(batch)
        forget_old_seconds(self._stats)

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_SECONDS)
            self.flush()


def forget_old_seconds(stats: RequestStats) -> None:
    """Drop the counts of seconds that nobody reads any more: otherwise each second of a run takes memory for good."""
    for entry in (stats.total, *stats.entries.values()):
        for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in list(itertools.islice(counts, max(0, len(counts) - MOST_SECONDS))):  # the oldest are first
                del counts[second]


def keep_no_history(stats: RequestStats) -> None:
    """Let Locust keep no history of the whole test, and no copies of its times: only its page and its report read them.

    Every five seconds it adds percentiles to the history. Each second it copies every row's times, for twenty seconds.
    """
    stats.use_response_times_cache = stats.total.use_response_times_cache = False
    stats.total.response_times_cache = None
