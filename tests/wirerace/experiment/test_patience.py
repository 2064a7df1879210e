"""How long an update may take, against clients and servers simulated from their definition, step by step."""

from collections.abc import Iterator

import pytest

from wirerace.backoff import OF_CLIENTS, OF_FEED
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import longest_seconds, return_seconds
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions

DELAYS = [0.0, 0.05, 0.3, 1.0]
MOMENT = 1e-6
GRID_SECONDS = 0.0125
SPAN_SECONDS = 25.0


def handshake(delay: float, *, keep_alive: bool) -> float:
    """Return how much later a request leaves if it needs a connection first: SYN there, SYN-ACK back."""
    return 0.0 if keep_alive else delay + delay


def polls(options: PollingOptions, delay: float) -> Iterator[tuple[float, float]]:
    """Yield when the server reads each poll, and when its answer arrives; the first one is due at 0."""
    due, answered = 0.0, 0.0
    while due < SPAN_SECONDS:
        leaves = max(due, answered) + handshake(delay, keep_alive=options.keep_alive)
        read = leaves + delay
        answered = read + delay
        yield read, answered
        due += options.interval_seconds


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("interval", [0.01, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("delay", DELAYS)
def test_polling_waits_as_long_as_the_worst_poll_may_make_an_update_wait(
    delay: float, interval: float, *, keep_alive: bool
) -> None:
    options = PollingOptions(interval_seconds=interval, keep_alive=keep_alive)
    answers = list(polls(options, delay))
    made_at = [read + MOMENT for read, _ in answers[:-1]]  # just missed: nothing waits longer
    latencies = [next(came for read, came in answers if read >= made) - made for made in made_at]

    assert pytest.approx(max(latencies), abs=3 * MOMENT) == longest_seconds(NetworkPath(delay), options)


def held(made: list[float], options: LongPollingOptions, delay: float) -> Iterator[tuple[float, list[float]]]:
    """Yield when each answer arrives, and the updates in it; the first request reaches the server at 0."""
    read, sent = 0.0, 0
    while sent < len(made):
        answered = max(read, min(made[sent], read + options.hold_seconds))
        fresh = [at for at in made[sent:] if at <= answered]
        sent += len(fresh)
        yield answered + delay, fresh
        leaves = answered + delay + options.repoll_delay_seconds
        read = leaves + handshake(delay, keep_alive=options.keep_alive) + delay


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("repoll", [0.0, 0.5])
@pytest.mark.parametrize("hold", [0.4, 25.0])
@pytest.mark.parametrize("delay", DELAYS)
def test_long_polling_waits_as_long_as_the_worst_answer_before_it_may_make_an_update_wait(
    delay: float, hold: float, repoll: float, *, keep_alive: bool
) -> None:
    """The answer before it has an update, at any earlier time, or is empty."""
    options = LongPollingOptions(hold_seconds=hold, repoll_delay_seconds=repoll, keep_alive=keep_alive)
    worst = 0.0
    for step in range(int(8 / GRID_SECONDS)):
        last = 1.0 + step * GRID_SECONDS + MOMENT
        for came, fresh in held([1.0, last], options, delay):
            worst = max([worst, *(came - at for at in fresh)])

    longest = longest_seconds(NetworkPath(delay), options)
    assert worst <= longest + MOMENT
    assert longest - GRID_SECONDS - 2 * MOMENT <= worst, "it is as long as that, and no longer"


@pytest.mark.parametrize("delay", DELAYS)
def test_websocket_waits_for_one_transit(delay: float) -> None:
    assert delay == longest_seconds(NetworkPath(delay), WebSocketOptions())


def attempts(bounds: tuple[float, float], fails_after: float) -> Iterator[float]:
    """Yield the times of attempts, without jitter; each failure is known after a delay."""
    pause, most = bounds
    at = 0.0
    while True:
        yield at
        at += fails_after + pause
        pause = min(2 * pause, most)


@pytest.mark.parametrize("delay", DELAYS)
def test_broken_clients_are_waited_for_until_the_last_backoff_has_passed(delay: float) -> None:
    """All is up again at any instant: the server finds the producer, a client finds the server and is answered."""
    worst = 0.0
    for step in range(int(SPAN_SECONDS / GRID_SECONDS)):
        up = step * GRID_SECONDS
        found = next(at for at in attempts(OF_FEED, 0.0) if at >= up)
        # A request that comes before the server has found the producer is refused; the refusal arrives a delay later.
        tries = attempts(OF_CLIENTS, delay + delay)
        asked = next(at for at in tries if at + delay >= found)
        answered = asked + handshake(delay, keep_alive=False) + delay + delay
        worst = max(worst, answered - up)

    longest = return_seconds(NetworkPath(delay))
    assert worst <= longest
    assert longest - worst < 1.0, "and not much longer: the phases of both backoffs need not meet at their worst"


@pytest.mark.parametrize("delay", DELAYS)
def test_handshake_of_tls_takes_a_round_trip_more(delay: float) -> None:
    """A hello there and back follows that of TCP; the request goes out with the end of the handshake."""
    plain, secure = NetworkPath(delay), NetworkPath(delay, tls=True)
    anew, kept = LongPollingOptions(keep_alive=False), LongPollingOptions()

    assert pytest.approx(2 * (delay + delay)) == secure.opening_seconds(anew)
    assert 0.0 == secure.opening_seconds(kept)
    assert pytest.approx(delay + delay) == longest_seconds(secure, anew) - longest_seconds(plain, anew)
    assert pytest.approx(delay + delay) == return_seconds(secure) - return_seconds(plain)


def test_batches_make_updates_wait() -> None:
    path = NetworkPath(0.05)

    assert pytest.approx(3.05) == longest_seconds(path, WebSocketOptions(batch_seconds=3.0))
    assert 3.0 == WebSocketOptions(batch_seconds=3.0).pause_seconds
