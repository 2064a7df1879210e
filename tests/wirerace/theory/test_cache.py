"""Theory of a shared cache beside clients that ask it, played event by event."""

import math
from collections.abc import Iterator
from statistics import fmean
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from tests.wirerace.theory.simulated import GOLDEN_RATIO, Answer, agree, poisson, seen
from wirerace.clock import to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import longest_seconds
from wirerace.observe.account import Window
from wirerace.record.trial import Condition
from wirerace.theory import polling
from wirerace.theory.cache import SharedCache
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson
from wirerace.theory.deviation import sampling_deviation
from wirerace.theory.link import LinkModel
from wirerace.theory.mixture import Group, Mixture
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.recorded import Recorded
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

CLIENTS = 100
START, END, DELAY = 20.0, 220.0, 0.002
NOTHING = -math.inf


class Played(NamedTuple):
    """What clients got, and when the server was asked."""

    clients: list[list[Answer]]
    asked: list[float]

    @property
    def first(self) -> float:
        """When the first update was given to a client."""
        return min(answer.at for answers in self.clients for answer in answers if answer.received)

    def seen(self, start: float, end: float) -> Prediction:
        asked = sum(start <= at < end for at in self.asked) / (end - start)
        return replace(seen(self.clients, start, end, DELAY), server_requests_per_second=asked)


def play(
    made: list[float], options: PollingOptions, seconds: int, *, phase: float = 0.3, empty_until: int = 3
) -> Played:
    """Play clients that ask a cache under the newest update that they have. What it stores lives by whole seconds."""
    every = options.interval_seconds
    phases = sorted((phase + client * GOLDEN_RATIO) % 1 * every for client in range(CLIENTS))
    stored = {NOTHING: (empty_until, NOTHING)}
    had = [NOTHING] * CLIENTS
    played = Played([[] for _ in phases], [])
    for at, client in asking(phases, every):
        lives_until, newest = stored.get(had[client], (0, NOTHING))
        if at >= lives_until:
            newest = max((one for one in made if one <= at), default=NOTHING)
            stored[had[client]] = math.floor(at) + 1 + seconds, newest
            played.asked.append(at)
        received = [one for one in made if had[client] < one <= newest]
        played.clients[client].append(Answer(at, received[-1:] if options.latest_only else received))
        had[client] = newest
    return played


def asking(phases: list[float], every: float) -> Iterator[tuple[float, int]]:
    for number in range(int((END + 20) / every)):
        for client, phase in enumerate(phases):
            yield number * every + phase, client


def predicted(arrivals: Arrivals, options: PollingOptions, cache: SharedCache) -> Prediction:
    return polling.predict(arrivals, DeliveryPath(DELAY, clients=CLIENTS, cache=cache), options)


def record(made: list[float], start: float = START, end: float = END) -> Recorded:
    return Recorded(Window(to_ns(start), to_ns(end)), [to_ns(at) for at in made])


@pytest.mark.long
@pytest.mark.parametrize(
    ("rate", "interval", "seconds", "deliver"),
    [
        (5.0, 1.0, 1, "all"),
        (1.0, 1.0, 2, "all"),
        (0.3, 0.5, 2, "all"),
        (2.0, 0.7, 1, "all"),
        (2.0, 2.5, 1, "all"),
        (0.5, 3.0, 1, "all"),
        (3.0, 1.0, 2, "latest"),
        (1.0, 3.0, 1, "latest"),
    ],
)
def test_record_predicts_what_clients_get_from_a_cache(
    rate: float, interval: float, seconds: int, deliver: str
) -> None:
    """Given when the first update was given, the rest follows, but for the phases of clients."""
    options = PollingOptions(interval_seconds=interval, deliver=deliver)  # type: ignore[arg-type]
    made = [0.0, *(10 + at for at in poisson(rate, END, seed=7))]
    played = play(made, options, seconds)
    cache = SharedCache(seconds, first_ns=to_ns(played.first + DELAY))

    agree(played.seen(START, END), predicted(record(made), options, cache), 0.02, 0.005)


