"""The link to a producer: any split of its bytes brings the same updates, and every end has its reason."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feed_link import MOST_HEAD_BYTES, BadFeed, FeedReader, follow_link
from wirerace.wire.update import Cursor

WAIT_SECONDS = 30.0
HEAD = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e0-4\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.0 200 OK\r\nWirerace-Cursor: e0-4\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
LINES = [b'{"heads":{}}', b"1 {}", "ä".encode(), b"", b"x" * 300, b"0", b"zz", b"HTTP/1.1 200 OK"]
AFTERWARDS = {
    "nothing": b"",
    "its end": b"0\r\n\r\n",
    "an end with a trailer": b"0\r\nWirerace-Cursor: e9-9\r\n\r\n",
    "another answer": b"0\r\n\r\n" + HEAD + b"3\r\nno\n\r\n",
    "no chunk": b"zz\r\nno\n\r\n",
    "half a chunk": b"5\r\nno\nno",
    "a chunk without an end": b"3\r\nno\nno\n",
}
ENDS = {
    "another status": (b"HTTP/1.1 404 Not Found\r\n\r\n", "it answers with 404"),
    "no content": (b"HTTP/1.1 204 No Content\r\nWirerace-Cursor: e0-4\r\n\r\n", "it answers with 204"),
    "elsewhere": (b"HTTP/1.1 302 Found\r\nLocation: /feed\r\n\r\n", "it answers with 302"),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\nWirerace-Cursor: e0-4\r\n\r\n",
        "it answers with 101",
    ),
    "no cursor": (HEAD.replace(b"Wirerace-", b""), "its answer has no cursor in Wirerace-Cursor: it is no producer; "),
    "nonsense for a cursor": (HEAD.replace(b"e0-4", b"4"), "its answer has no cursor in Wirerace-Cursor: "),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "it sends no HTTP: "),
    "a header without an end": (HEAD[:20] + b"x" * MOST_HEAD_BYTES, "its head has more than 65536 bytes"),
    "headers without an end": (HEAD[:-2] + b"X: y\r\n" * 20_000, "its head has more than 65536 bytes"),
    "early hints without an end": (EARLY * 2_000, "its head has more than 65536 bytes"),
}  # fmt: skip


class Read(NamedTuple):
    """What was read of an answer: the cursors of its heads, its lines as they were published, and how it has ended."""

    cursors: list[str]
    published: list[list[bytes]]
    end: str

    @property
    def lines(self) -> list[bytes]:
        return [line for lines in self.published for line in lines]


def read(*parts: bytes) -> Read:
    cursors: list[Cursor] = []
    published: list[list[bytes]] = []
    reader = FeedReader(cursors.append, published.append)
    end = ""
    try:
        for part in parts:
            reader.feed(part)
    except (BadFeed, ConnectionError) as error:
        end = f"{type(error).__name__}: {error}"
    return Read([str(cursor) for cursor in cursors], published, end)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return data in parts that end at places, which may lie behind it."""
    ends = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


def chunked(body: bytes, places: list[int]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in cut(body, places) if part)


PLACES = st.lists(st.integers(0, 1500), max_size=12)


@pytest.mark.long
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=8),
    chunks=PLACES,
    reads=PLACES,
    afterwards=st.sampled_from(sorted(AFTERWARDS)),
    early=st.booleans(),
)
def test_any_split_of_an_answer_brings_the_same_lines_and_the_same_end(
    lines: list[bytes], chunks: list[int], reads: list[int], afterwards: str, *, early: bool
) -> None:
    body = b"".join(line + b"\n" for line in lines)
    answer = EARLY * early + HEAD + chunked(body, chunks) + AFTERWARDS[afterwards]
    whole, split = read(answer), read(*cut(answer, reads))
    assert ["e0-4"] == whole.cursors == split.cursors
    assert [line for line in lines if line] == [line for line in whole.lines if line != b"no"]
    assert whole.lines == split.lines
    assert whole.end == split.end == read(*(bytes([byte]) for byte in answer)).end
    assert len(whole.published) <= 1


@given(lines=st.lists(st.sampled_from(LINES), max_size=8), reads=PLACES)
def test_body_that_ends_with_the_connection_is_read(lines: list[bytes], reads: list[int]) -> None:
    body = b"".join(line + b"\n" for line in lines)
    found = read(*cut(PLAIN + body, reads))
    assert (["e0-4"], [line for line in lines if line], "") == (found.cursors, found.lines, "")


