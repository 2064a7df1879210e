"""Senders: clients that send messages, as requests to any server or as frames on a WebSocket."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS, Update
from tests.contract.frames import TEXT, Peer, frame, shake_hands
from tests.contract.raw import Answer, Raw, get
from tests.contract.stage import Stage
from wirerace.transports import TRANSPORTS

SENT_NS = 1_790_000_000_000_000_000


class Reply(NamedTuple):
    """The answer to a message: 200 and what was acknowledged, or another status and why."""

    status: int
    acknowledged: dict[str, Any]
    why: str = ""

    @property
    def received(self) -> int:
        """When the server received the message, Unix nanoseconds."""
        return int(self.acknowledged["received"])


def message(n: int, client: str = "ann", data: str = "hello", ts: int = 0) -> bytes:
    """Return a message, which by default was to be sent `n` nanoseconds after SENT_NS."""
    return json.dumps({"client": client, "n": n, "ts": ts or SENT_NS + n, "data": data}).encode()


def post(body: bytes, query: str = "", *headers: str, version: str = "1.1") -> bytes:
    """Return the request that sends a message."""
    target = f"/send?{query}" if query else "/send"
    return get(target, f"Content-Length: {len(body)}", *headers, method="POST", version=version) + body


class Sender(ABC):
    """One client's connection for messages."""

    raw: Raw

    @classmethod
    @abstractmethod
    async def open(cls, stage: Stage, query: str = "") -> Self:
        """Connect to the server."""

    @abstractmethod
    async def begin(self, *messages: bytes) -> None:
        """Send messages, one behind the other."""

    @abstractmethod
    async def reply(self) -> Reply:
        """Return the answer to the first message that has none yet."""

    async def send(self, encoded: bytes) -> Reply:
        """Send a message, and return its answer."""
        await self.begin(encoded)
        return await self.reply()

    async def send_all(self, messages: Iterable[bytes]) -> list[Reply]:
        """Send messages one behind the other, and return their answers."""
        messages = list(messages)
        await self.begin(*messages)
        return [await self.reply() for _ in messages]


class Posting(Sender):
    """Sends requests."""

    def __init__(self, raw: Raw, query: str) -> None:
        self.raw = raw
        self._query = query

    @classmethod
    async def open(cls, stage: Stage, query: str = "") -> Self:
        return cls(await stage.connect(), query)

    async def begin(self, *messages: bytes) -> None:
        await self.raw.send(b"".join(post(encoded, self._query) for encoded in messages))

    async def reply(self) -> Reply:
        return reply_in(await self.raw.answer())


class Framing(Sender):
    """Sends frames on the connection on which it gets updates, which are in `updates`."""

    def __init__(self, peer: Peer) -> None:
        self.raw = peer.raw
        self.peer = peer
        self.updates: list[Update] = []

    @classmethod
    async def open(cls, stage: Stage, query: str = "") -> Self:
        return cls(await shake_hands(stage, query))

    async def begin(self, *messages: bytes) -> None:
        await self.raw.send(b"".join(frame(TEXT, encoded) for encoded in messages))

    async def reply(self) -> Reply:
        while True:
            found = await self.next()
            if isinstance(found, Reply):
                return found
            self.updates.append(found)

    async def update(self) -> Update:
        """Return the next update. No answer may come before it."""
        if self.updates:
            return self.updates.pop(0)
        found = await self.next()
        assert isinstance(found, Update), found
        return found

    async def next(self) -> Reply | Update:
        """Return what comes next."""
        received = await self.peer.next()
        assert received.opcode == TEXT, received
        assert isinstance(received.payload, bytes)
        fields = json.loads(received.payload)
        if "refused" in fields:
            return Reply(fields["refused"], {}, fields["why"])
        return Reply(200, fields) if "ack" in fields else Update(**fields)


def reply_in(answer: Answer) -> Reply:
    """Return what an answer says of a message."""
    return Reply(200, json.loads(answer.body)) if answer.status == 200 else Reply(answer.status, {}, answer.line)


SENDERS: dict[str, type[Sender]] = {"requests": Posting, "frames": Framing}
WAYS = [
    *((transport, "requests") for transport in TRANSPORTS),
    *((transport, "frames") for transport in WEBSOCKET_TRANSPORTS),
]
every_way = pytest.mark.parametrize(("transport", "by"), WAYS)
"""Runs tests with each way to send: `by` is its kind of sender."""


async def messages_counted(stage: Stage) -> tuple[float, float, float]:
    """Return how many messages were accepted, repeated and refused."""
    metrics = await stage.server.metrics()
    accepted, repeated, refused = (
        metrics[f'wirerace_messages_total{{outcome="{outcome}"}}'] for outcome in ("accepted", "repeated", "refused")
    )
    return accepted, repeated, refused
