"""Locust's tables, percentiles and CSV files keep fractions of a millisecond, which Locust cuts off in places."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from locust import stats as locust_stats
from locust.stats import StatsCSV, StatsEntry


def keep_fractions() -> None:
    """Make Locust keep fractions of a millisecond."""
    locust_stats.bucket_response_time = rounded_ms  # type: ignore[assignment]  # Locust's type is int
    # The least and the most in the page's tables.
    locust_stats.proper_round = _rounded  # type: ignore[attr-defined]
    StatsCSV._percentile_fields = percentile_fields  # type: ignore[method-assign]  # noqa: SLF001
    StatsEntry.to_string = console_row  # type: ignore[method-assign]
    StatsEntry.percentile = console_percentiles  # type: ignore[method-assign]


def rounded_ms(time_ms: float) -> float:
    """Return a time with about three significant digits, so that at most some 4,000 values go from worker to master."""
    if abs(time_ms) < 1:
        return round(time_ms, 3)
    if abs(time_ms) < 10:
        return round(time_ms, 2)
    if abs(time_ms) < 100:
        return round(time_ms, 1)
    if abs(time_ms) < 1000:
        return round(time_ms)
    return round(time_ms, -1 if abs(time_ms) < 10_000 else -2)


_UNITS = ((1, 3), (10, 2), (100, 1), (1000, 0), (10_000, -1), (1_000_000_000, -2))
"""Up to which time, in milliseconds, how many digits after the point are kept."""


def counted(times_ns: Sequence[int]) -> Counter[float]:
    """Return how often each rounded time in milliseconds occurs among ascending times in nanoseconds.

    It rounds as `rounded_ms` does, but all times of one unit together, as whole numbers: a tenth of the work. A time
    in the middle between two rounded ones is rounded up.
    """
    found: Counter[float] = Counter()
    done = bisect_left(times_ns, 0)
    for time_ns in times_ns[:done]:  # a set clock makes them
        found[rounded_ms(time_ns / 1e6)] += 1
    for below_ms, digits in _UNITS:
        end = bisect_left(times_ns, below_ms * 1_000_000, done)
        unit_ns = 10 ** (6 - digits)
        half_ns = unit_ns // 2
        for units, number in Counter([(time_ns + half_ns) // unit_ns for time_ns in times_ns[done:end]]).items():
            found[units / 10**digits if digits > 0 else units * 10**-digits] += number
        done = end
        if done == len(times_ns):
            break
    return found


def _rounded(val: float, digits: int = 3) -> float:
    return round(val, digits)


def spelled_ms(time_ms: float | None) -> str:
    """Return a time for a column of seven characters."""
    return f"{rounded_ms(time_ms or 0):.7g}"


def percentile_fields(self: StatsCSV, stats_entry: StatsEntry, use_current: bool = False) -> list[Any]:
    """Return the percentiles in a row of a CSV file."""
    if not stats_entry.num_requests:
        return self.percentiles_na
    is_current = use_current and stats_entry.use_response_times_cache
    percentile: Callable[[float], float | None] = (
        stats_entry.get_current_response_time_percentile if is_current else stats_entry.get_response_time_percentile
    )
    return [percentile(part) or 0 for part in self.percentiles_to_report]


def console_row(self: StatsEntry, current: bool = True) -> str:
    """Return a row of the table in the console, in Locust's own columns."""
    rates = (self.current_rps, self.current_fail_per_sec) if current else (self.total_rps, self.total_fail_per_sec)
    times = (self.avg_response_time, self.min_response_time, self.max_response_time, self.median_response_time)
    name_width = locust_stats.STATS_NAME_WIDTH - locust_stats.STATS_TYPE_WIDTH + 4
    fails = f"{self.num_failures}({100 * self.fail_ratio:.2f}%)"
    average, least, most, median = map(spelled_ms, times)
    return (
        f"{(self.method or '') + ' ' if self.method else '':{locust_stats.STATS_TYPE_WIDTH}} {self.name:{name_width}} "
        f"{self.num_requests:7} {fails:>12} |{average:>7} {least:>7} {most:>7}{median:>7} | "
        f"{rates[0] or 0:7.2f} {rates[1] or 0:11.2f}"
    )


def console_percentiles(self: StatsEntry) -> str:
    """Return a row of percentiles in the console, under Locust's own headings."""
    if not self.num_requests:
        raise ValueError("no request, no percentile")
    found = [spelled_ms(self.get_response_time_percentile(part)) for part in locust_stats.PERCENTILES_TO_REPORT]
    first, *rest = found
    types, names = locust_stats.STATS_TYPE_WIDTH, locust_stats.STATS_NAME_WIDTH
    columns = " ".join(f"{one:>6}" for one in [*rest, str(self.num_requests)])
    return f"{self.method or '':{types}} {self.name:{names}} {first:>8} {columns}"
