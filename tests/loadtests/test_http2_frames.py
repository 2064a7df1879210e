"""Frames of HTTP/2, without a socket: the same whatever the pieces, and what is no HTTP/2 is said to be none."""

import itertools

import pytest
from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from loadtests.http2_frames import (
    DATA,
    GOAWAY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameSplitter,
    farewell_in,
    frame_of,
    head_frames,
    numbered_frame,
)
from loadtests.http2_headers import unpacked_head
from wirerace.errors import BadAnswer, ConnectionLost

FRAMES = [
    SettingsFrame(0, settings={3: 100}).serialize(),
    DataFrame(5, b"x" * 300).serialize(),
    DataFrame(7, b"").serialize(),
    GoAwayFrame(0, last_stream_id=5, error_code=11, additional_data=b"calm down").serialize(),
]


def begun() -> FrameSplitter:
    splitter = FrameSplitter()
    list(splitter.feed(FRAMES[0]))
    return splitter


@pytest.mark.parametrize("piece_bytes", [1, 2, 8, 9, 10, 300, 10_000])
def test_frames_are_the_same_however_they_come(piece_bytes: int) -> None:
    wire, splitter = b"".join(FRAMES), FrameSplitter()
    pieces = [wire[at : at + piece_bytes] for at in range(0, len(wire), piece_bytes)]
    found = list(itertools.chain.from_iterable(splitter.feed(piece) for piece in pieces))

    assert FRAMES == [frame.wire for frame in found]
    assert [(SETTINGS, 0), (DATA, 5), (DATA, 7), (GOAWAY, 0)] == [(frame.kind, frame.stream_id) for frame in found]
    assert found[-1].is_last
    assert not splitter.unfinished


def test_frame_with_something_behind_it_in_the_same_read_is_not_the_last() -> None:
    splitter = FrameSplitter()
    wire = b"".join(FRAMES[:2])

    assert [False, True] == [frame.is_last for frame in splitter.feed(wire)]
    assert [False] == [frame.is_last for frame in splitter.feed(FRAMES[1] + FRAMES[1][:20])]


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", FRAMES[1]]
)
def test_server_that_speaks_something_else_is_named_with_its_first_line(said: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"^the server speaks no HTTP/2: it answered '") as caught:
        list(FrameSplitter().feed(said))
    assert "Server: x" not in str(caught.value)


def test_frame_larger_than_allowed_is_refused_at_its_head() -> None:
    splitter = FrameSplitter()
    list(splitter.feed(FRAMES[0]))
    with pytest.raises(ConnectionLost, match="a frame of 16385 bytes"):
        list(splitter.feed((16_385).to_bytes(3, "big") + b"\x00\x00\x00\x00\x00\x01"))


def test_farewell_has_the_last_stream_the_reason_and_the_words() -> None:
    assert (5, 11, "calm down") == farewell_in(FRAMES[3][9:])
    with pytest.raises(ConnectionLost, match="a GOAWAY of 3 bytes"):
        farewell_in(b"abc")


def test_padding_and_priority_are_dropped_and_more_of_them_than_the_frame_has_is_an_error() -> None:
    data = DataFrame(5, b"data", pad_length=7, flags=["PADDED"])
    head = HeadersFrame(5, b"head", pad_length=2, flags=["PADDED", "PRIORITY", "END_HEADERS"], stream_weight=7)
    wire = data.serialize() + head.serialize()

    assert [b"data", b"head"] == [frame.payload for frame in begun().feed(wire)]
    (frame,) = begun().feed(wire[:9] + b"\xff" + wire[10 : 9 + 12])
    with pytest.raises(ConnectionLost, match="a frame of padding"):
        assert frame.payload


def test_frames_are_as_hyperframe_writes_them() -> None:
    assert WindowUpdateFrame(5, window_increment=70_000).serialize() == numbered_frame(WINDOW_UPDATE, 5, 70_000)
    assert RstStreamFrame(5, error_code=8).serialize() == numbered_frame(RST_STREAM, 5, 8)
    ((frame),) = begun().feed(numbered_frame(RST_STREAM, 5, 8))
    assert frame.number == 8
    (frame,) = begun().feed(frame_of(RST_STREAM, 0, 5, b"abc"))
    with pytest.raises(ConnectionLost, match="a frame of type 3 with 12 bytes"):
        assert frame.number


def test_headers_beyond_a_frame_continue() -> None:
    wire = head_frames(5, b"x" * 25, 10, is_end=True)
    first = HeadersFrame(5, b"x" * 10, flags=["END_STREAM"])
    parts = [ContinuationFrame(5, b"x" * 10), ContinuationFrame(5, b"x" * 5, flags=["END_HEADERS"])]

    assert b"".join(frame.serialize() for frame in [first, *parts]) == wire
    assert HeadersFrame(5, b"x", flags=["END_HEADERS"]).serialize() == head_frames(5, b"x", 10, is_end=False)


def test_same_block_is_unpacked_once_where_a_server_has_no_table() -> None:
    encoder, headers = Encoder(), [(b":status", b"200"), (b"wirerace-cursor", b"e-7")]
    encoder.header_table_size = 0
    first, block = encoder.encode(headers), encoder.encode(headers)
    decoder, other = Decoder(), Decoder()
    for one in (decoder, other):
        assert dict(headers) == unpacked_head(one, first)  # it says how large the table is

    assert dict(headers) == unpacked_head(decoder, block)
    assert unpacked_head(decoder, block) is unpacked_head(other, block)


def test_block_that_refers_to_others_is_unpacked_each_time() -> None:
    encoder, decoder = Encoder(), Decoder()
    for cursor in (b"e-7", b"e-7", b"e-8", b"e-7"):
        headers = [(b":status", b"200"), (b"wirerace-cursor", cursor)]
        assert dict(headers) == unpacked_head(decoder, encoder.encode(headers))


def test_damaged_block_ends_the_connection() -> None:
    with pytest.raises(ConnectionLost, match="the server broke HTTP/2: "):
        unpacked_head(Decoder(), b"\xff\xff\xff")
