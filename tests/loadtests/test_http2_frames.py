"""Frames of HTTP/2, without a socket: the same whatever the pieces, and what is no HTTP/2 is said to be none."""

import itertools

import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, SettingsFrame, WindowUpdateFrame

from loadtests.http2_frames import DATA, GOAWAY, SETTINGS, FrameSplitter, farewell_in, unpadded, window_update
from wirerace.errors import BadAnswer, ConnectionLost

FRAMES = [
    SettingsFrame(0, settings={3: 100}).serialize(),
    DataFrame(5, b"x" * 300).serialize(),
    DataFrame(7, b"").serialize(),
    GoAwayFrame(0, last_stream_id=5, error_code=11, additional_data=b"calm down").serialize(),
]


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
    with pytest.raises(BadAnswer, match="^the server speaks no HTTP/2: it answered '") as caught:
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


def test_padding_is_dropped_and_more_of_it_than_the_frame_has_is_an_error() -> None:
    frame = DataFrame(5, b"data", pad_length=7, flags=["PADDED"]).serialize()
    assert b"data" == unpadded(frame)
    with pytest.raises(ConnectionLost, match="a frame of padding"):
        unpadded(frame[:9] + b"\xff" + frame[10:])


def test_window_update_is_as_hyperframe_writes_it() -> None:
    assert WindowUpdateFrame(5, window_increment=70_000).serialize() == window_update(5, 70_000)
