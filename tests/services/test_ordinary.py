"""Ordinary heads: those that aiohttp's parser reads as one request, without anything that changes the answer."""

import pytest
from aiohttp import web

from services.ordinary import MOST_HEAD_BYTES, MOST_HEADS, OrdinaryHead, OrdinaryHeads, read_head

HOST = b"Host: a\r\n"
SILENT = OrdinaryHead(b"", stays=True, origin="", tags=None)
ORDINARY = {
    "least": (HOST + b"\r\n", SILENT),
    "a browser's": (HOST + b"User-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\nCookie: a=b\r\n\r\n", SILENT),
    "of another case": (b"hOST: a\r\n\r\n", SILENT),
    "close": (HOST + b"Connection: close\r\n\r\n", SILENT._replace(stays=False)),
    "close among others": (HOST + b"Connection: x, Close\r\n\r\n", SILENT._replace(stays=False)),
    "a page": (HOST + b"Origin: http://A\r\n\r\n", SILENT._replace(origin="http://A")),
    "a tag": (HOST + b'If-None-Match: W/"a"\r\n\r\n', SILENT._replace(tags=('"a"',))),
    "tags": (HOST + b'If-None-Match: "a", *\r\nif-none-match: "b"\r\n\r\n', SILENT._replace(tags=('"a"', "*", '"b"'))),
    "no tag": (HOST + b"If-None-Match: x\r\n\r\n", SILENT._replace(tags=())),
}
OTHERS = {
    "nothing": b"",
    "no end": HOST,
    "half an end": HOST + b"\r",
    "no host": b"\r\n",
    "two hosts": HOST + HOST + b"\r\n",
    "a body": HOST + b"Content-Length: 1\r\n\r\nx",
    "a length": HOST + b"Content-Length: 1\r\n\r\n",
    "no length": HOST + b"Content-Length: 0\r\n\r\n",
    "chunks": HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an upgrade": HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an expectation": HOST + b"Expect: 100-continue\r\n\r\n",
    "an encoding": HOST + b"content-encoding: gzip\r\n\r\n",
    "a second request": HOST + b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "half a second request": HOST + b"\r\nGE",
    "an empty line": HOST + b"\r\n\r\n",
    "a space in a name": HOST + b"a b: c\r\n\r\n",
    "a folded line": HOST + b"a: b\r\n c\r\n\r\n",
    "a zero byte": HOST + b"a: \0\r\n\r\n",
    "a value that is too long": HOST + b"a: " + b"x" * 10_000 + b"\r\n\r\n",
    "too many headers": HOST + b"a: b\r\n" * 1_000 + b"\r\n",
}


@pytest.mark.parametrize(("encoded", "head"), ORDINARY.values(), ids=ORDINARY)
async def test_head_is_ordinary(encoded: bytes, head: OrdinaryHead) -> None:
    found = read_head(encoded)
    assert found is not None
    assert head == found._replace(key=b"")
    assert (head == SILENT) == (found.key == b"")
    heads = OrdinaryHeads()
    assert found == heads.learn(encoded)
    assert {encoded: found} == heads.known


async def test_heads_that_say_different_things_have_different_keys() -> None:
    said = {head: found.key for encoded, head in ORDINARY.values() if (found := read_head(encoded)) is not None}
    assert len(said) == len(set(said.values()))


@pytest.mark.parametrize("head", OTHERS.values(), ids=OTHERS)
async def test_head_is_not_ordinary(head: bytes) -> None:
    assert read_head(head) is None
    heads = OrdinaryHeads()
    assert not heads.learn(head)
    assert not heads.learn(head)
    assert head not in heads.known


@pytest.mark.long
async def test_heads_that_vary_do_not_fill_the_memory() -> None:
    heads = OrdinaryHeads()
    for number in range(3 * MOST_HEADS):
        assert heads.learn(HOST + b"X: %d\r\n\r\n" % number)
        assert not heads.learn(HOST + b"Expect: x\r\nX: %d\r\n\r\n" % number)
        assert len(heads.known) <= MOST_HEADS
        assert len(heads.others) <= MOST_HEADS
    long = HOST + b"X: " + b"x" * MOST_HEAD_BYTES + b"\r\n\r\n"
    assert not heads.learn(long)
    assert not {long} & (heads.known.keys() | heads.others)


def test_what_a_connection_uses_of_aiohttp_exists() -> None:
    """These names are aiohttp's own, and may change with its version, which is pinned."""
    slots = {name for parent in web.RequestHandler.__mro__ for name in getattr(parent, "__slots__", ())}
    assert {"_loop", "_messages", "_request_count"} <= slots
