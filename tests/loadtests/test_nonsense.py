"""Servers that are wrong, always or sometimes: each wrong answer is one failure, and no server is asked too often."""

import logging
import time

import pytest

from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from loadtests.user import SubscriberUser
from loadtests.websocket import WebSocketUser
from tests.loadtests.script import Answer, Serve
from tests.loadtests.swarm import Start, Swarm, answer, handshake
from wirerace.backoff import OF_CLIENTS, Backoff
from wirerace.errors import ConnectionLost
from wirerace.wire.frames import CloseCode, Opcode, encode_close, encode_frame

pytestmark = pytest.mark.long

MANY = 500
ASKING = [PollingUser, LongPollingUser]
QUICK = "--polling-interval-seconds=0.01"


def batch(body: bytes, cursor: bytes = b"Wirerace-Cursor: e-1\r\n") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (cursor, len(body), body)


def update(epoch: bytes = b"e", seq: bytes = b"1", ts: bytes = b"1", data: bytes = b"x", channel: bytes = b"") -> bytes:
    return b'{"epoch":"%b","seq":%b,"ts":%b,"data":"%b","channel":"%b"}' % (epoch, seq, ts, data, channel)


def updates(**fields: bytes) -> bytes:
    return batch(b'{"updates":[%b]}' % update(**fields))


WRONG_UPDATES = {
    "bad UTF-8": {"data": b"\xff"},
    "a time of 400 digits": {"ts": b"9" * 400},
    "a number that is none": {"seq": b"true"},
    "number 0": {"seq": b"0"},
    "a number beyond 64 bits": {"seq": b"9" * 30},
    "an epoch with a line break": {"epoch": b"a\\r\\nX: y"},
    "an epoch that is long": {"epoch": b"e" * 17},
    "no epoch": {"epoch": b""},
    "another channel's": {"channel": b"7"},
}
WRONG_ANSWERS: dict[str, bytes] = {
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "500, closed": b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 4\r\n\r\noops",
    "302": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "zeros": bytes(100),
    "a chunk that is wrong": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "two answers": answer(cursor=1) + answer(cursor=2),
    "no cursor": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a cursor that is none": b"HTTP/1.1 204 No Content\r\nWirerace-Cursor: \xff 17\r\n\r\n",
    "no body": batch(b""),
    "no JSON": batch(b"{{{"),
    "no batch": batch(b'{"updates":{}}'),
    "brackets": batch(b'{"updates":[' + b"[" * 100_000),
    "brackets elsewhere": batch(b'{"x":' + b"[" * 100_000),
    "updates without a cursor": batch(b'{"updates":[%b]}' % update(), b""),
    **{name: updates(**fields) for name, fields in WRONG_UPDATES.items()},
}
WRONG_HANDSHAKES: dict[str, Answer] = {
    "200": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nnot yet",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n\r\n",
    "zeros": bytes(100) + b"\r\n\r\n",
    "another key's": b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "no head's end": b"HTTP/1.1 101 Switching Protocols\r\n" + b"X-Filler: x\r\n" * 10_000,
    "no cursor": lambda request: handshake(b"")(request).replace(b"Wirerace-Cursor", b"Other"),
    "a cursor that is none": lambda request: handshake(b"")(request).replace(b"e-3", b"\xff 17"),
}
WRONG_FRAMES: dict[str, bytes] = {
    "text that is no UTF-8": b"\x81\x01\xff",
    "binary that is no UTF-8": encode_frame(Opcode.BINARY, update(data=b"\xff")),
    "a frame that is masked": encode_frame(Opcode.TEXT, update(), b"mask"),
    "a close that is cut": b"\x88\x01\x03",
    "a close that is no UTF-8": b"\x88\x03\x03\xe8\xff",
    "a close": encode_close(CloseCode.GOING_AWAY, "bye"),
    "no JSON": encode_frame(Opcode.TEXT, b"{{{"),
    "no update": encode_frame(Opcode.TEXT, b"[]"),
    "brackets": encode_frame(Opcode.TEXT, b'{"x":' + b"[" * 100_000),
    "nothing": encode_frame(Opcode.TEXT, b""),
    **{name: encode_frame(Opcode.BINARY, update(**fields)) for name, fields in WRONG_UPDATES.items()},
}


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.user.OF_CLIENTS", Backoff(0.002, 0.01))


