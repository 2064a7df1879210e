"""What checks read without a server: heads, chunks, batches, lines of the report; and the feed that they make."""

import json

import pytest

from tests.checking.checked import feeding
from tests.contract.raw import Raw, get
from wirerace.checking.clients.polling import updates_in
from wirerace.checking.http import Answer, ChunkReader, answer_in, request
from wirerace.checking.talk import Patience
from wirerace.checking.verdicts import PromiseFinding, Unkept, first_bytes
from wirerace.report.checking import count_of, explained, line_of
from wirerace.wire.update import decode_update


def test_lines_of_one_header_are_one_list_and_names_are_in_lower_case() -> None:
    answer = answer_in(b"HTTP/1.1 200 OK\r\nVary: a\r\nVARY: b\r\nWirerace-Cursor: k3f9-1\r\n\r\n")
    assert (200, "a, b", "k3f9-1") == (answer.status, answer.headers["vary"], answer.cursor)


@pytest.mark.parametrize(
    ("head", "method", "size"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", 5),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", 0),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET", 0),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", 0),
        (b"HTTP/1.1 200 OK\r\n\r\n", "GET", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 5\r\n\r\n", "GET", None),
    ],
)
def test_size_of_a_body_is_what_rfc_9112_says(head: bytes, method: str, size: int | None) -> None:
    assert size == answer_in(head).body_bytes(method)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_server_of_http_1_0_closes_behind_its_answer(version: str) -> None:
    assert (version == "1.0") == answer_in(f"HTTP/{version} 200 OK\r\n\r\n".encode()).ends_the_connection


@pytest.mark.parametrize("head", [b"SSH-2.0\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\r\n\r\n"])
def test_what_is_no_head_is_shown(head: bytes) -> None:
    with pytest.raises(Unkept) as caught:
        answer_in(head)
    assert head == caught.value.seen


def test_chunks_are_read_in_every_split() -> None:
    whole = b"5\r\nhello\r\n1;name=value\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nbehind"
    for split in range(len(whole)):
        reader = ChunkReader()
        body = reader.feed(whole[:split]) + reader.feed(whole[split:])
        assert (b"hello 0123456789", True, b"behind") == (body, reader.has_ended, reader.unread)


@pytest.mark.parametrize("damaged", [b"zz\r\n", b"-1\r\nx\r\n", b"1\r\nxx\r\n", b"123456789\r\n", b"\r\n"])
def test_damaged_chunk_is_no_chunk(damaged: bytes) -> None:
    with pytest.raises(Unkept):
        ChunkReader().feed(damaged)


def test_batch_is_taken_apart_as_it_is_spelled() -> None:
    body = b'{ "updates" : [ {"seq" : 1}, {"seq":2} ], "more":true}'
    assert [b'{"seq" : 1}', b'{"seq":2}'] == updates_in(Answer(200, {}, b"", body))


def test_patience_ends_for_a_server_that_never_sent_a_byte_and_for_no_other() -> None:
    patience = Patience(3.0)
    patience.note(is_silent=True)
    assert 3.0 == patience.seconds
    patience.note(is_silent=True)
    assert 0.3 == patience.seconds
    patience.has_heard = True
    assert 3.0 == patience.seconds


def test_failure_is_explained_with_its_place_and_its_first_bytes_in_one_line() -> None:
    finding = PromiseFinding(
        id="resume",
        promise="It resumes.",
        section="Requests: Event streams",
        verdict="fail",
        expected="update k3f9-2",
        came="update k3f9-3",
        first_bytes=first_bytes(b'id: "\r\n\x00\xff\\'),
    )
    assert "FAIL         resume              It resumes." == line_of(finding)
    assert 'first bytes  id: "\\r\\n\\x00\\xff\\' == explained(finding).splitlines()[3].strip()
    assert explained(finding).endswith("promised in  docs/contract.md, \u201cRequests\u201d, \u201cEvent streams\u201d")
    assert "1 promise of SSE: 0 kept, 1 not kept." == count_of([finding], "SSE")


async def feed_lines(raw: Raw, after: str, count: int) -> list[bytes]:
    """Return the first lines of a feed behind a cursor."""
    await raw.send(get(f"/feed?after={after}"))
    assert 200 == (await raw.answer()).status
    chunks, body = ChunkReader(), b""
    while body.count(b"\n") < count:
        body += chunks.feed(await raw.some())
    return body.splitlines()[:count]


async def test_feed_resumes_and_keeps_nothing_of_an_epoch_before() -> None:
    async with feeding() as feed:
        port = int(feed.url.rpartition(":")[2])
        made = feed.make("a", "b", "c")
        raw = await Raw.open(port)
        assert made[1:] == [decode_update(line) for line in await feed_lines(raw, feed.at(1), 2)]
        feed.begin_epoch(first=8)
        (update,) = feed.make("d")
        assert 8 == update.seq
        again = await Raw.open(port)
        assert [update] == [decode_update(line) for line in await feed_lines(again, str(made[0].epoch) + "-3", 1)]
        assert [f"{made[0].epoch}-1", f"{made[0].epoch}-3"] == feed.asked
        raw.abort()
        again.abort()


async def test_feed_numbers_the_updates_of_all_channels_and_names_their_heads() -> None:
    async with feeding() as feed:
        feed.make("a")
        feed.make("b", channel="one")
        raw = await Raw.open(int(feed.url.rpartition(":")[2]))
        heads, first, second = await feed_lines(raw, "0-0", 3)
        assert {"heads": {"": 1, "one": 1}} == json.loads(heads)
        assert (b'{"epo', b'2 {"epo') == (first[:5], second[:7])
        raw.abort()


async def test_message_becomes_one_update_however_often_it_is_passed_on() -> None:
    async with feeding() as feed:
        body = json.dumps([["", "ann", 1, 5, "x"], ["nobody", "ann", 2, 5, "x"]]).encode()
        raw = await Raw.open(int(feed.url.rpartition(":")[2]))
        for _ in range(2):
            answer = await raw.ask(request("/messages", host="x", method="POST", body=body))
            assert [True, False] == json.loads(answer.body)
        assert 1 == feed.head
        raw.abort()
