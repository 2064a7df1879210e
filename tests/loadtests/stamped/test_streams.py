"""Event streams, lines and parts of bodies of users for any server."""

import gevent
import pytest
from locust import constant, task

from loadtests.stamped import StampedEvent, StampedMessage, StampedUser
from tests.loadtests.script import Serve
from tests.loadtests.stamped.stand import Once, StandUp
from tests.loadtests.swarm import PATIENCE_SECONDS
from wirerace.clock import now_ns

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
NO_LENGTH = b"HTTP/1.0 201 Fine\r\nX-Kind: a\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@pytest.mark.long
@pytest.mark.parametrize("piece_bytes", [0, 1])
def test_events_have_their_kind_and_id(serve: Serve, stand: StandUp, piece_bytes: int) -> None:
    received: list[StampedEvent] = []
    began_ns = now_ns()
    body = chunked(b"id: 7\nevent: tick\ndata: a\ndata: b\n\n: beat\n", b"\ndata: c\n\n") + LAST
    script = serve(EVENTS + body, piece_bytes=piece_bytes)

    class User(Once):
        path = "/events"

        @task
        def follow(self) -> None:
            with self.events(json={"model": "m"}, last_event_id="6") as events:
                for event in events:
                    received.append(event)
                    self.report(event.event, event, since_ns=began_ns)

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(received) > 1)

    assert [("tick", "7", b"a\nb"), ("message", "7", b"c")] == [(one.event, one.id, one.data) for one in received]
    assert {"connect /events": (1, 0), "message tick": (1, 0), "message message": (1, 0)} == stood.rows()
    assert script.requests[0].startswith(b"POST /events HTTP/1.1\r\n")
    assert b"\r\nAccept: text/event-stream\r\n" in script.requests[0]
    assert b"\r\nLast-Event-ID: 6\r\n" in script.requests[0]
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 13\r\n" in script.requests[0]
    assert script.requests[0].endswith(b'\r\n\r\n{"model":"m"}')


@pytest.mark.long
def test_events_come_again_after_the_last_one(serve: Serve, stand: StandUp) -> None:
    """A stream that ends in order is no failure, one that breaks off is; 204 is the end."""
    received: list[bytes] = []
    ends: list[str] = []
    script = serve(
        EVENTS + chunked(b"retry: 1\n\nid: 1\ndata: a\n\n") + LAST,
        EVENTS + chunked(b"data: b\n\n"),
        EVENTS + chunked(b"id: 3\ndata: c\n\ndata: cut") + b"nonsense",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        piece_bytes=7,
    )
    script.closes_after = {1, 2, 3, 4}

    class User(Once):
        @task
        def follow(self) -> None:
            with self.events("/e", reconnects=True) as events:
                received.extend(event.data for event in events)
                ends.append(events.last_id)

    stood = stand(User, script.address)
    stood.wait_for(lambda: ends)

    assert [b"a", b"b", b"c"] == received
    assert ["3"] == ends
    assert [False, True, True, True] == [b"Last-Event-ID" in request for request in script.requests]
    assert b"\r\nLast-Event-ID: 1\r\n" in script.requests[2]
    assert b"\r\nLast-Event-ID: 3\r\n" in script.requests[3]
    assert {"connect /e": (4, 0), "receive /e": (2, 2)} == stood.rows()
    assert any("the server closed the connection" in one for one in stood.failures())
    assert any("no HTTP: Invalid character" in one for one in stood.failures())


def test_events_are_not_asked_for_again_when_the_server_refuses(serve: Serve, stand: StandUp) -> None:
    script = serve(EVENTS + chunked(b"retry: 1\n\n") + LAST, b"HTTP/1.1 503 Busy\r\n\r\nlater")
    script.closes_after = {1, 2}

    class User(Once):
        @task
        def follow(self) -> None:
            with self.events("/e", reconnects=True) as events:
                for _ in events:
                    pass

    stood = stand(User, script.address)
    stood.wait_for(stood.failures)

    assert ["connect /e: Refused('503: later')"] == stood.failures()
    assert {"connect /e": (2, 1)} == stood.rows()


@pytest.mark.long
@pytest.mark.parametrize("duration", [None, 0.05])
def test_waits_for_events_last_as_long_as_they_may_while_a_connection_is_opened(
    serve: Serve, stand: StandUp, duration: float | None
) -> None:
    script = serve(EVENTS + chunked(b"retry: 1\n\n") + LAST)
    script.closes_after = {1}
    script.add(b"")  # the second request is held
    ends: list[bool] = []

    class User(Once):
        @task
        def follow(self) -> None:
            with self.events("/e", reconnects=True) as events:
                ends.extend(
                    bool(event) for event in events.messages(timeout=60 if duration else 0.05, duration=duration)
                )
                ends.append(True)

    stood = stand(User, script.address)
    stood.wait_for(lambda: ends or stood.failures())

    assert ([] if duration else ["receive /e: TooLate('no message for 0.05 s')"]) == stood.failures()


