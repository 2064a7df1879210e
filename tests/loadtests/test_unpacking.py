"""Compressed answers: unpacked whole and in pieces; damaged ones, and encodings that nobody asked for, are said."""

import gzip
import random
import zlib

import brotli
import pytest

from loadtests.bodies import BodyReader
from loadtests.http import HttpClient
from loadtests.pushed import decoded
from loadtests.sse import EventMessages
from loadtests.stream import LineMessages
from loadtests.streaming import StreamingClient
from loadtests.unpacking import (
    GZIP_WINDOW,
    BrotliUnpacker,
    GzipUnpacker,
    Unpacker,
    UnpackingMessages,
    accepting,
    unpacked,
    unpacker_of,
)
from tests.loadtests.script import Serve
from wirerace.errors import BadAnswer, ConnectionLost

LINES = [b'{"epoch":"e","seq":%d,"ts":1,"data":"%d"}' % (seq, seq) for seq in range(1, 40)]
UNPACKERS = pytest.mark.parametrize("unpacker", [GzipUnpacker, BrotliUnpacker])


def pieces_of(kind: type[Unpacker], lines: list[bytes]) -> list[bytes]:
    """Return each line compressed and flushed, as a proxy does that sends streams on at once."""
    if kind is GzipUnpacker:
        gzipped = zlib.compressobj(wbits=GZIP_WINDOW)
        return [gzipped.compress(line + b"\n") + gzipped.flush(zlib.Z_SYNC_FLUSH) for line in lines]
    packed = brotli.Compressor()
    return [packed.process(line + b"\n") + packed.flush() for line in lines]


@UNPACKERS
def test_each_flushed_line_comes_at_once(unpacker: type[Unpacker]) -> None:
    messages = UnpackingMessages(LineMessages(), unpacker())

    assert [[line] for line in LINES] == [messages.feed(piece) for piece in pieces_of(unpacker, LINES)]
    assert (messages.is_idle, messages.is_cut) == (False, False)


@UNPACKERS
def test_pieces_may_be_cut_anywhere(unpacker: type[Unpacker]) -> None:
    chance, whole = random.Random(7), b"".join(pieces_of(unpacker, LINES))
    for _ in range(20):
        messages, found, rest = UnpackingMessages(LineMessages(), unpacker()), list[bytes](), whole
        while rest:
            size = chance.randint(1, 60)
            found += messages.feed(rest[:size])
            rest = rest[size:]
        assert LINES == found


@pytest.mark.long
@UNPACKERS
def test_answers_of_any_size_are_unpacked(unpacker: type[Unpacker]) -> None:
    body = random.Random(1).randbytes(300_000)
    packed = gzip.compress(body) if unpacker is GzipUnpacker else brotli.compress(body)

    assert body == unpacker().unpack(packed)


@UNPACKERS
def test_damaged_stream_ends_the_connection(unpacker: type[Unpacker]) -> None:
    messages = UnpackingMessages(EventMessages(), unpacker())

    with pytest.raises(ConnectionLost, match="damaged"):
        messages.feed(b"this is not compressed at all, and long enough to be seen")


def test_encodings_that_nobody_asked_for_are_said() -> None:
    with pytest.raises(BadAnswer, match="Content-Encoding 'br', and the request asked for gzip"):
        unpacker_of(b"br", "gzip")
    with pytest.raises(BadAnswer, match="asked for none"):
        unpacked(b"x", b"gzip", "off")
    assert unpacker_of(b"Identity", "gzip") is None
    assert ("", "Accept-Encoding: br\r\n") == (accepting("off"), accepting("br"))


def test_body_is_read_with_what_its_head_names() -> None:
    """Two readers of the same bytes: what one has unpacked is not taken for the other's."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = pieces_of(GzipUnpacker, LINES[:3])
    for _ in range(2):
        body = BodyReader(LineMessages())
        body.feed(head)
        body.read_with(UnpackingMessages(LineMessages(), GzipUnpacker()))
        found = [body.messages_in(b"%x\r\n%b\r\n" % (len(piece), piece)) for piece in pieces]
        assert [[line] for line in LINES[:3]] == found
        assert [1] == [update.seq for update in decoded(found[0][0])]


def test_answer_is_unpacked_and_its_head_is_not_taken_for_a_plain_one(serve: Serve) -> None:
    bodies = [b'{"updates":[],"more":%s}' % more for more in (b"false", b"true")]
    answers = [
        b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-1\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(packed), packed)
        for packed in map(gzip.compress, bodies)
    ]
    script = serve(*answers)
    client = HttpClient(script.address, accepts="gzip")

    assert bodies == [client.get("/poll").body, client.get("/poll").body]
    assert b"\r\nAccept-Encoding: gzip\r\n" in script.requests[0]
    client.close()


def test_stream_is_unpacked_as_it_comes(serve: Serve) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nWirerace-Cursor: e-0\r\n"
        b"Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces_of(BrotliUnpacker, LINES)]
    script = serve(head + b"".join(chunks), piece_bytes=50)
    client, found = StreamingClient(script.address, "/stream", LineMessages(), accepts="br"), list[bytes]()
    while len(found) < len(LINES):
        found += client.receive()

    assert LINES == found
    assert b"\r\nAccept-Encoding: br\r\n" in script.requests[0]
    client.close()


def test_stream_with_an_encoding_that_nobody_asked_for_is_said(serve: Serve) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nWirerace-Cursor: e-0\r\n"
        b"Content-Encoding: gzip\r\n\r\n"
    )
    with pytest.raises(BadAnswer, match="the request asked for none"):
        StreamingClient(serve(head).address, "/stream", LineMessages())