def nothing_is_logged(caplog: pytest.LogCaptureFixture, swarm: Swarm) -> bool:
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    return not errors and not swarm.runner.exceptions


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("user", ASKING)
@pytest.mark.parametrize("wrong", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_server_that_is_always_wrong_fails_every_request_once(
    serve: Serve, start: Start, caplog: pytest.LogCaptureFixture, user: type[SubscriberUser], wrong: bytes
) -> None:
    swarm = start(user, serve(*[wrong] * MANY), QUICK)
    swarm.wait_for(lambda: swarm.account.totals.responses["error"] >= 3)
    swarm.runner.stop()
    swarm.load.statistics.flush()
    total, account = swarm.environment.stats.total, swarm.account.totals

    assert 1.0 == total.fail_ratio
    assert account.responses["error"] == total.num_failures == total.num_requests
    assert {"data": 0, "empty": 0} == {name: account.responses[name] for name in ("data", "empty")}
    assert account.requests - account.responses["error"] in {0, 1}, "one may have been under way"
    assert (0, 0) == (account.received, account.breaks)
    assert nothing_is_logged(caplog, swarm)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("wrong", WRONG_HANDSHAKES.values(), ids=WRONG_HANDSHAKES)
def test_handshake_that_is_always_wrong_fails_every_time_once(
    serve: Serve, start: Start, caplog: pytest.LogCaptureFixture, wrong: Answer
) -> None:
    swarm = start(WebSocketUser, serve(*[wrong] * MANY))
    swarm.wait_for(lambda: swarm.account.totals.responses["error"] >= 3)
    swarm.runner.stop()
    swarm.load.statistics.flush()
    total, account = swarm.environment.stats.total, swarm.account.totals

    assert 1.0 == total.fail_ratio
    assert account.responses["error"] == total.num_failures == total.num_requests
    assert account.requests - account.responses["error"] in {0, 1}
    assert nothing_is_logged(caplog, swarm)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("wrong", WRONG_FRAMES.values(), ids=WRONG_FRAMES)
def test_frame_that_is_always_wrong_breaks_every_connection_once(
    serve: Serve, start: Start, caplog: pytest.LogCaptureFixture, wrong: bytes
) -> None:
    swarm = start(WebSocketUser, serve(*[handshake(wrong)] * MANY))
    swarm.wait_for(lambda: swarm.account.totals.breaks >= 3)
    swarm.runner.stop()
    swarm.load.statistics.flush()
    stats, account = swarm.environment.stats, swarm.account.totals

    assert account.breaks == stats.entries["/ws", "UPDATE"].num_failures
    assert 0 == stats.entries["/ws", "connect"].num_failures
    assert account.requests - account.breaks in {0, 1}
    assert 0 == account.received
    assert nothing_is_logged(caplog, swarm)


@pytest.mark.long
@pytest.mark.parametrize("wrong", ["no JSON", "bad UTF-8", "500", "500, closed", "101", "no HTTP"])
def test_poller_that_is_answered_wrongly_keeps_its_schedule(serve: Serve, start: Start, wrong: str) -> None:
    """One poll to subscribe, and then one in each interval, also after failures."""
    interval_seconds, begun = 0.1, time.monotonic()
    script = serve(answer(cursor=1), *[WRONG_ANSWERS[wrong]] * MANY)
    swarm = start(PollingUser, script, f"--polling-interval-seconds={interval_seconds}")
    swarm.wait_for(lambda: swarm.account.totals.responses["error"] >= 3)
    requests = swarm.account.totals.requests

    assert requests <= 2 + (time.monotonic() - begun) / interval_seconds


@pytest.mark.parametrize("user", [*ASKING, WebSocketUser])
def test_client_whose_every_other_answer_is_wrong_waits_longer_and_longer(
    serve: Serve, start: Start, monkeypatch: pytest.MonkeyPatch, user: type[SubscriberUser]
) -> None:
    """Otherwise one wrong byte in every other answer would make a client ask as fast as it can."""
    wrong = [handshake(WRONG_FRAMES["no JSON"])] if user is WebSocketUser else [answer(cursor=1), updates(data=b"\xff")]
    pauses: list[float] = []
    pause_after = SubscriberUser.pause_after

    def noted(self: SubscriberUser, error: Exception) -> float:
        pauses.append(pause_after(self, error))
        return 0.0

    monkeypatch.setattr(SubscriberUser, "pause_after", noted)
    swarm = start(user, serve(*wrong * MANY), QUICK)
    swarm.wait_for(lambda: len(pauses) >= 8)

    least, most = OF_CLIENTS
    due = [min(least * 2**number, most) for number in range(8)]
    assert all(wanted / 2 <= pause <= wanted for wanted, pause in zip(due, pauses, strict=False))


def test_backoff_is_reset_when_all_was_well_for_as_long_as_the_longest_pause(
    serve: Serve, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm = start(WebSocketUser, serve(handshake(b"")))
    swarm.wait_for(lambda: swarm.account.live_clients == 1)
    (client,) = swarm.load.clients_of("websocket")
    assert isinstance(client, SubscriberUser)
    error, (least, most) = ConnectionLost("gone"), OF_CLIENTS
    client.well_ns = 0
    pauses = [client.pause_after(error) for _ in range(8)]
    assert pauses[-1] >= most / 2

    now = time.time_ns()
    monkeypatch.setattr("loadtests.wall.now_ns", lambda: now)
    client.well_ns = now - round(most * 1e9)
    assert client.pause_after(error) >= most / 2
    client.well_ns = now - round(most * 1e9) - 1
    assert client.pause_after(error) <= least


def test_failures_that_all_differ_are_listed_up_to_a_bound(serve: Serve, start: Start) -> None:
    """Locust keeps each text for good, on the master, too."""
    swarm = start(PollingUser, serve())
    for number in range(1000):
        swarm.load.statistics.fail("GET", "/poll", f"500: request {number} failed", 1)
    swarm.load.statistics.flush()

    listed = [failure for failure in swarm.failures() if "/poll" in failure]
    assert 21 <= len(listed) <= 22, "and the connection that was refused"
    assert "GET /poll: other failures" in listed
    assert 1000 <= swarm.environment.stats.entries["/poll", "GET"].num_failures
