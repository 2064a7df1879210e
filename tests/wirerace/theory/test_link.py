"""Theory of a link beside the link itself, in its own time: what updates wait for that are pushed over it."""

import math
from itertools import pairwise
from statistics import fmean

import pytest

from tests.wirerace.theory.simulated import poisson
from wirerace.clock import to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.account import Window
from wirerace.runner.network.answers import AnswerBuffer
from wirerace.runner.network.way import Draws, LinkWay
from wirerace.theory import sse
from wirerace.theory.carrying import carried, ordered_jitter
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson
from wirerace.theory.link import AT_ONCE, LinkModel
from wirerace.theory.mixture import Group, Mixture
from wirerace.theory.path import DeliveryPath
from wirerace.theory.recorded import Recorded
from wirerace.transports import TRANSPORTS
from wirerace.transports.sse import SseOptions

ORIGIN_NS = 1_790_000_000_000_000_000
SIZE = 250
HEAD = b"HTTP/1.1 200 OK\r\nX: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (SIZE - 6, bytes(SIZE - 6))
assert len(CHUNK) == SIZE


def over(path: NetworkPath, made: list[float], direction: int, extra: int = 0) -> list[float]:
    """Return when updates arrive that are sent over a link, by the link's own code."""
    line, buffer = LinkWay(Draws(3).of(direction)), AnswerBuffer()
    came: list[float] = []
    head = HEAD % (b"x" * extra)
    sent = len(buffer.take(head, path.buffer_bytes))
    for number, at in enumerate(made):
        passed = buffer.take(CHUNK, path.buffer_bytes)
        for due, piece in line.arrivals(path, passed, at) if passed else ():
            sent += len(piece)
            while len(came) <= number and len(head) + (len(came) + 1) * SIZE <= sent:
                came.append(due)
    return came


def age(made: list[float], came: list[float], begin: float, end: float) -> float:
    """Return the mean age at a client, from the definition."""
    area = 0.0
    for at, (since, until) in zip(made, pairwise([*came, math.inf]), strict=False):
        low, high = max(since, begin), min(until, end)
        if low < high:
            area += (high - low) * ((low + high) / 2 - at)
    return area / (end - begin)


def played(path: NetworkPath, made: list[float], clients: int, begin: float, end: float) -> tuple[float, float]:
    """Return mean latency and mean age of clients; their buffers are filled to different places when it begins."""
    extra = [client * path.buffer_bytes // clients for client in range(clients)]
    found = [over(path, made, client, extra[client]) for client in range(clients)]
    latencies = [there - at for came in found for at, there in zip(made, came, strict=False) if begin <= at < end]
    return fmean(latencies), fmean(age(made, came, begin, end) for came in found)


def predicted(arrivals: Arrivals, path: NetworkPath) -> tuple[float, float]:
    link = LinkModel(path.jitter_seconds, path.bandwidth_bits_per_second, path.buffer_bytes, SIZE)
    prediction = sse.predict(arrivals, DeliveryPath(path.delay_seconds, link=link), SseOptions())
    assert prediction.latency_seconds is not None
    assert prediction.age_seconds is not None
    return prediction.latency_seconds, prediction.age_seconds


def recorded(made: list[float], begin: float, end: float) -> Recorded:
    window = Window(ORIGIN_NS + to_ns(begin), ORIGIN_NS + to_ns(end))
    return Recorded(window, [ORIGIN_NS + to_ns(at) for at in made])


PATHS = [
    NetworkPath(0.1, jitter_seconds=0.05),
    NetworkPath(0.1, bandwidth_bits_per_second=40_000),
    NetworkPath(0.1, jitter_seconds=0.3, bandwidth_bits_per_second=80_000),
    NetworkPath(0.1, buffer_bytes=4096),
    NetworkPath(0.1, buffer_bytes=100),
    NetworkPath(0.1, 0.05, 1e6, 2000),
]


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_prediction_given_the_schedule_is_what_the_link_does(path: NetworkPath) -> None:
    made = [0.5, *(1 + at for at in poisson(10, 60, 4))]
    latency, mean_age = played(path, made, 100, 6.0, 36.0)

    assert pytest.approx((latency, mean_age), rel=0.015) == predicted(recorded(made, 6.0, 36.0), path)


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [
        NetworkPath(0.1, jitter_seconds=0.05),
        NetworkPath(0.1, bandwidth_bits_per_second=40_000),
        NetworkPath(0.1, buffer_bytes=4096),
    ],
    ids=repr,
)
def test_closed_form_is_the_mean_over_long_times(path: NetworkPath) -> None:
    made = poisson(10, 4000, 1)
    latency, mean_age = played(path, made, 3, 10.0, 3900.0)

    assert pytest.approx((latency, mean_age), rel=0.02) == predicted(Poisson(10), path)


