"""Plain heads: what is read without a parser is what the parser would have found."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.answers import AnswerReader
from loadtests.heads import MOST_PLAIN, PlainHeads

DATA = b"HTTP/1.1 200 OK\r\nDate: now\r\nWirerace-Cursor: e-7\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\nDate: now\r\nWirerace-Cursor: e-7\r\n\r\n"


def parsed(data: bytes) -> AnswerReader | None:
    """Return the one whole answer in bytes, as httptools reads it; None if they are something else."""
    reader = AnswerReader()
    try:
        reader.feed(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    return reader if reader.is_whole and not reader.has_more else None


def taught(*examples: bytes) -> PlainHeads:
    """Return heads that have learned what a client learns from answers."""
    heads = PlainHeads()
    for data in examples:
        answer = parsed(data)
        if answer is not None and answer.stays_open:
            heads.learn(data, answer.status, answer.cursor, answer.body)
    return heads


def test_answer_with_another_cursor_and_length_is_read() -> None:
    heads = taught(DATA, EMPTY)
    other = DATA.replace(b"e-7", b"abc-123").replace(b": 5", b": 11").replace(b"hello", b"hello again")

    assert (200, "abc-123", b"hello again") == heads.read(other)
    assert (204, "e-8", b"") == heads.read(EMPTY.replace(b"e-7", b"e-8"))


def test_cursor_may_come_after_the_length() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nWirerace-Cursor: e-7\r\n\r\nhello"
    assert (200, "e-7", b"hello") == taught(data).read(data)


@pytest.mark.parametrize(
    "data",
    [
        DATA[:-1],
        DATA + b"!",
        DATA + DATA,
        EMPTY + b"H",
        EMPTY + EMPTY,
        DATA.replace(b"e-7", b"e 7"),
        DATA.replace(b"e-7", b""),
        DATA.replace(b"now", b"then"),
        DATA.replace(b": 5", b": +5"),
        DATA.replace(b": 5", b": 05"),
        DATA.replace(b"200", b"201"),
        DATA.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        DATA.replace(b"Wirerace-Cursor", b"wirerace-cursor"),
        DATA[DATA.index(b"\r\n\r\n") :],
        b"",
    ],
)
def test_what_is_not_certainly_plain_is_left_to_the_parser(data: bytes) -> None:
    found, answer = taught(DATA, EMPTY).read(data), parsed(data)
    assert found is None or (answer is not None and found == (answer.status, answer.cursor.decode(), answer.body))


@pytest.mark.parametrize(
    "data",
    [
        DATA.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        DATA.replace(b"\r\n\r\n", b"\r\nWirerace-Cursor: e-8\r\n\r\n"),
        DATA.replace(b"\r\n\r\n", b"\r\nwirerace-cursor: e-7\r\n\r\n"),
        DATA.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
        DATA.replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"HTTP/1.1 103 Early Hints\r\nWirerace-Cursor: e-6\r\n\r\n" + DATA,
        b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nWirerace-Cursor: e-7\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_head_that_says_more_is_never_learned(data: bytes) -> None:
    assert taught(data).read(data) is None


@given(st.binary(max_size=12), st.integers(0, len(DATA)), st.integers(0, 12), st.sampled_from([DATA, EMPTY]))
def test_damaged_answers_are_never_read_otherwise_than_by_the_parser(
    junk: bytes, at: int, drop: int, answer: bytes
) -> None:
    damaged = answer[:at] + junk + answer[at + drop :]
    for heads in (taught(DATA, EMPTY), taught(damaged)):
        found, expected = heads.read(damaged), parsed(damaged)
        assert found is None or expected is not None
        assert found is None or found == (expected.status, expected.cursor.decode(), expected.body)  # type: ignore[union-attr]


def test_read_that_is_equal_to_the_one_before_is_read_alike() -> None:
    heads = taught(DATA, EMPTY)
    for data in (DATA, DATA, EMPTY, DATA):
        assert heads.read(data) == taught(data).read(bytes(bytearray(data)))


def test_number_of_known_heads_is_bounded() -> None:
    heads = taught(*(DATA.replace(b"now", str(second).encode()) for second in range(MOST_PLAIN + 1)))
    assert heads.read(DATA.replace(b"now", b"0")) is None
    assert heads.read(DATA.replace(b"now", str(MOST_PLAIN).encode())) is not None
