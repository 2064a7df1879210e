"""Bodies without end: however bytes are split and by which reader before, each reader finds its own messages."""

import gc
import itertools
import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import bodies
from loadtests.bodies import AnswerParser, BodyReader, MessageReader
from loadtests.sse import EventMessages
from loadtests.stream import LineMessages
from wirerace.errors import ConnectionLost
from wirerace.wire.event_stream import encode_event

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nTransfer-Encoding: chunked\r\n\r\n"
READERS: list[Callable[[], MessageReader]] = [EventMessages, LineMessages]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def spelled(reader: Callable[[], MessageReader], data: bytes) -> bytes:
    return encode_event(b"e-1", data) if reader is EventMessages else data + b"\n"


def split(stream: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield a stream in pieces, cut at some places."""
    places = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    for start, end in itertools.pairwise(places):
        if start < end:
            yield stream[start:end]


def read_by(reader: Callable[[], MessageReader], pieces: list[bytes]) -> list[bytes]:
    """Return the messages that a new reader finds."""
    body = BodyReader(reader())
    return [message for piece in pieces for message in body.messages_in(piece)]


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
@given(
    st.lists(st.sampled_from([b"1", b"22", b"a\tb"]), min_size=1, max_size=5),
    st.lists(st.lists(st.integers(0, 400), max_size=6), min_size=1, max_size=4),
    st.lists(st.integers(0, 200), max_size=3),
)
def test_messages_are_the_same_however_the_clients_before_were_served(
    reader: Callable[[], MessageReader], messages: list[bytes], clients: list[list[int]], seams: list[int]
) -> None:
    """Chunks need not end where messages do, nor reads where chunks do."""
    body = b"".join(spelled(reader, message) for message in messages)
    stream = HEAD + b"".join(chunk(piece) for piece in split(body, seams))

    for cuts in clients:
        assert messages == read_by(reader, list(split(stream, cuts)))
        assert messages == read_by(reader, [HEAD, *split(stream[len(HEAD) :], cuts)])


@pytest.mark.parametrize("reader", READERS)
def test_a_chunk_that_all_clients_receive_is_taken_apart_once(
    reader: Callable[[], MessageReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_LAST", {})
    fed: list[bytes] = []
    read = [BodyReader(reader()) for _ in range(3)]
    take = BodyReader.feed

    def feed(body: BodyReader, data: bytes) -> None:
        fed.append(data)
        take(body, data)

    monkeypatch.setattr(BodyReader, "feed", feed)
    first, update = chunk(spelled(reader, b"0")), chunk(spelled(reader, b"1"))
    for body in read:
        body.messages_in(HEAD + first)
    fed.clear()

    assert [[b"1"]] * 3 == [body.messages_in(update) for body in read]
    assert [update] == fed
    assert [[b"1"]] * 3 == [body.messages_in(update) for body in read], "the same bytes again are another message"


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_inside_a_chunk_or_a_message_takes_the_same_bytes_for_something_else(
    reader: Callable[[], MessageReader],
) -> None:
    update = chunk(spelled(reader, b"1"))
    assert [b"1", b"1"] == read_by(reader, [HEAD + update, update])

    inside = BodyReader(reader())
    inside.feed(HEAD + b"%x\r\n" % (len(update) + 2))
    assert reader().feed(update) == inside.messages_in(update)
    with pytest.raises(ConnectionLost):
        inside.feed(b"xx!")


@pytest.mark.parametrize("spare", [0, 1])
@pytest.mark.parametrize("reader", READERS)
def test_readers_between_two_chunks_share_a_parser(
    reader: Callable[[], MessageReader], spare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each client would keep one otherwise. Where there are enough spare ones, a reader keeps its own."""
    monkeypatch.setattr(bodies, "_LAST", {})
    monkeypatch.setattr(bodies, "_BETWEEN", [])
    monkeypatch.setattr(bodies, "MOST_BETWEEN", spare)
    first, other = BodyReader(reader()), BodyReader(reader())
    for body in (first, other):
        body.messages_in(HEAD + chunk(spelled(reader, b"0")))

    whole = chunk(spelled(reader, b"1"))
    assert [] == first.messages_in(whole[:3]), "it has a parser of its own inside a chunk"
    assert [b"2"] == other.messages_in(chunk(spelled(reader, b"2")))
    assert [b"1"] == first.messages_in(whole[3:])
    assert spare == len(bodies._BETWEEN)
    with pytest.raises(ConnectionLost):
        other.messages_in(b"xx!")
    assert [] == first.messages_in(b"0\r\n\r\n")
    assert first.has_ended
    assert not other.has_ended


@pytest.mark.parametrize("reader", READERS)
def test_parser_of_a_head_is_freed_and_never_shared(
    reader: Callable[[], MessageReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head may say that the connection closes. And the collector of a load process looks rarely."""
    monkeypatch.setattr(bodies, "_LAST", {})
    monkeypatch.setattr(bodies, "_BETWEEN", [])
    parsers: list[weakref.ref[AnswerParser]] = []

    class Watched(AnswerParser):
        __slots__ = ("__weakref__",)

        def __init__(self) -> None:
            super().__init__()
            parsers.append(weakref.ref(self))

    monkeypatch.setattr(bodies, "AnswerParser", Watched)
    gc.disable()
    try:
        body = BodyReader(reader())
        body.messages_in(HEAD + chunk(spelled(reader, b"0")))
        assert [None] == [parser() for parser in parsers]
        assert not bodies._BETWEEN
    finally:
        gc.enable()
