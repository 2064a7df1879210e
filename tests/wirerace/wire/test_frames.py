import itertools
import struct
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol

from tests.wirerace.wire.framing import MASK, Frame, read, splits_of
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import (
    CloseCode,
    Message,
    Opcode,
    close_code_of,
    encode_close,
    encode_frame,
)

DATA = (Opcode.TEXT, Opcode.BINARY)
# Where the length moves from 7 bits to 16, and from 16 to 64.
EDGE_SIZES = (0, 1, 3, 4, 5, 124, 125, 126, 127, 65_535, 65_536, 66_000)


class Stream(NamedTuple):
    """What one peer sends: `frames` carry `messages`."""

    masked: bool
    frames: list[Frame]
    messages: list[Message]

    def encoded(self) -> bytes:
        return b"".join(frame.encoded() for frame in self.frames)


payloads = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda size: (b"0123456789" * (size // 10 + 1))[:size], st.sampled_from(EDGE_SIZES)),
)
texts = st.one_of(
    st.text(max_size=20).map(str.encode),
    st.builds(lambda size: ("é" * (size // 2) + "x" * (size % 2)).encode(), st.sampled_from(EDGE_SIZES)),
)
control_messages = st.builds(Message, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125))
data_messages = st.one_of(
    st.builds(Message, st.just(Opcode.TEXT), texts), st.builds(Message, st.just(Opcode.BINARY), payloads)
)
close_messages = st.builds(
    lambda code, reason: Message(Opcode.CLOSE, struct.pack("!H", code) + reason.encode()),
    st.sampled_from([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]),
    st.text(max_size=30),
) | st.just(Message(Opcode.CLOSE, b""))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Draw messages, some in fragments with control frames between them, and perhaps a close at the end."""
    stream = Stream(draw(st.booleans()), [], [])
    masks = st.binary(min_size=4, max_size=4) if stream.masked else st.just(b"")

    def add_control() -> None:
        for message in draw(st.lists(control_messages, max_size=1)):
            stream.frames.append(Frame(*message, mask=draw(masks)))
            stream.messages.append(message)

    for message in draw(st.lists(data_messages, max_size=4)):
        size = len(message.payload)
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
        parts = [message.payload[start:stop] for start, stop in itertools.pairwise([0, *cuts, size])]
        for index, part in enumerate(parts):
            add_control()
            opcode = Opcode.CONTINUATION if index else message.opcode
            stream.frames.append(Frame(opcode, part, index == len(parts) - 1, draw(masks)))
        stream.messages.append(message)
    for message in draw(st.lists(close_messages, max_size=1)):
        stream.frames.append(Frame(*message, mask=draw(masks)))
        stream.messages.append(message)
    return stream


@st.composite
def split_streams(draw: st.DrawFn) -> tuple[Stream, list[bytes]]:
    stream = draw(streams())
    return stream, draw(splits_of(stream.encoded()))


def read_by_wsproto(chunks: Iterable[bytes], *, masked: bool) -> list[Message]:
    """Return the messages that wsproto reads, as one whole each."""
    protocol = FrameProtocol(client=not masked, extensions=[])
    messages: list[Message] = []
    parts: list[bytes] = []
    for chunk in chunks:
        protocol.receive_bytes(chunk)
        for frame in protocol.received_frames():
            opcode, payload = Opcode(frame.opcode), frame.payload
            if isinstance(payload, tuple):
                code, reason = payload
                messages.append(Message(opcode, b"" if code == 1005 else struct.pack("!H", code) + reason.encode()))
                continue
            part = payload.encode() if isinstance(payload, str) else bytes(payload)
            if opcode not in DATA:
                messages.append(Message(opcode, part))
                continue
            parts.append(part)
            if frame.message_finished:
                messages.append(Message(opcode, b"".join(parts)))
                parts.clear()
    return messages


@pytest.mark.long
@given(split_streams())
def test_reader_agrees_with_wsproto_however_a_stream_is_split(case: tuple[Stream, list[bytes]]) -> None:
    stream, chunks = case

    assert read_by_wsproto(chunks, masked=stream.masked) == read(chunks, masked=stream.masked)


@pytest.mark.long
@given(split_streams())
def test_reader_gives_the_messages_that_were_sent_however_they_are_split(case: tuple[Stream, list[bytes]]) -> None:
    stream, chunks = case

    assert stream.messages == read(chunks, masked=stream.masked)


@pytest.mark.long
@given(streams())
def test_reader_gives_the_messages_that_were_sent_when_each_read_brings_one_frame(stream: Stream) -> None:
    assert stream.messages == read([frame.encoded() for frame in stream.frames], masked=stream.masked)


@pytest.mark.parametrize("masked", [False, True])
def test_reader_takes_a_stream_byte_by_byte_and_cut_anywhere(masked: bool) -> None:
    mask = MASK if masked else b""
    frames = [
        Frame(Opcode.TEXT, b"a" * 126, fin=False, mask=mask),
        Frame(Opcode.PING, b"p" * 125, mask=mask),
        Frame(Opcode.CONTINUATION, "né".encode(), mask=mask),
        Frame(Opcode.BINARY, b"", mask=mask),
    ]
    data = b"".join(frame.encoded() for frame in frames)
    expected = [
        Message(Opcode.PING, b"p" * 125),
        Message(Opcode.TEXT, b"a" * 126 + "né".encode()),
        Message(Opcode.BINARY, b""),
    ]

    assert expected == read([bytes([byte]) for byte in data], masked=masked)
    assert [expected] * len(data) == [read([data[:cut], data[cut:]], masked=masked) for cut in range(len(data))]


def test_payload_that_looks_like_a_frame_is_none() -> None:
    inner = Frame(Opcode.TEXT, b"inner").encoded()
    whole = Frame(Opcode.BINARY, inner).encoded()

    assert [Message(Opcode.BINARY, inner)] == read([whole[:2], inner], masked=False)


def test_text_ends_where_its_length_says_whatever_else_the_read_brings() -> None:
    text, begin, end = (
        Frame(Opcode.TEXT, b"text"),
        Frame(Opcode.TEXT, b"be", fin=False),
        Frame(Opcode.CONTINUATION, b"gun"),
    )
    expected = [Message(Opcode.TEXT, b"text"), Message(Opcode.TEXT, b"begun")]

    assert expected == read([text.encoded() + begin.encoded(), end.encoded()], masked=False)


@given(st.lists(st.one_of(data_messages, control_messages), max_size=4), st.sampled_from([b"", MASK]))
def test_wsproto_reads_what_we_encode(messages: list[Message], mask: bytes) -> None:
    encoded = [encode_frame(message.opcode, message.payload, mask) for message in messages]

    assert messages == read_by_wsproto(encoded, masked=bool(mask))


@given(st.sampled_from(CloseCode), st.text(max_size=30), st.sampled_from([b"", MASK]))
def test_wsproto_reads_the_close_that_we_encode(code: CloseCode, reason: str, mask: bytes) -> None:
    expected = [Message(Opcode.CLOSE, struct.pack("!H", code) + reason.encode())]

    assert expected == read_by_wsproto([encode_close(code, reason, mask)], masked=bool(mask))


def test_close_frame_has_its_code() -> None:
    assert [1001, None] == [close_code_of(b"\x03\xe9bye"), close_code_of(b"")]


def test_message_of_the_most_bytes_allowed_is_taken_whole_or_in_fragments() -> None:
    frames = [
        Frame(Opcode.BINARY, b"a" * 200),
        Frame(Opcode.BINARY, b"a" * 199, fin=False),
        Frame(Opcode.CONTINUATION, b"a", fin=False),
        Frame(Opcode.CONTINUATION, b""),
    ]
    encoded = [frame.encoded() for frame in frames]

    assert [Message(Opcode.BINARY, b"a" * 200)] * 2 == read(encoded, masked=False, most_bytes=200)


def test_control_frames_between_fragments_do_not_count_towards_the_message() -> None:
    frames = [Frame(Opcode.BINARY, b"ab", fin=False), Frame(Opcode.PING, b"a" * 125), Frame(Opcode.CONTINUATION, b"c")]
    encoded = [frame.encoded() for frame in frames]
    expected = [Message(Opcode.PING, b"a" * 125), Message(Opcode.BINARY, b"abc")]

    assert expected == read(encoded, masked=False, most_bytes=3)


def test_flood_of_empty_fragments_takes_no_memory() -> None:
    reader = FrameReader(masked=False, max_message_bytes=10)
    flood = Frame(Opcode.CONTINUATION, b"", fin=False).encoded() * 1000

    assert [] == list(reader.feed(Frame(Opcode.TEXT, b"a", fin=False).encoded() + flood))
    assert b"a" == reader._fragments


@pytest.mark.parametrize("mask", [b"", MASK], ids=["from a server", "from a client"])
def test_payload_that_is_not_whole_is_kept_once(mask: bytes) -> None:
    """Each read once copied all that had come before: a message in small pieces took time in the square of its size."""
    reader = FrameReader(masked=bool(mask), max_message_bytes=1000)
    data = Frame(Opcode.BINARY, bytes(range(200)), mask=mask).encoded()
    begun = data[:150]

    assert [] == list(reader.feed(begun))
    assert (0, True, True) == (reader.cut_bytes, reader.is_cut, reader.is_unfinished)
    assert bytes(range(200))[: len(reader._fragments)] == reader._fragments
    assert [Message(Opcode.BINARY, bytes(range(200)))] == list(reader.feed(data[150:]))
    assert (0, False, False) == (reader.cut_bytes, reader.is_cut, reader.is_unfinished)
    assert not reader._fragments