@pytest.mark.parametrize("answer", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("size_bytes", [1, 1000, 10_000_000])
def test_answer_that_is_no_feed_is_refused(answer: tuple[bytes, str], size_bytes: int) -> None:
    said, why = answer
    found = read(*(said[begin : begin + size_bytes] for begin in range(0, len(said), size_bytes)))
    assert ([], []) == (found.cursors, found.published)
    assert found.end.startswith(f"BadFeed: {why}")


def test_head_of_the_most_bytes_is_read() -> None:
    padded = HEAD[:-2] + b"X: " + b"x" * (MOST_HEAD_BYTES - len(HEAD) - 5) + b"\r\n\r\n"
    assert MOST_HEAD_BYTES == len(padded)
    assert ["e0-4"] == read(padded + b"3\r\nab\n\r\n").cursors


def test_line_without_an_end_is_refused_after_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.feed_link.MOST_LINE_BYTES", 10)
    found = read(HEAD, chunked(b"one\ntwo\n" + b"x" * 11, []))
    assert ([b"one", b"two"], "BadFeed: a line has more than 10 bytes") == (found.lines, found.end)


def test_error_of_the_server_s_own_is_raised_as_it_is() -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("mine")

    for reader in FeedReader(fail, lambda _: None), FeedReader(lambda _: None, fail):
        with pytest.raises(ZeroDivisionError, match="mine"):
            reader.feed(HEAD + b"3\r\nab\n\r\n")


class Peer(NamedTuple):
    """What listens at `url`; `asked` has what each connection has sent, `closed` is set when one has ended."""

    url: str
    asked: list[bytes]
    closed: asyncio.Event


Listen = Callable[..., Awaitable[Peer]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Answer each request with bytes and, unless the connection is to stay, close it."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes, host: str = "127.0.0.1", *, stays: bool = True) -> Peer:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer.asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            if stays:
                await reader.read()
            writer.close()
            peer.closed.set()

        servers.append(await asyncio.start_server(connected, host, 0))
        port = servers[-1].sockets[0].getsockname()[1]
        peer = Peer(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", [], asyncio.Event())
        return peer

    yield start
    for server in servers:
        server.close()


def followed(url: str, published: list[list[bytes]], silence_seconds: float = WAIT_SECONDS) -> "asyncio.Task[None]":
    reader = FeedReader(lambda _: None, published.append)
    return asyncio.create_task(follow_link(url, Cursor("e0", 3), reader, silence_seconds))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_link_asks_once_and_ends_with_the_answer(listen: Listen, host: str) -> None:
    peer = await listen(HEAD + b"3\r\nab\n\r\n0\r\n\r\n", host)
    published: list[list[bytes]] = []
    with pytest.raises(ConnectionError, match=r"^it has ended$"):
        await asyncio.wait_for(followed(peer.url, published), WAIT_SECONDS)
    await asyncio.wait_for(peer.closed.wait(), WAIT_SECONDS)
    authority = peer.url.removeprefix("http://").encode()
    assert [b"GET /feed?after=e0-3 HTTP/1.1\r\nHost: %b\r\n\r\n" % authority] == peer.asked
    assert [[b"ab"]] == published


@pytest.mark.parametrize("said", [b"", HEAD[:9], HEAD, HEAD + b"3\r\nab"])
async def test_link_ends_with_its_connection(listen: Listen, said: bytes) -> None:
    peer = await listen(said, stays=False)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(followed(peer.url, []), WAIT_SECONDS)


@pytest.mark.long
@pytest.mark.parametrize("said", [b"", HEAD[:9], HEAD, HEAD + b"3\r\nab"])
async def test_link_that_is_silent_is_lost_and_closed(listen: Listen, said: bytes) -> None:
    peer = await listen(said)
    with pytest.raises(TimeoutError, match=r"^it was silent for 0\.6 s$"):
        await asyncio.wait_for(followed(peer.url, [], 0.6), WAIT_SECONDS)
    await asyncio.wait_for(peer.closed.wait(), WAIT_SECONDS)


async def test_link_that_is_cancelled_is_closed(listen: Listen) -> None:
    peer, begun = await listen(HEAD), asyncio.Event()
    reader = FeedReader(lambda _: begun.set(), lambda _: None)
    task = asyncio.create_task(follow_link(peer.url, Cursor("e0", 3), reader, WAIT_SECONDS))
    async with asyncio.timeout(WAIT_SECONDS):
        await begun.wait()
        task.cancel()
        await peer.closed.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_defect_ends_the_link_and_is_raised(listen: Listen) -> None:
    peer = await listen(HEAD + b"3\r\nab\n\r\n")

    def fail(_: object) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await asyncio.wait_for(
            follow_link(peer.url, Cursor("e0", 3), FeedReader(lambda _: None, fail), WAIT_SECONDS), WAIT_SECONDS
        )
    await asyncio.wait_for(peer.closed.wait(), WAIT_SECONDS)


async def test_port_on_which_nothing_listens_is_named() -> None:
    with pytest.raises(ConnectionRefusedError, match="Connect call failed"):
        await followed("http://127.0.0.1:1", [])
