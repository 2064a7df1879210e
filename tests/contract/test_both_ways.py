"""Both ways of serving answer alike: the same requests, whole, split and run together, get the same from either."""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator

import pytest

from tests.contract.clients import HTTP_TRANSPORTS
from tests.contract.raw import Raw, get
from tests.contract.stage import Running, Stage

UPDATES = 6
LAST_PIECE_BYTES = 100
CONVERSATIONS, REQUESTS = 40, 6
HEADERS = (
    "User-Agent: test", "X-Filling: " + "f" * 300, "Accept: */*", "Cookie: a=b; c", "Connection: keep-alive",
    "connection: Close", "Origin: http://a.test", "Sec-Fetch-Site: cross-site", "If-None-Match: *",
    'If-None-Match: W/"x", "y"', "Expect: 100-continue", "Expect: x", "Content-Encoding: gzip", "Content-Length: 0",
    "Transfer-Encoding: identity", "Upgrade: h2c", "Host: second", "Last-Event-ID: x-1", "Bad Name: x", ": x", "X:\x00",
    " folded: x", "X-Long: " + "x" * 9_000,
)  # fmt: skip
METHODS = ("GET",) * 40 + ("HEAD", "POST", "DELETE", "get", "OPTIONS")
PATHS = ("{path}",) * 40 + ("{path}/", "/health", "/nosuch", "//{path}", "http://test{path}", "*")
QUERIES = (
    "", "last=2", "last=0", "last=1&after={epoch}-1", "deliver=latest", "deliver=x", "channel=none", "channel=!",
    "hold=x", "after=x-y", "after=", "after={epoch}%2D1", "unknown=1", "&&", "after={epoch}-0&after={epoch}-4", "+",
    "a=b#c",
)  # fmt: skip
COUNTED = re.compile(
    r"wirerace_(clients|held_requests|(responses|deliveries|superseded|(payload|received|sent)_bytes)_)"
)


@pytest.fixture(params=HTTP_TRANSPORTS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    stage = Stage(str(request.param))
    await stage.start()
    yield stage
    await stage.close()


def some_request(chance: random.Random, stage: Stage) -> bytes:
    """Return a request: mostly one that clients send, else one with something odd."""
    epoch = stage.at(0).partition("-")[0]
    query = f"after={epoch}-{chance.randrange(UPDATES + 2)}"
    if chance.random() < 0.3:
        query = chance.choice(QUERIES).format(epoch=epoch)
    query += "&deliver=latest" if chance.random() < 0.1 else ""
    query += "" if stage.transport.name == "polling" or "hold" in query else "&hold=0"
    target = chance.choice(PATHS).format(path=stage.transport.path) + (f"?{query}" if query else "")
    headers = chance.sample(HEADERS, chance.choice((0, 0, 0, 1, 1, 2)))
    method, version = chance.choice(METHODS), chance.choice(("1.1",) * 9 + ("1.0",))
    whole = get(target, *headers, method=method, version=version)
    return chance.choice((whole,) * 19 + (whole.replace(b"Host: test\r\n", b""),))


async def told(server: Running, chance: random.Random, requests: list[bytes]) -> bytes:
    """Return all that a server answers to requests on one connection, without dates. They come in random pieces."""
    raw = await Raw.open(server.port)
    rest = asyncio.create_task(raw.rest())
    try:
        with contextlib.suppress(RuntimeError):  # of uvloop: the server has closed the connection
            for request in [*requests, get("/nosuch", "Connection: close")]:
                for piece in in_pieces(chance, request):
                    raw.post(piece)
                    await server.metric("clients")  # The server reads what was sent before it answers this.
        return re.sub(rb"Date: [^\r]*\r\n", b"", await rest)
    finally:
        raw.abort()


def in_pieces(chance: random.Random, data: bytes) -> list[bytes]:
    if chance.random() < 0.8:
        return [data]
    at = chance.randrange(len(data))
    return [data[:at], data[at:]]


async def counts(server: Running) -> dict[str, float]:
    return {name: value for name, value in (await server.metrics()).items() if COUNTED.match(name)}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_both_ways_answer_and_count_alike(stage: Stage, seed: int) -> None:
    hold = {} if stage.transport.name == "polling" else {"hold_seconds": 0.05}
    fast, plain = [await stage.serve(serving=way, **hold) for way in ("fast", "plain")]
    await stage.make_and_see(UPDATES)
    await fast.until_health(200, stage.head)
    chance = random.Random(seed)
    for _ in range(CONVERSATIONS):
        requests = [some_request(chance, stage) for _ in range(chance.randint(1, REQUESTS))]
        if chance.random() < 0.2:
            requests = [b"".join(requests)]
        state = chance.getrandbits(32)
        answers = [await told(server, random.Random(state), requests) for server in (fast, plain)]
        assert answers[0] == answers[1], requests
    for server in (fast, plain):
        await server.until_metric("clients", 0)
    counted = [await counts(server) for server in (fast, plain)]
    received = [found.pop("wirerace_received_bytes_total") for found in counted]
    assert counted[0] == counted[1]
    # A piece that comes when the server has just closed is read or not, on a busy machine.
    assert received[0] == pytest.approx(received[1], abs=LAST_PIECE_BYTES)
