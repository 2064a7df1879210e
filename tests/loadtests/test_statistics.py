"""What reaches Locust's statistics, and how finely."""

from collections.abc import Iterator

import pytest
from locust import stats as locust_stats
from locust.stats import RequestStats

from loadtests.statistics import Statistics, keep_fractions, rounded_ms


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> RequestStats:
    for name in ("bucket_response_time", "proper_round"):
        monkeypatch.setattr(locust_stats, name, getattr(locust_stats, name))
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
