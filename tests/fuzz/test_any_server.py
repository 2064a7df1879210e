"""What any server sends to users of somebody's locustfile: answers, event streams, lines, frames."""

from contextlib import suppress
from random import Random
from unittest.mock import patch

import pytest

from loadtests.stamped.events import EVENT_STREAM, WholeEvents
from loadtests.stamped.failures import ServerEnded, as_exception
from loadtests.stamped.requests import AnyClient, lines_of, target_of
from loadtests.stamped.streams import AnyStream, BodyLines
from loadtests.stamped.websockets import AnyWebSocket
from tests.fuzz.fuzzing import damaged, damaged_text, fuzzed, refuses_by_errors_of_its_own
from tests.fuzz.test_peers import ADDRESS, ANSWERS, CHUNKS, HANDSHAKE, Scripted
from wirerace.errors import WireraceError
from wirerace.wire.frames import Opcode, encode_frame

LINES = b"one\r\ntwo\n\nthree"
EVENTS = b"retry: 5\n\nid: 7\nevent: tick\ndata: a\ndata: b\n\n: beat\n\ndata: c\n\n"
STREAMS = tuple(
    b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b" % (kind, rest)
    for kind, body in ((b"text/event-stream", EVENTS), (b"text/plain", LINES))
    for rest in (
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        b"\r\n%b" % body,
    )
)
FRAMES = encode_frame(Opcode.TEXT, b"one") + encode_frame(Opcode.BINARY, b"\xff") + encode_frame(Opcode.PING, b"x")


def failing_well(content: bytes, chunk_bytes: int, module: str, reads: int = 9) -> list[object]:
    """Return what a client reads. What fails must have a text of one line for Locust's table."""
    found: list[object] = []
    with patch(f"{module}.open_connection", lambda *_: Scripted(content, chunk_bytes)), suppress(ServerEnded):
        try:
            if module == "loadtests.http":
                client = AnyClient(ADDRESS)
                found.extend(client.ask("GET", "/", "Host: a\r\n", None) for _ in range(2))
            elif module == "loadtests.ws":
                with patch("loadtests.ws.os.urandom", bytes):
                    socket = AnyWebSocket(ADDRESS, "/", headers="Host: a\r\n")
                    for _ in range(reads):
                        found.extend(socket.receive_messages())
            else:
                for messages, kind in ((WholeEvents("", None), EVENT_STREAM), (BodyLines(), "")):
                    with suppress(WireraceError):
                        stream = AnyStream(ADDRESS, b"", messages, content_type=kind)
                        for _ in range(reads):
                            found.extend(stream.receive_any())
        except WireraceError as error:
            if not repr(as_exception(error)).isprintable():
                pytest.fail(repr(as_exception(error)))
            raise
    return found


@pytest.mark.long
@fuzzed
def test_answers(random: Random) -> None:
    content, chunk_bytes = damaged(random, ANSWERS), random.choice(CHUNKS)
    refuses_by_errors_of_its_own(lambda given: failing_well(given, chunk_bytes, "loadtests.http"), content)


@fuzzed
def test_streams(random: Random) -> None:
    content, chunk_bytes = damaged(random, STREAMS), random.choice(CHUNKS)
    refuses_by_errors_of_its_own(lambda given: failing_well(given, chunk_bytes, "loadtests.streaming"), content)


@fuzzed
def test_frames(random: Random) -> None:
    content, chunk_bytes = damaged(random, [HANDSHAKE + FRAMES]), random.choice(CHUNKS)
    refuses_by_errors_of_its_own(lambda given: failing_well(given, chunk_bytes, "loadtests.ws"), content)


@fuzzed
def test_targets_and_headers(random: Random) -> None:
    text = damaged_text(random, (b"/a?b=c%20d", b"http://127.0.0.1:8080/a", b"ws://[::1]:9/"))
    refuses_by_errors_of_its_own(lambda given: lines_of(target_of("http://a", given), {"Name": given}), text)


def test_what_is_damaged_was_whole() -> None:
    for content in STREAMS:
        assert failing_well(content, 7, "loadtests.streaming")
    assert 2 == len(failing_well(HANDSHAKE + FRAMES, 7, "loadtests.ws", reads=2))
    assert 2 == len(failing_well(2 * ANSWERS[0], len(ANSWERS[0]), "loadtests.http"))
