import pytest
from prometheus_client import CollectorRegistry, generate_latest

from wirerace.observe.metrics import LAG_BUCKETS, ServiceMetrics, samples

COUNTERS = (
    "updates",
    "deliveries",
    "payload_bytes",
    "received_bytes",
    "sent_bytes",
    "slow_readers",
    "feed_connects",
    "upkeep_cpu_seconds",
)
GAUGES = ("clients", "waiting_bytes", "held_requests", "feed_live")
HISTOGRAMS = ("feed_lag_seconds", "event_loop_lag_seconds")


def scraped(registry: CollectorRegistry) -> dict[str, float]:
    return samples(generate_latest(registry).decode())


@pytest.mark.parametrize(
    "series",
    [
        *(f"wirerace_{name}_total" for name in COUNTERS),
        *(f"wirerace_{name}" for name in GAUGES),
        *(f"wirerace_{name}_count" for name in HISTOGRAMS),
        *(f'wirerace_{name}_bucket{{le="{bucket}"}}' for name in HISTOGRAMS for bucket in (*LAG_BUCKETS, "+Inf")),
        *(f'wirerace_responses_total{{outcome="{outcome}"}}' for outcome in ("data", "empty", "error")),
    ],
)
def test_every_series_exists_at_zero_from_the_start(series: str) -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry)

    assert 0 == scraped(registry)[series]


@pytest.mark.parametrize("name", COUNTERS)
def test_counter_renders_what_was_counted(name: str) -> None:
    registry = CollectorRegistry()
    setattr(ServiceMetrics(registry), name, 2**40 + 1)

    assert 2**40 + 1 == scraped(registry)[f"wirerace_{name}_total"]


@pytest.mark.parametrize("name", GAUGES)
def test_gauge_renders_what_is(name: str) -> None:
    registry = CollectorRegistry()
    setattr(ServiceMetrics(registry), name, 3)

    assert 3 == scraped(registry)[f"wirerace_{name}"]


def test_responses_are_counted_by_outcome() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry).responses["empty"] += 2
    found = scraped(registry)

    assert [0, 2, 0] == [found[f'wirerace_responses_total{{outcome="{name}"}}'] for name in ("data", "empty", "error")]


def test_lag_falls_into_its_bucket() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry).feed_lag.observe(0.0003)
    found = scraped(registry)

    assert [0, 1] == [found[f'wirerace_feed_lag_seconds_bucket{{le="{bound}"}}'] for bound in (0.00025, 0.0005)]


def test_cpu_time_is_exported() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry)

    assert scraped(registry)["wirerace_cpu_seconds_total"] > 0


def test_every_family_has_the_prefix_and_a_help_text() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry)

    assert all(family.name.startswith("wirerace_") and family.documentation for family in registry.collect())


def test_two_services_of_one_process_count_apart() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    ServiceMetrics(first).updates = 5
    ServiceMetrics(second)

    assert [5, 0] == [scraped(registry)["wirerace_updates_total"] for registry in (first, second)]


def test_samples_are_read_with_their_labels_and_without_comments() -> None:
    text = '# HELP a About a.\n# TYPE a counter\na_total 3.0\n\nb{c="d e",le="+Inf"} 1.5e+09\n'

    assert {"a_total": 3.0, 'b{c="d e",le="+Inf"}': 1.5e9} == samples(text)
