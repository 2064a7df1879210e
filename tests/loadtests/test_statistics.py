"""What reaches Locust's statistics, and with which precision."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust import stats as locust_stats
from locust.env import Environment
from locust.stats import RequestStats, StatsCSV, StatsEntry

from loadtests.fractions import counted, keep_fractions, rounded_ms
from loadtests.statistics import MOST_SECONDS, Statistics, keep_no_history

PATCHED = (
    (locust_stats, "bucket_response_time"),
    (locust_stats, "proper_round"),
    (StatsCSV, "_percentile_fields"),
    (StatsEntry, "to_string"),
    (StatsEntry, "percentile"),
)


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> RequestStats:
    for owner, name in PATCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    keep_fractions()
    return RequestStats()


@pytest.fixture
def statistics(stats: RequestStats) -> Iterator[Statistics]:
    statistics = Statistics(stats)
    yield statistics
    statistics.stop()


@pytest.mark.parametrize(
    ("time_ms", "rounded"),
    [(0.0371, 0.037), (0.4, 0.4), (3.456, 3.46), (34.56, 34.6), (345.6, 346), (3456.7, 3460), (34567.8, 34600)],
)
def test_times_keep_about_three_digits(time_ms: float, rounded: float) -> None:
    assert rounded == rounded_ms(time_ms)


@pytest.mark.long
@given(
    st.lists(
        st.one_of(
            st.integers(-(10**7), 10**7), st.integers(0, 10**12), st.integers(0, 10**5).map(lambda ms: ms * 10**6)
        )
    )
)
def test_times_are_counted_as_they_are_rounded_one_by_one(times_ns: list[int]) -> None:
    """A time in the middle between two rounded ones may be rounded up or down."""
    clear = sorted(
        time_ns for time_ns in times_ns if rounded_ms((time_ns - 1) / 1e6) == rounded_ms((time_ns + 1) / 1e6)
    )
    assert Counter(rounded_ms(time_ns / 1e6) for time_ns in clear) == counted(clear)


def test_fractions_of_a_millisecond_reach_the_tables(stats: RequestStats, statistics: Statistics) -> None:
    for took_ns in (212_345, 371_000, 371_000, 5_000_000):
        statistics.times_of("UPDATE", "/ws").note(took_ns, 100)
    statistics.flush()
    row = stats.entries["/ws", "UPDATE"].to_dict()

    assert (4, 0.371, 0.212, 5.0) == (
        row["num_requests"],
        row["median_response_time"],
        row["min_response_time"],
        row["max_response_time"],
    )
    assert 5.0 == row["response_time_percentile_0.99"]
    assert pytest.approx((0.212345 + 2 * 0.371 + 5) / 4) == row["avg_response_time"]
    assert (4, 100) == (stats.total.num_requests, stats.total.avg_content_length)


def test_failed_request_is_a_request_and_says_what_failed(stats: RequestStats, statistics: Statistics) -> None:
    for _ in range(2):
        statistics.fail("GET", "/poll", "127.0.0.1:1: Connection refused", 3_000_000)
    statistics.flush()

    entry = stats.entries["/poll", "GET"]
    assert (2, 2, 1.0) == (entry.num_requests, entry.num_failures, entry.fail_ratio)
    (error,) = stats.errors.values()
    assert ("GET", "/poll", "127.0.0.1:1: Connection refused", 2) == (
        error.method,
        error.name,
        error.error,
        error.occurrences,
    )


def test_broken_connection_is_a_failure_and_no_request(stats: RequestStats, statistics: Statistics) -> None:
    statistics.fail("UPDATE", "/ws", "the server closed with 1001: going away")
    statistics.flush()

    assert (0, 1) == (stats.entries["/ws", "UPDATE"].num_requests, stats.entries["/ws", "UPDATE"].num_failures)


def test_nothing_is_handed_over_twice(stats: RequestStats, statistics: Statistics) -> None:
    statistics.times_of("GET", "/poll").note(1_000_000, 7)
    statistics.flush()
    statistics.flush()

    assert 1 == stats.entries["/poll", "GET"].num_requests


def noted(stats: RequestStats, *times_ns: int) -> None:
    statistics = Statistics(stats)
    for took_ns in times_ns:
        statistics.times_of("UPDATE", "/ws").note(took_ns, 100)
    statistics.fail("GET", "/poll", "500", 7_000_000)
    statistics.stop()


def test_csv_file_keeps_fractions_in_every_column_of_times(stats: RequestStats) -> None:
    noted(stats, 212_345, 371_000, 371_000, 5_250_000)
    environment = Environment()
    environment.stats = stats
    written = io.StringIO()
    StatsCSV(environment, [0.5, 0.75, 0.99, 1.0]).requests_csv(csv.writer(written))
    rows = {row["Name"]: row for row in csv.DictReader(io.StringIO(written.getvalue()))}

    assert ["0.371", "5.25", "5.25", "5.25"] == [rows["/ws"][name] for name in ("50%", "75%", "99%", "100%")]
    assert ["0.371", "0.212345", "5.25"] == [rows["/ws"][f"{name} Response Time"] for name in ("Median", "Min", "Max")]
    assert pytest.approx((0.212345 + 2 * 0.371 + 5.25) / 4) == float(rows["/ws"]["Average Response Time"])


def test_history_in_a_csv_file_keeps_fractions_of_the_last_seconds(stats: RequestStats) -> None:
    environment = Environment()
    entry = StatsEntry(stats, "/ws", "UPDATE", use_response_times_cache=True)
    entry.num_requests, entry.response_times = 2, {0.371: 2}  # type: ignore[dict-item]  # Locust says int
    fields = StatsCSV(environment, [0.5])._percentile_fields

    assert ([0.371], [0]) == (fields(entry), fields(entry, use_current=True)), "nothing is cached yet"
    assert ["N/A"] == fields(StatsEntry(stats, "/x", "GET"))


def test_console_keeps_fractions(stats: RequestStats) -> None:
    noted(stats, 212_345, 371_000, 371_000, 5_250_000)
    row = next(line for line in locust_stats.get_stats_summary(stats, current=False) if "/ws" in line)
    percentiles = next(line for line in locust_stats.get_percentile_stats_summary(stats) if "/ws" in line)

    assert ["1.55", "0.212", "5.25", "0.371"] == row.split("|")[1].split()
    assert ["0.371", "5.25", "4"] == [percentiles.split()[index] for index in (2, -2, -1)]


def test_rows_of_whole_milliseconds_are_locusts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same columns, the same widths: headings and separators are Locust's."""

    def printed(stats: RequestStats) -> list[str]:
        noted(stats, 2_000_000, 40_000_000, 63_000_000)  # their means are whole, too
        rows = [line.rpartition("|")[0] for line in locust_stats.get_stats_summary(stats, current=False)]
        return [*rows, *locust_stats.get_percentile_stats_summary(stats)]

    locusts = printed(RequestStats())
    for owner, name in PATCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    keep_fractions()
    assert locusts == printed(RequestStats())