def test_a_task_that_iterates_over_what_has_ended_keeps_nobody_waiting(serve: Serve, stand: StandUp) -> None:
    script = serve(EVENTS + LAST)
    counts = [0]

    class User(Once):
        @task
        def follow(self) -> None:
            events = self.events("/e")
            while True:
                counts[0] += 1 + len(list(events))

    stand(User, script.address).wait_for(lambda: counts[0] > 3)


def test_user_is_stopped_while_it_waits_to_reconnect(serve: Serve, stand: StandUp) -> None:
    script = serve(EVENTS + chunked(b"retry: 99999999\n\n") + LAST)
    script.closes_after = {1}
    ends: list[int] = []

    class User(Once):
        @task
        def follow(self) -> None:
            with self.events("/e", reconnects=True) as events:
                ends.append(len(list(events)))

    stood = stand(User, script.address, stop_timeout=600)
    stood.wait_for(lambda: stood.count("connect", "/e"))
    user = next(iter(stood.runner.user_greenlets)).args[0]
    stood.wait_for(lambda: not any(channel._is_open for channel in user.channels))
    with gevent.Timeout(PATIENCE_SECONDS):
        stood.runner.stop()

    assert [0] == ends
    assert {"connect /e": (1, 0)} == stood.rows()


@pytest.mark.parametrize(
    ("answer", "row", "said"),
    [
        (EVENTS + chunked(b"data: a\n"), "receive", "the server closed the connection"),
        (EVENTS + b"xyz\r\n", "receive", "no HTTP: Invalid character in chunk size: b'"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "connect", "a body of text/html, not text/event"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 7\r\n\r\nnothing", "connect", "Refused('404: nothing')"),
        (b"HTTP/1.1 404 No\r\n\r\nnothing", "connect", "Refused('404: nothing')"),
        (b"220 smtp\r\n\r\n", "connect", ": b'220 smtp\\r\\n\\r\\n'"),
    ],
    ids=["cut", "no chunk", "no events", "refusal", "refusal without a length", "no HTTP"],
)
def test_a_server_that_fails_is_a_failed_request(
    serve: Serve, stand: StandUp, answer: bytes, row: str, said: str
) -> None:
    script = serve(answer, answer)
    script.closes_after = {1, 2}

    class User(StampedUser):
        wait_time = constant(0.001)

        @task
        def follow(self) -> None:
            with self.events("/e") as events:
                for _ in events:
                    pass

    stood = stand(User, script.address)
    stood.wait_for(lambda: stood.rows().get(f"{row} /e", (0, 0))[1] > 1)

    assert said in stood.failures()[0].replace("\\\\", "\\")


@pytest.mark.parametrize("piece_bytes", [0, 1])
def test_lines_come_until_the_server_ends(serve: Serve, stand: StandUp, piece_bytes: int) -> None:
    """The last one may have no end; a body without a length ends with the connection."""
    received: list[StampedMessage] = []
    script = serve(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"one\r\n\ntw", b"o\nlast") + LAST,
        NO_LENGTH + b"three\nfour",
        piece_bytes=piece_bytes,
    )
    script.closes_after = {2}
    statuses: list[tuple[int, str]] = []

    class User(Once):
        @task
        def read(self) -> None:
            for _ in range(2):
                with self.lines("/l", headers={"Host": "example.org"}) as lines:
                    statuses.append((lines.status, lines.headers.get("x-kind", "")))
                    for line in lines:
                        received.append(line)
                        self.report("line", line, since_ns=lines.sent_ns)

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(received) > 4)

    assert [b"one", b"two", b"last", b"three", b"four"] == [one.data for one in received]
    assert [(200, ""), (201, "a")] == statuses
    assert {"connect /l": (2, 0), "message line": (5, 0)} == stood.rows()
    assert b"\r\nHost: example.org\r\n" in b"\r\n".join(script.requests[0].split(b"\r\n"))
    assert 1 == script.requests[0].count(b"ost: ")


def test_chunks_are_taken_as_they_come(serve: Serve, stand: StandUp) -> None:
    received: list[bytes] = []
    ends: list[bool] = []
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    script = serve(head + b"a\n\nbcd", piece_bytes=len(head) + 1)

    class User(Once):
        @task
        def read(self) -> None:
            with self.chunks("/c", body="q", method="PUT") as chunks:
                received.extend(chunk.data for chunk in chunks)
            ends.append(True)

    stand(User, script.address).wait_for(lambda: ends)

    assert b"a\n\nbcd" == b"".join(received)
    assert all(received)
    assert script.requests[0].startswith(b"PUT /c HTTP/1.1\r\n")
    assert script.requests[0].endswith(b"\r\nContent-Length: 1\r\n\r\nq")
