"""Users in a real Locust environment, against a server that sends what the test wants."""

import time

import pytest

from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from loadtests.user import SubscriberUser
from loadtests.websocket import WebSocketUser
from tests.loadtests.script import Serve
from tests.loadtests.swarm import Start, answer
from wirerace.observe.account import Subscription
from wirerace.wire.update import Cursor


def test_first_answer_may_bring_updates_already(serve: Serve, start: Start) -> None:
    """A hold of 0 may be answered by an update that comes at that moment."""
    swarm = start(LongPollingUser, serve(answer(6, 7, cursor=7), answer(8, cursor=8), b""))
    account = swarm.account
    swarm.wait_for(lambda: account.totals.received == 3)

    assert (3, 0, 0) == (account.totals.delivered, account.totals.duplicated, account.totals.reordered)
    assert {"e": {6, 7, 8}} == {epoch: set(of_epoch) for epoch, of_epoch in account.updates.items()}
    assert [Subscription(Cursor("e", 5), None)] == swarm.load.finish().partly


@pytest.mark.long
@pytest.mark.parametrize("user", [PollingUser, LongPollingUser])
def test_cut_client_returns_at_its_cursor_and_nothing_has_failed(
    serve: Serve, start: Start, user: type[SubscriberUser]
) -> None:
    script = serve(answer(cursor=3), answer(4, cursor=4), b"")  # and then the server holds
    swarm = start(user, script, "--polling-interval-seconds=0.05")
    swarm.wait_for(lambda: len(script.requests) == 3)
    script.add(answer(cursor=4), answer(5, cursor=5), b"")

    assert 1 == swarm.load.cut(0)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)
    swarm.load.statistics.flush()

    assert b"after=e-4" in script.requests[3]
    assert (2, 2) == (script.connections, swarm.account.totals.connects)
    assert (1, 1) == (swarm.account.totals.cuts, swarm.account.returning.count)
    assert [] == swarm.failures()


def test_client_without_a_connection_is_not_cut(serve: Serve, start: Start) -> None:
    script = serve(b"")
    swarm = start(PollingUser, script)
    swarm.wait_for(lambda: len(script.requests) == 1)

    assert 0 == swarm.load.cut(0)


@pytest.mark.long
def test_jitter_spreads_returns(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: len(script.requests) == 2)
    script.add(answer(cursor=3), b"")

    cut_at = time.monotonic()
    swarm.load.random.seed(1)  # draws 0.134 of the jitter first
    swarm.load.cut(2.0)
    swarm.wait_for(lambda: len(script.requests) >= 3)

    assert time.monotonic() - cut_at > 0.25


def test_client_that_is_stopped_is_expected_to_have_what_its_cursor_says(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), answer(4, 5, cursor=5), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: len(script.requests) == 3)
    before_ns = time.time_ns()
    swarm.runner.stop()
    after_ns = time.time_ns()

    (subscription,) = swarm.load.finish().partly
    assert (Cursor("e", 3), Cursor("e", 5)) == (subscription.first, subscription.last)
    assert subscription.left_ns is not None
    assert before_ns <= subscription.left_ns <= after_ns
    assert 0 == swarm.account.live_clients


@pytest.mark.parametrize("cursor", [5, 4])
def test_partial_answer_that_does_not_end_at_its_last_update_is_refused(
    serve: Serve, start: Start, cursor: int
) -> None:
    """Otherwise a server could make its clients ask without a pause."""
    script = serve(answer(4, cursor=4), answer(4, cursor=cursor, has_more=True), b"")
    swarm = start(PollingUser, script, "--polling-interval-seconds=0.05")
    swarm.wait_for(lambda: bool(swarm.failures()))

    assert f"must end at its last update, not at 'e-{cursor}'" in swarm.failures()[0]
    assert 1 == swarm.account.totals.received


@pytest.mark.parametrize(("user", "row"), [(PollingUser, "GET /poll"), (WebSocketUser, "connect /ws")])
def test_refusal_says_what_failed(serve: Serve, start: Start, user: type[SubscriberUser], row: str) -> None:
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nnot yet\n"
    swarm = start(user, serve(refusal))
    swarm.wait_for(lambda: bool(swarm.failures()))

    assert swarm.failures()[0].startswith(f"{row}: 503")
    assert "not yet" in swarm.failures()[0]


@pytest.mark.parametrize(("user", "row"), [(LongPollingUser, "GET /longpoll (held)"), (WebSocketUser, "connect /ws")])
def test_server_that_is_not_there_is_named(serve: Serve, start: Start, user: type[SubscriberUser], row: str) -> None:
    script = serve()
    script.stop()
    swarm = start(user, script)
    swarm.wait_for(lambda: bool(swarm.failures()))

    assert [f"{row}: {script.address}: Connection refused"] == swarm.failures()


def test_client_between_two_connections_is_not_cut(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    swarm = start(PollingUser, script, "--polling-keep-alive=false", "--polling-interval-seconds=60")
    swarm.wait_for(lambda: swarm.account.live_clients == 1)

    assert 0 == swarm.load.cut(0)


def test_cut_client_can_still_be_stopped_by_locust(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), b"", answer(cursor=3), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: len(script.requests) == 2)
    swarm.load.cut(0)
    swarm.wait_for(lambda: len(script.requests) == 4)
    assert 1 == swarm.runner.user_count
    swarm.runner.stop()

    assert (0, 0) == (swarm.runner.user_count, swarm.account.live_clients)


@pytest.mark.parametrize(
    ("user", "flag"),
    [(PollingUser, "--polling-interval-seconds=60"), (LongPollingUser, "--longpolling-repoll-delay-seconds=60")],
)
def test_partial_answer_is_followed_by_the_rest_at_once(
    serve: Serve, start: Start, user: type[SubscriberUser], flag: str
) -> None:
    script = serve(answer(4, 5, cursor=5, has_more=True), answer(6, cursor=6), b"")
    swarm = start(user, script, flag)
    swarm.wait_for(lambda: swarm.account.totals.received == 3)

    assert b"after=e-5" in script.requests[1]
    assert (2, 1) == (swarm.account.totals.responses["data"], swarm.account.totals.partial_responses)
    assert (0, 0) == (swarm.account.repolling.count, swarm.account.totals.late_polls)
