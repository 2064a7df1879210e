"""Clients of servers without cursors: what they send back, when they are subscribed, and what is no update."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.foreign.longpolling import ForeignLongPollingUser
from loadtests.foreign.polling import ForeignPollingUser
from loadtests.foreign.pushed import ForeignPushedUser
from loadtests.foreign.sse import ForeignSseUser
from loadtests.foreign.stream import ForeignStreamUser
from loadtests.foreign.websocket import ForeignWebSocketUser
from loadtests.user import SubscriberUser
from tests.loadtests.script import CLOSE, Answer, Script, Serve
from tests.loadtests.swarm import ALWAYS, Start, Swarm, handshake
from wirerace.observe.account import Window
from wirerace.wire.frames import Opcode, encode_frame

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
NOTHING = b"HTTP/1.1 304 Not Modified\r\nLast-Modified: then\r\nEtag: 1\r\n\r\n"
LATER = 10_000_000_000


def update(seq: int) -> bytes:
    """Return an update that is made after every client is subscribed."""
    return json.dumps({"epoch": "e", "seq": seq, "ts": time.time_ns() + LATER, "data": "x"}).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def answered(*updates: bytes, validators: bytes = b"", status: bytes = b"200 OK") -> bytes:
    body = b"\n".join(updates)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, validators, len(body), body)


Begin = Callable[..., tuple[Script, Swarm]]


@pytest.fixture
def begin(serve: Serve, start: Start) -> Begin:
    def begin(
        user: type[SubscriberUser],
        *answers: Answer,
        dialect: str = "bare",
        window: Window = ALWAYS,
        piece_bytes: int = 0,
        **options: Any,
    ) -> tuple[Script, Swarm]:
        script = serve(*answers, piece_bytes=piece_bytes)
        order = {
            "transport": user.transport.name,
            "options": options,
            "url": f"http://{script.address}",
            "dialect": dialect,
            "target": "/updates?x=1",
        }
        return script, start(user, script, f"--contestant={json.dumps(order)}", window=window)

    return begin


def stream_of(user: type[SubscriberUser], *updates: bytes) -> Answer:
    """Return an answer without end in which a server of the user's transport sends updates."""
    if user is ForeignWebSocketUser:
        return handshake(b"".join(encode_frame(Opcode.TEXT, one) for one in updates))
    if user is ForeignSseUser:
        events = (b"id: a:%d\ndata: %b\n\n" % (number, one) for number, one in enumerate(updates))
        return HEAD % b"text/event-stream; charset=utf-8" + b"".join(map(chunk, [b": hi\n\n", *events]))
    return HEAD % b"application/json" + b"".join(map(chunk, updates))


PUSHED = [ForeignWebSocketUser, ForeignSseUser, ForeignStreamUser]
ASKING = [ForeignPollingUser, ForeignLongPollingUser]


@pytest.mark.parametrize("piece_bytes", [0, 7])
@pytest.mark.parametrize("user", PUSHED)
def test_updates_are_taken_as_they_come_without_a_cursor(
    begin: Begin, user: type[ForeignPushedUser], piece_bytes: int
) -> None:
    answer = stream_of(user, update(7), update(8), update(10))
    script, swarm = begin(user, answer, b"", piece_bytes=piece_bytes)
    swarm.wait_for(lambda: swarm.account.totals.received == 3)

    assert script.requests[0].startswith(b"GET /updates?x=1 HTTP/1.1\r\n")
    assert (3, 1, 0) == (swarm.account.totals.delivered, swarm.account.missing, swarm.account.totals.failed_connects)
    assert 1 == swarm.load.state().subscribed


@pytest.mark.long
@pytest.mark.parametrize("user", PUSHED)
def test_client_that_comes_back_counts_what_it_missed_as_missing(begin: Begin, user: type[ForeignPushedUser]) -> None:
    script, swarm = begin(user, stream_of(user, update(7)), stream_of(user, update(9)), b"")
    script.closes_after = {1}
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert (2, 1) == (swarm.account.totals.delivered, swarm.account.missing)
    assert (1, 1) == (swarm.account.totals.breaks, swarm.account.returning.count)
    sends_id = b"Last-Event-ID: a:0\r\n" in script.requests[1]
    assert sends_id == (user is ForeignSseUser)


