"""Server-Sent Events: the reader agrees with another one on every stream and every split of it."""

from itertools import pairwise

import pytest
from httpx_sse._decoders import SSEDecoder
from hypothesis import given
from hypothesis import strategies as st

from wirerace.wire.event_stream import EventReader, EventTooLarge, ServerEvent, encode_event

NAMES = ("data", "id", "event", "retry", "", "datas", "Data", " data", "other")
VALUES = ("", " ", "x", " x", "  x", "a: b", "ünï", "12", "1x", "٣", "\0", "k3f9-17", ":", "{}")
ENDS = ("\n", "\r", "\r\n")
LINES = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(NAMES), st.sampled_from((":", "")), st.sampled_from(VALUES)),
    st.just(""),
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(ENDS)), max_size=30).map(
    lambda lines: "".join(line + end for line, end in lines)
)


def split_at(data: bytes, places: list[int]) -> list[bytes]:
    """Return the parts of bytes between some places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[low:high] for low, high in pairwise(bounds)]


def read(*parts: bytes) -> tuple[list[ServerEvent], EventReader]:
    reader = EventReader()
    return [event for part in parts for event in reader.feed(part)], reader


def read_by_the_other(text: str) -> list[tuple[str, str, str]]:
    """Return what httpx-sse reads, without events of no data, which it does not leave out as the standard says.

    Its decoder takes lines, whose ends are found here.
    """
    decoder, found = SSEDecoder(), []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    for line in lines:
        event = decoder.decode(line)
        if event is not None and event.data:
            found.append((event.id, event.event, event.data))
    return found


@pytest.mark.long
@given(STREAMS, st.lists(st.integers(0, 500), max_size=8))
def test_every_split_of_every_stream_is_read_as_another_reader_reads_it(text: str, places: list[int]) -> None:
    data = text.encode()
    events, _ = read(*split_at(data, places))
    others = read_by_the_other(text)

    assert [(event.id, event.kind, event.data.decode()) for event in events if event.data] == [
        (identity, kind or "message", said) for identity, kind, said in others
    ]


@given(STREAMS, st.lists(st.integers(0, 500), max_size=8))
def test_splits_do_not_matter(text: str, places: list[int]) -> None:
    data = text.encode()
    whole, split = read(data), read(*split_at(data, places))

    assert whole[0] == split[0]
    assert (whole[1].last_id, whole[1].retry_ms) == (split[1].last_id, split[1].retry_ms)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: x\n\n", [("", "message", b"x")]),
        (b"data:x\n\n", [("", "message", b"x")]),
        (b"data:  x\n\n", [("", "message", b" x")]),
        (b"data: a\ndata: b\n\n", [("", "message", b"a\nb")]),
        (b"data\n\n", [("", "message", b"")]),
        (b"data:\ndata:\n\n", [("", "message", b"\n")]),
        (b": only a comment\n\n", []),
        (b":\ndata: x\n\n", [("", "message", b"x")]),
        (b"event: e\n\ndata: x\n\n", [("", "message", b"x")]),
        (b"event: e\ndata: x\n\n", [("", "e", b"x")]),
        (b"id: 1\ndata: x\n\ndata: y\n\n", [("1", "message", b"x"), ("1", "message", b"y")]),
        (b"id: 1\n\ndata: x\n\n", [("1", "message", b"x")]),
        (b"id: 1\ndata: x\n\nid\ndata: y\n\n", [("1", "message", b"x"), ("", "message", b"y")]),
        (b"id: 1\ndata: x\n\nid: \x002\ndata: y\n\n", [("1", "message", b"x"), ("1", "message", b"y")]),
        (b"\xef\xbb\xbfdata: x\n\n", [("", "message", b"x")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []),
        (b"\n\n\ndata: x\n\n", [("", "message", b"x")]),
        (b"data: x\r\rdata: y\r\n\r\n", [("", "message", b"x"), ("", "message", b"y")]),
        (b"data: x\n", []),
        (b"data: x", []),
        (b"id: 7\ndata: x", []),
        (b"data: \xff\n\n", [("", "message", b"\xff")]),
    ],
)
def test_rules_of_the_standard_hold(stream: bytes, expected: list[tuple[str, str, bytes]]) -> None:
    for size in range(1, len(stream) + 1):
        parts = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert expected == [tuple(event) for event in read(*parts)[0]], size


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"retry: 2000", 2000),
        (b"retry:0", 0),
        (b"retry: 1.5", None),
        (b"retry: -1", None),
        (b"retry: 1e3", None),
        (b"retry", None),
        (b"retry: " + b"9" * 5_000, None),
        ("retry: ٣".encode(), None),
        (b"retry: 12 ", None),
    ],
)
def test_time_to_wait_is_digits_only(line: bytes, expected: int | None) -> None:
    assert expected == read(line + b"\n")[1].retry_ms


def test_id_of_an_event_that_is_not_whole_is_not_sent_back() -> None:
    """Else the event would be lost: the server would continue after it."""
    _, reader = read(b"id: 1\ndata: x\n\nid: 2\ndata: y\n")

    assert "1" == reader.last_id
    assert reader.is_cut


def test_reader_knows_whether_a_part_of_an_event_has_come() -> None:
    reader = EventReader()
    for part, is_cut in ((b"data: x\n", True), (b"\n", False), (b":", True), (b"\n", False), (b"id: 1\n", True)):
        reader.feed(part)
        assert is_cut is reader.is_cut, part


def test_what_is_encoded_is_read_as_one_event() -> None:
    events, reader = read(encode_event(b"k3f9-17", b'{"x": 1}'))

    assert [ServerEvent("k3f9-17", "message", b'{"x": 1}')] == events
    assert "k3f9-17" == reader.last_id


def test_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirerace.wire.event_stream.MOST_EVENT_BYTES", 100)
    with pytest.raises(EventTooLarge):
        read(b"data: " + b"x" * 100)
    with pytest.raises(EventTooLarge):
        read(*[b"data: x\n"] * 101)


@pytest.mark.long
def test_lines_without_data_have_a_bound_too() -> None:
    with pytest.raises(EventTooLarge):
        EventReader().feed(b"data:\n" * 3_000_000)
