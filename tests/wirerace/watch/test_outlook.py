"""What the page shows as theory is what the theory of `wirerace run` says."""

from typing import cast

import pytest
from msgspec.structs import replace

from wirerace.errors import BadInput
from wirerace.experiment.paths import NetworkPath
from wirerace.theory.closed_forms import Poisson
from wirerace.transports import TRANSPORTS
from wirerace.watch.contest import Lane
from wirerace.watch.outlook import Client, Outlook, client_of, options_of, outlook
from wirerace.watch.vitals import Watchable
from wirerace.workload.schedule import Source

FEED_SECONDS, ROUND_TRIP_SECONDS = 0.001, 0.004
NONE = cast("Watchable", None)
SOURCE = Source(rate_per_second=5.0, arrivals="poisson")
NEAR, FAR = NetworkPath(), NetworkPath(0.1)


def lane_of(name: str) -> Lane:
    transport = TRANSPORTS[name]
    return Lane(transport, transport.options(), "", NONE)


def expected(name: str, path: NetworkPath = NEAR, source: Source = SOURCE, **options: str) -> Outlook:
    return outlook(lane_of(name), source, path, FEED_SECONDS, Client(ROUND_TRIP_SECONDS, {name: options}))


def test_poll_is_half_an_interval_late_and_what_its_path_takes() -> None:
    found = expected("polling", interval_seconds="2")

    assert pytest.approx(1 + FEED_SECONDS + ROUND_TRIP_SECONDS / 2) == found.latency_seconds
    assert pytest.approx(Poisson(5).empty_fraction(2)) == found.empty_fraction


def test_updates_of_a_narrow_path_take_their_time_to_leave() -> None:
    """200 bytes at 16 kbit/s take 0.1 s, and half of that in the queue where five a second come at random."""
    narrow = NetworkPath(jitter_seconds=0.2, bandwidth_bits_per_second=16_000)
    asked, pushed = expected("polling", narrow), expected("sse", narrow)

    assert asked.latency_seconds is not None
    assert pytest.approx(0.5 + FEED_SECONDS + ROUND_TRIP_SECONDS / 2 + 0.1 + 0.1) == asked.latency_seconds
    assert pytest.approx(FEED_SECONDS + ROUND_TRIP_SECONDS / 2 + 0.1 + 0.1 + 0.05) == pushed.latency_seconds


@pytest.mark.parametrize("name", [name for name, transport in TRANSPORTS.items() if not transport.asks])
def test_push_takes_its_path_and_a_delay_once(name: str) -> None:
    latencies = [expected(name, path).latency_seconds for path in (NEAR, FAR)]

    assert pytest.approx([FEED_SECONDS + ROUND_TRIP_SECONDS / 2 + delay for delay in (0, 0.1)]) == latencies


def test_long_poll_waits_for_clients_that_are_a_round_trip_away() -> None:
    gap = ROUND_TRIP_SECONDS + 0.2
    polls = Poisson(5).long_polled((gap,), 25.0, 0.0)
    found = expected("longpolling", FAR, hold_seconds="25")

    assert polls is not None
    assert polls.wait_seconds is not None
    assert pytest.approx(FEED_SECONDS + gap / 2 + polls.wait_seconds) == found.latency_seconds


@pytest.mark.parametrize("name", ["polling", "longpolling"])
def test_theory_is_that_of_clients_that_want_all_updates_as_those_of_the_page_do(name: str) -> None:
    lane = lane_of(name)
    lane = lane._replace(options=replace(lane.options, deliver="latest"))
    client = Client(ROUND_TRIP_SECONDS, {})

    assert expected(name) == outlook(lane, SOURCE, NEAR, FEED_SECONDS, client)


@pytest.mark.parametrize("name", TRANSPORTS)
def test_bursts_have_no_closed_form(name: str) -> None:
    assert Outlook() == expected(name, source=Source(arrivals="bursty"))


@pytest.mark.parametrize("name", TRANSPORTS)
def test_nothing_is_expected_before_the_feed_is_measured(name: str) -> None:
    assert Outlook() == outlook(lane_of(name), SOURCE, NEAR, None, Client(0.0, {}))


def test_query_names_options_by_their_transport() -> None:
    client = client_of({"round_trip_seconds": "0.5", "polling.interval_seconds": "3", "sse.deliver": "latest"})

    assert Client(0.5, {"polling": {"interval_seconds": "3"}, "sse": {"deliver": "latest"}}) == client
    assert 3 == options_of(lane_of("polling"), client).period_seconds


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ({"interval": "3"}, "'interval' is neither round_trip_seconds nor an option"),
        ({"round_trip_seconds": "-1"}, "round_trip_seconds must be from 0 to 60, got -1"),
        ({"round_trip_seconds": "nan"}, "round_trip_seconds must be from 0 to 60, got nan"),
        ({"round_trip_seconds": "x"}, "round_trip_seconds must be a number"),
    ],
)
def test_query_that_means_nothing_is_refused(query: dict[str, str], line: str) -> None:
    with pytest.raises(BadInput, match=line):
        client_of(query)


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ({"interval_seconds": "0"}, "polling.interval_seconds must be a number at least 0.01"),
        ({"interval": "1"}, "polling has no key interval|polling.*interval"),
    ],
)
def test_option_that_does_not_fit_is_refused(option: dict[str, str], line: str) -> None:
    with pytest.raises(BadInput, match=line):
        options_of(lane_of("polling"), Client(0.0, {"polling": option}))