@pytest.mark.long
@pytest.mark.parametrize("jitter", [0.05, 0.25, 0.9])
def test_even_updates_overtake_only_where_the_jitter_is_longer_than_their_distance(jitter: float) -> None:
    path, made = NetworkPath(jitter_seconds=jitter), [number / 10 for number in range(20_000)]
    latency, mean_age = played(path, made, 2, 10.0, 1900.0)

    assert pytest.approx((latency, mean_age), rel=0.01) == predicted(Periodic(10), path)
    assert (jitter <= 0.1) == (predicted(Periodic(10), path)[0] == pytest.approx(jitter / 2))


def test_updates_that_come_in_a_window_are_counted_and_not_those_made_in_it() -> None:
    """Nothing is made after a second of ten. What was made before the window comes in it."""
    made = [number / 100 for number in range(-100, 100)]
    link = LinkModel(held_bytes=2500, update_bytes=SIZE)
    found = carried(recorded([10 + at for at in made], 10.0, 20.0), link)

    assert found is not None
    assert found.per_second is not None
    assert pytest.approx(10 + 0.5, abs=0.2) == found.per_second


def test_order_adds_the_rate_times_the_square_of_a_short_jitter() -> None:
    for rate, jitter in ((10, 0.01), (1, 0.05), (0.001, 0.1)):
        assert pytest.approx(jitter / 2 + rate * jitter**2 / 24, rel=1e-3) == ordered_jitter(rate, jitter)
    assert 0.05 == ordered_jitter(0.0, 0.1)


def test_an_update_waits_for_those_that_fill_the_buffer() -> None:
    """Of 1,000 places, each number of missing bytes is as likely as another, and 250 come with each update."""
    link = LinkModel(held_bytes=1000, update_bytes=250)

    assert pytest.approx(fmean(math.ceil(missing / 250) for missing in range(1000))) == link.later_updates
    assert pytest.approx(1000 / 2 / 250 + 0.5, abs=0.01) == link.later_updates
    assert 0.0 == LinkModel(update_bytes=250).later_updates


def test_plain_link_adds_nothing_and_one_that_is_too_narrow_has_no_prediction() -> None:
    assert AT_ONCE == carried(Poisson(10), LinkModel(update_bytes=250))
    assert None is carried(Poisson(10), LinkModel(bits_per_second=20_000, update_bytes=250))
    assert None is carried(Poisson(10), LinkModel(bits_per_second=1e9)), "the size of updates is not known"


def test_channels_are_weighted_by_what_their_clients_get() -> None:
    link = LinkModel(bits_per_second=1e6, update_bytes=250)
    fast, slow = (carried(Poisson(rate), link) for rate in (100, 10))
    both = carried(Mixture([Group(Poisson(100), 1), Group(Poisson(10), 30)]), link)

    assert fast is not None
    assert slow is not None
    assert both is not None
    assert pytest.approx((fast.wait_seconds + 3 * slow.wait_seconds) / 4) == both.wait_seconds
    assert pytest.approx((fast.behind_seconds + 30 * slow.behind_seconds) / 31) == both.behind_seconds


def together(made: list[float], held: float) -> list[float]:
    """Return when updates leave: each group with a time T after its first one."""
    came: list[float] = []
    for at in made:
        came.append(at + held if not came or at > came[-1] else came[-1])
    return came


@pytest.mark.parametrize("rate", [0.5, 6.0, 43.0])
@pytest.mark.parametrize("kind", [Poisson, Periodic])
def test_updates_that_leave_together_wait_for_the_first_ones_time(rate: float, kind: type[Poisson | Periodic]) -> None:
    """HAProxy at its defaults: what is small waits 0.2 s for more."""
    held, end = 0.2, 10_000 / rate
    made = poisson(rate, end, seed=5) if kind is Poisson else [number / rate for number in range(10_000)]
    came, found = together(made, held), carried(kind(rate), LinkModel(held_seconds=held))
    waits = [there - at for at, there in zip(made, came, strict=True)]
    behind = age(made, came, 10.0, end - 10.0) - age(made, made, 10.0, end - 10.0)

    assert found is not None
    assert pytest.approx((found.wait_seconds, found.behind_seconds), rel=0.03) == (fmean(waits), behind)


def test_recorded_updates_leave_together_as_they_were_made() -> None:
    made = [11.0, 11.15, 11.3, 12.0]
    found = carried(recorded(made, 10.0, 20.0), LinkModel(held_seconds=0.2))

    assert found is not None
    assert pytest.approx((0.2 + 0.05 + 0.2 + 0.2) / 4) == found.wait_seconds


def test_what_a_proxy_holds_back_depends_on_the_transport() -> None:
    nginx, haproxy = NetworkPath(proxy="nginx"), NetworkPath(proxy="haproxy")
    tuned = NetworkPath(proxy="nginx", settings="tuned")
    held = {
        name: (nginx.held_back_bytes(transport), haproxy.held_back_seconds(transport), tuned.held_back_bytes(transport))
        for name, transport in TRANSPORTS.items()
    }

    assert {(4096, 0.2, 0)} == {held["sse"], held["stream"]}
    assert {(0, 0.0, 0)} == {held["polling"], held["longpolling"], held["websocket"]}
    assert 5096 == NetworkPath(proxy="nginx", buffer_bytes=1000).held_back_bytes(TRANSPORTS["sse"])