@pytest.mark.long
@pytest.mark.parametrize("deliver", ["all", "latest"])
@pytest.mark.parametrize(
    ("rate", "interval", "seconds"), [(2.0, 1.0, 1), (1.0, 0.5, 2), (1.0, 0.7, 1), (0.3, 1.0, 3), (0.5, 2.0, 2)]
)
def test_closed_form_is_the_mean_over_long_records(rate: float, interval: float, seconds: int, deliver: str) -> None:
    options = PollingOptions(interval_seconds=interval, deliver=deliver)  # type: ignore[arg-type]
    made = [0.0, *poisson(rate, 8_000.0, seed=11)]

    agree(
        predicted(record(made, 50.0, 8_000.0), options, SharedCache(seconds)),
        predicted(Poisson(rate), options, SharedCache(seconds)),
        0.06,
        0.01,
    )


@pytest.mark.long
def test_periodic_updates_are_fetched_once_an_interval() -> None:
    """The closed form is the mean over the phase of updates."""
    options, found = PollingOptions(interval_seconds=1.0), []
    for step in range(8):
        made = [(step / 8 + number) * 0.3 for number in range(int(END / 0.3))]
        found.append(play(made, options, 2).seen(50.0, END - 10))
    closed = predicted(Periodic(1 / 0.3), options, SharedCache(2))

    for name in (
        "latency_seconds",
        "age_seconds",
        "empty_fraction",
        "updates_per_response",
        "server_requests_per_second",
    ):
        assert pytest.approx(fmean(getattr(one, name) for one in found), rel=0.03) == getattr(closed, name), name
    assert pytest.approx(1.0, rel=0.01) == closed.latency_seconds, (
        "half an interval to be fetched, half to be asked for"
    )


def test_rare_updates_wait_for_half_of_the_life_of_an_empty_answer() -> None:
    """An answer that is stored at the beginning of a second lives a second longer than it should."""
    found = predicted(Poisson(0.001), PollingOptions(interval_seconds=1.0), SharedCache(4))

    assert pytest.approx(5 / 2 + 1 / 2, rel=0.01) == found.latency_seconds
    assert pytest.approx(1 / 5, rel=0.01) == found.server_requests_per_second


def test_frequent_updates_wait_for_the_client_that_asks_first() -> None:
    """No answer is empty, so nobody asks with an old cursor for longer than an interval, however long answers live."""
    for seconds in (1, 60):
        found = predicted(Poisson(50.0), PollingOptions(interval_seconds=1.0), SharedCache(seconds))
        assert pytest.approx(1.0, rel=0.01) == found.latency_seconds
        assert pytest.approx(1.0, rel=0.01) == found.server_requests_per_second


def test_what_has_no_closed_form_is_not_predicted() -> None:
    """Several cursors are asked with at once if answers are too old before all clients have asked."""
    each = Prediction(responses_per_client_second=0.5)
    for arrivals, interval, seconds in (
        (Poisson(1.0), 2.0, 1),
        (Periodic(1.0), 2.0, 1),
        (Poisson(1.0), 2 + 1 / 7919, 3),
    ):
        found = predicted(arrivals, PollingOptions(interval_seconds=interval), SharedCache(seconds))
        assert (None, None) == (found.latency_seconds, found.server_requests_per_second)
        assert pytest.approx(each.responses_per_client_second, rel=0.01) == found.responses_per_client_second
    assert predicted(Periodic(0.4), PollingOptions(), SharedCache(2)).age_seconds is None, "some answers are empty"
    few = DeliveryPath(DELAY, clients=19, cache=SharedCache(2))
    assert polling.predict(Poisson(1.0), few, PollingOptions()).age_seconds is None, "a question waits for a client"


def test_hours_of_a_hundred_polls_a_second_are_not_replayed() -> None:
    options = PollingOptions(interval_seconds=0.01)

    assert predicted(record([0.0, 5.0], 10.0, 3600.0), options, SharedCache(1)).latency_seconds is None


