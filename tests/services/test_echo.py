"""Echo without sockets: at any pace of the client, each message comes back once and in order, and little is kept."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.echo import Echoing
from services.fanout import Fanout, Subscriber
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, Message, Opcode, encode_close, encode_frame

MASK = b"\x01\x80\xff\x00"
MOST_BYTES = 50
"""The largest message, its frame's head included."""
HIGH_BYTES, PORTION_BYTES = 40, 16
"""As if the transport's buffer and a portion were small."""


class Line:
    """A connection and its transport; the client reads what lies in `unread` when it likes to."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.is_reading = True
        self.kept_bytes = 0
        self.drained = asyncio.Event()
        self.drained.set()

    @property
    def writing_paused(self) -> bool:
        return not self.drained.is_set()

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def write(self, data: bytes) -> None:
        self.unread += data
        self.kept_bytes = max(self.kept_bytes, len(self.unread))
        if len(self.unread) > HIGH_BYTES:
            self.drained.clear()

    def read(self, size_bytes: int) -> bytes:
        data = bytes(self.unread[:size_bytes])
        del self.unread[:size_bytes]
        if not self.unread:
            self.drained.set()
        return data

    async def drain(self) -> None:
        await self.drained.wait()

    def is_closing(self) -> bool:
        return False

    def write_eof(self) -> None:
        """Nothing ends here but by the test's end."""

    abort = write_eof

    def get_write_buffer_size(self) -> int:
        return len(self.unread)


def echoing_on(line: Line) -> Echoing:
    metrics: Any = ServiceMetrics(CollectorRegistry())
    transport: Any = line
    client: Any = SimpleNamespace(
        subscriber=Subscriber(transport, metrics), fanout=Fanout(metrics, 1), metrics=metrics, connection=line
    )
    return Echoing(client, FrameReader(masked=True, max_message_bytes=1000))


async def play(line: Line, pieces: list[bytes], paces: list[int], expected_bytes: int) -> bytes:
    """Let a client send pieces whenever the server reads, and read at its own pace; return what it has read."""
    returning, read, paces = echoing_on(line), b"", [*paces, 1000]
    catching_up = asyncio.create_task(returning.catch_up(line.drain))
    async with asyncio.timeout(30):
        while pieces or len(read) < expected_bytes or not line.is_reading:
            if pieces and line.is_reading:
                returning.feed_data(pieces.pop(0))
            read += line.read(paces.pop(0) if len(paces) > 1 else paces[0])
            await asyncio.sleep(0)
    catching_up.cancel()
    return read


messages = st.one_of(
    st.builds(Message, st.just(Opcode.TEXT), st.text(max_size=10).map(str.encode)),
    st.builds(Message, st.just(Opcode.BINARY), st.binary(max_size=40)),
)


@pytest.mark.long
@given(st.lists(messages, max_size=30), st.integers(1, 60), st.lists(st.sampled_from([0, 0, 0, 7, 60]), max_size=40))
async def test_messages_come_back_in_order_and_little_is_kept(
    sent: list[Message], piece_bytes: int, paces: list[int]
) -> None:
    data = b"".join(encode_frame(*message, MASK) for message in sent)
    expected = b"".join(encode_frame(*message) for message in sent)
    line = Line()
    with patch("services.echo.PORTION_BYTES", PORTION_BYTES):
        pieces = [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)]
        assert expected == await play(line, pieces, paces, len(expected))
    assert line.kept_bytes <= HIGH_BYTES + PORTION_BYTES + MOST_BYTES


async def test_client_whose_messages_come_one_by_one_is_not_read_either_while_it_does_not_read() -> None:
    line = Line()
    returning, message = echoing_on(line), encode_frame(Opcode.BINARY, b"x" * 10, MASK)
    returning.feed_data(message)
    assert line.is_reading
    for _ in range(HIGH_BYTES // 10):
        returning.feed_data(message)
    assert not line.is_reading


async def test_bytes_after_the_last_answer_are_forgotten_and_reading_goes_on() -> None:
    """So that the client's end is noticed."""
    line, farewell = Line(), encode_close(CloseCode.GOING_AWAY)
    returning = echoing_on(line)
    catching_up = asyncio.create_task(returning.catch_up(line.drain))
    returning.feed_data(20 * encode_frame(Opcode.BINARY, b"x" * 900, MASK))
    await asyncio.sleep(0)
    assert not line.is_reading
    returning._subscriber.finish(farewell)
    line.read(20_000)
    await catching_up
    assert line.is_reading
    returning.feed_data(b"z" * 100_000)
    assert b"" == returning._unread
