"""Clients that read an answer late, and so ask late: by how much later updates may have come for that reason."""

import time
from collections.abc import Callable

import gevent
import pytest

from loadtests.asking import AskingUser
from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from tests.loadtests.script import Serve
from tests.loadtests.swarm import ALWAYS, Start, Swarm, answer, answer_made_at
from wirerace.observe.account import Window
from wirerace.observe.histogram import Latencies

pytestmark = pytest.mark.long

LATE_NS = 50_000_000
HELD_SECONDS = 0.2
AGO_NS = 20_000_000
LONG_AGO_NS = 3_600_000_000_000


Reply = Callable[[bytes], bytes]


def read_late(reply: Reply) -> Reply:
    """Return a function that answers, and lets the whole load stand still before anybody can read the answer."""

    def reply_to(request: bytes) -> bytes:
        encoded = reply(request)
        gevent.get_hub().loop.run_callback(time.sleep, LATE_NS / 1e9)
        return encoded

    return reply_to


def held(seq: int) -> Reply:
    """Return a function that holds the request for a while, and answers with an update made at that moment."""

    def reply_to(_request: bytes) -> bytes:
        gevent.sleep(HELD_SECONDS)
        return answer(seq, cursor=seq)

    return reply_to


def made_ago(seq: int, ago_ns: int, *, has_more: bool = False) -> Reply:
    """Return a function that answers at once with an update, made so long before the request came."""
    return lambda _request: answer_made_at(time.time_ns() - ago_ns, seq, has_more=has_more)


def delays(swarm: Swarm) -> tuple[int, int]:
    """Return the number of deliveries that may have come later, and the sum of the possible delays."""
    return swarm.account.asking_late.count, swarm.account.asking_late.sum_ns


def least_and_most(latencies: Latencies) -> tuple[int, int]:
    assert latencies.min_ns is not None
    assert latencies.max_ns is not None
    return latencies.min_ns, latencies.max_ns


def longest_lag(swarm: Swarm) -> int:
    return least_and_most(swarm.account.reading)[1]


def test_update_that_was_made_while_an_answer_lay_unread_may_have_come_earlier(serve: Serve, start: Start) -> None:
    """It was made 20 ms before its request came, and the reading was later by more."""
    script = serve(answer(cursor=3), read_late(held(4)), made_ago(5, AGO_NS), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert 1 == delays(swarm)[0]
    assert 0 < delays(swarm)[1] <= longest_lag(swarm)


def test_update_that_had_been_made_before_is_late_by_the_reading_at_most(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), read_late(held(4)), made_ago(5, LONG_AGO_NS), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert LATE_NS <= longest_lag(swarm)
    assert (1, longest_lag(swarm)) == delays(swarm)


def test_update_of_a_held_request_does_not_owe_late_reading_anything(serve: Serve, start: Start) -> None:
    """The update is made a while after the request came, however late that was."""
    script = serve(answer(cursor=3), read_late(held(4)), held(5), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert LATE_NS <= longest_lag(swarm)
    assert (0, 0) == delays(swarm)


def test_first_answer_waits_for_no_reading(serve: Serve, start: Start) -> None:
    swarm = start(LongPollingUser, serve(made_ago(4, LONG_AGO_NS), b""))
    swarm.wait_for(lambda: swarm.account.totals.received == 1)

    assert (0, 0) == delays(swarm)


def test_delay_counts_for_updates_of_the_window_only(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), read_late(held(4)), made_ago(5, LONG_AGO_NS), b"")
    swarm = start(LongPollingUser, script, window=Window(time.time_ns(), ALWAYS.to_ns))
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert (1, 0) == (swarm.account.totals.delivered, delays(swarm)[0])


@pytest.mark.parametrize(
    ("user", "flag"),
    [(PollingUser, "--polling-interval-seconds=60"), (LongPollingUser, "--longpolling-repoll-delay-seconds=60")],
)
def test_rest_of_an_answer_is_late_by_the_reading_of_all_its_parts(
    serve: Serve, start: Start, user: type[AskingUser], flag: str
) -> None:
    parts = [made_ago(seq, LONG_AGO_NS, has_more=True) for seq in (4, 5)]
    swarm = start(user, serve(*map(read_late, parts), made_ago(6, LONG_AGO_NS), b""), flag)
    swarm.wait_for(lambda: swarm.account.totals.received == 3)

    assert 2 == delays(swarm)[0]
    least, most = least_and_most(swarm.account.asking_late)
    assert LATE_NS <= least < most
    assert 2 * LATE_NS <= most <= swarm.account.reading.sum_ns


def test_poll_on_schedule_waits_for_no_reading(serve: Serve, start: Start) -> None:
    """Only a reading that comes after the next poll was due makes it late, and that is a late poll."""
    script = serve(answer(cursor=3), read_late(held(4)), made_ago(5, LONG_AGO_NS), b"")
    swarm = start(PollingUser, script, "--polling-interval-seconds=0.01")
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert (0, 0) == delays(swarm)
    assert swarm.account.totals.late_polls > 0