def test_polls_that_a_link_puts_in_another_order_are_not_predicted() -> None:
    path = DeliveryPath(DELAY, clients=CLIENTS, cache=SharedCache(2), link=LinkModel(jitter_seconds=0.1))

    found = polling.predict(Poisson(2.0), path, PollingOptions())
    assert (None, 1.0) == (found.latency_seconds, found.responses_per_client_second)
    assert polling.latencies(Poisson(2.0), path, PollingOptions()) is None


def start_of(prediction: Prediction) -> Condition:
    return next(one for one in prediction.conditions if one.name == "cache_start")


@pytest.mark.long
def test_what_was_stored_before_matters_until_enough_was_made() -> None:
    """In a short window much depends on when the first answer was given. If that is not known, the condition fails."""
    made, options = [0.0, *(10 + at for at in poisson(1.0, 40.0, seed=3))], PollingOptions()
    unknown, known = (
        predicted(record(made, 12.0, 24.0), options, SharedCache(4, first_ns=first_ns)) for first_ns in (0, to_ns(3.01))
    )

    assert (False, True) == (start_of(unknown).holds, start_of(known).holds)
    assert start_of(unknown).value > 2 * start_of(known).value


@pytest.mark.long
def test_channels_have_answers_of_their_own() -> None:
    options, cache = PollingOptions(), SharedCache(2)
    group = Group(record([0.0, *poisson(2.0, END, seed=5)]), CLIENTS // 2)
    path = DeliveryPath(DELAY, clients=CLIENTS, channels=2, cache=cache)
    one = predicted(group.arrivals, options, cache)
    both = polling.predict(Mixture([group, group]), path, options)

    assert one.server_requests_per_second is not None
    assert pytest.approx(2 * one.server_requests_per_second, rel=0.02) == both.server_requests_per_second
    assert pytest.approx(one.latency_seconds, rel=0.02) == both.latency_seconds
    closed = polling.predict(Poisson(2.0), path, options)
    alone = polling.predict(Poisson(2.0), path._replace(channels=1, clients=CLIENTS // 2), options)
    assert closed.server_requests_per_second == 2 * (alone.server_requests_per_second or 0)
    assert closed.latency_seconds == alone.latency_seconds


@pytest.mark.long
@pytest.mark.parametrize("deliver", ["all", "latest"])
def test_distribution_has_the_predicted_mean(deliver: str) -> None:
    options = PollingOptions(deliver=deliver)  # type: ignore[arg-type]
    path = DeliveryPath(DELAY, clients=CLIENTS, cache=SharedCache(2))
    arrivals = record([0.0, *poisson(2.0, END, seed=5)])
    found = polling.latencies(arrivals, path, options)
    assert found is not None
    total = sum(piece.weight for piece in found.waits)
    mean = sum((piece.low + piece.high) / 2 * piece.weight for piece in found.waits) / total + found.delay_seconds

    assert pytest.approx(polling.predict(arrivals, path, options).latency_seconds, rel=0.005) == mean
    assert polling.latencies(Poisson(2.0), path, options) is None


@pytest.mark.long
def test_windows_vary_about_the_closed_form() -> None:
    path = DeliveryPath(DELAY, clients=CLIENTS, cache=SharedCache(2))
    found = sampling_deviation(polling.predict, Source(rate_per_second=1.0), path, PollingOptions(), 60.0)

    assert found is not None
    assert 0.02 < (found.latency_seconds or 0) < 0.3
    assert 0.005 < (found.server_requests_per_second or 0) < 0.1


@pytest.mark.long
@pytest.mark.parametrize(("interval", "seconds"), [(1.0, 1), (0.3, 2), (2.5, 1)])
def test_no_update_waits_longer_than_a_trial_waits_for_it(interval: float, seconds: int) -> None:
    options, path = PollingOptions(interval_seconds=interval), NetworkPath(proxy="nginx", cache_seconds=seconds)
    played = play([0.0, *(10 + at for at in poisson(0.5, END, seed=2))], options, seconds)
    longest = max(
        answer.at - made for answers in played.clients for answer in answers for made in answer.received if made
    )

    assert 0.8 * longest_seconds(path, options) < longest <= longest_seconds(path, options)


def test_nothing_made_is_nothing_predicted() -> None:
    assert predicted(record([]), PollingOptions(), SharedCache(2)).latency_seconds is None