@pytest.mark.long
@pytest.mark.parametrize(("dialect", "has_it"), [("nchan", True), ("bare", False)])
def test_nchan_gets_the_header_without_which_it_streams_nothing(begin: Begin, dialect: str, *, has_it: bool) -> None:
    script, swarm = begin(ForeignStreamUser, stream_of(ForeignStreamUser, update(7)), b"", dialect=dialect)
    swarm.wait_for(lambda: swarm.account.totals.received == 1)

    assert has_it == (b"TE: chunked\r\n" in script.requests[0])


def test_stream_may_be_lines_to_the_end_of_the_connection(begin: Begin) -> None:
    _, swarm = begin(ForeignStreamUser, b"HTTP/1.1 200 OK\r\n\r\n" + update(7) + b"\n" + update(8) + b"\n", b"")
    swarm.wait_for(lambda: swarm.account.totals.received == 2)


@pytest.mark.long
@pytest.mark.parametrize("user", [ForeignLongPollingUser, ForeignSseUser, ForeignStreamUser])
def test_client_is_subscribed_when_its_request_is_held(begin: Begin, user: type[SubscriberUser]) -> None:
    _, swarm = begin(user, b"")
    swarm.wait_for(lambda: swarm.load.state().subscribed == 1)

    assert (0, 1) == (swarm.account.totals.received, swarm.account.connecting.count)


@pytest.mark.long
@pytest.mark.parametrize("user", ASKING)
def test_validators_are_sent_back_as_they_came(begin: Begin, user: type[SubscriberUser]) -> None:
    first = answered(update(7), validators=b"ETag: W/x:y\r\nLast-Modified: now\r\n")
    script, swarm = begin(user, NOTHING, first, answered(status=b"408 Request Timeout"), answered(update(8)), b"")
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert b"If-" not in script.requests[0]
    assert b"If-None-Match: 1\r\n" in script.requests[1]
    assert b"If-Modified-Since: then\r\n" in script.requests[1]
    for request in script.requests[2:4]:
        assert b"If-None-Match: W/x:y\r\n" in request
        assert b"If-Modified-Since: now\r\n" in request
    assert (2, 2) == (swarm.account.tally.responses["empty"], swarm.account.tally.responses["data"])
    assert [] == swarm.failures()


@pytest.mark.long
def test_poller_asks_until_there_is_nothing_new_when_updates_come_one_at_a_time(begin: Begin) -> None:
    script, swarm = begin(ForeignPollingUser, NOTHING, *(answered(update(seq)) for seq in (7, 8)), NOTHING, b"",
                          interval_seconds=0.01)  # fmt: skip
    swarm.wait_for(lambda: len(script.requests) == 5)

    assert (2, 2) == (swarm.account.totals.delivered, swarm.account.totals.partial_responses)


def test_poller_of_a_server_that_always_gives_its_newest_update_does_not_ask_for_ever(begin: Begin) -> None:
    newest = answered(update(7))
    script, swarm = begin(ForeignPollingUser, newest, newest, *[newest] * 20, interval_seconds=3600.0)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert 2 == len(script.requests)


def test_array_is_all_that_there_is(begin: Begin) -> None:
    both = b"[" + update(7) + b"," + update(8) + b"]"
    script, swarm = begin(ForeignPollingUser, answered(both), b"", interval_seconds=3600.0)
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert 1 == len(script.requests)


@pytest.mark.long
def test_server_that_holds_nothing_is_not_asked_as_fast_as_it_answers(begin: Begin) -> None:
    script, swarm = begin(ForeignLongPollingUser, *[NOTHING] * 1000)
    began = time.monotonic()
    swarm.wait_for(lambda: len(script.requests) >= 5)

    assert time.monotonic() - began > 4 * 0.05


@pytest.mark.parametrize("user", PUSHED)
def test_something_else_than_an_update_is_shown(begin: Begin, user: type[ForeignPushedUser]) -> None:
    _, swarm = begin(user, stream_of(user, b"hello, world"), CLOSE)
    swarm.wait_for(lambda: bool(swarm.account.totals.breaks))
    swarm.load.statistics.flush()

    assert any("it begins b'hello, world'" in failure for failure in swarm.failures()), swarm.failures()


@pytest.mark.parametrize("user", ASKING)
def test_something_else_than_an_update_is_an_error_answer(begin: Begin, user: type[SubscriberUser]) -> None:
    _, swarm = begin(user, answered(b"<html>no</html>"), b"")
    swarm.wait_for(lambda: bool(swarm.account.tally.responses["error"]))
    swarm.load.statistics.flush()

    assert any("it begins b'<html>no</html>'" in failure for failure in swarm.failures()), swarm.failures()