def test_counts_of_seconds_are_kept_as_long_as_locust_reads_them(
    statistics: Statistics, stats: RequestStats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour takes no more memory than a minute, and the current rate is what it was."""
    for second in range(1, 3 * MOST_SECONDS):
        monkeypatch.setattr("loadtests.statistics.time.time", lambda now=second: 1_790_000_000.0 + now)
        statistics.times_of("UPDATE", "/ws").note(1_000_000, 100)
        statistics.times_of("UPDATE", "/ws").note(2_000_000, 100)
        statistics.flush()

    rows = (stats.total, stats.entries["/ws", "UPDATE"])
    assert [MOST_SECONDS, MOST_SECONDS] == [len(row.num_reqs_per_sec) for row in rows]
    assert [2.0, 2.0] == [row.current_rps for row in rows]
    assert 2 * (3 * MOST_SECONDS - 1) == stats.total.num_requests


def test_load_of_an_experiment_keeps_no_history(stats: RequestStats) -> None:
    """Nobody reads it: it would grow, and cost copies of all times each second."""
    keep_no_history(stats)
    noted(stats, 1_000_000)
    runner: Any = type("AnyRunner", (), {"stats": stats, "state": "running", "user_count": 1})
    locust_stats.stats_history(runner)  # it ends at once

    assert [] == stats.history
    assert all(row.response_times_cache is None for row in (stats.total, *stats.entries.values()))
