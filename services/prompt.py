"""Prompt answers: what a server answers without aiohttp, found by the bytes of a request line."""

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial

from services.answers import CACHED_BYTES, Reply
from services.connection import ServerConnection
from services.fast import FastConnection, Handling
from services.held import HeldRequests
from services.ordinary import OrdinaryHead, OrdinaryHeads
from services.question import Asked
from services.recent import Recent
from services.turns import Turns
from wirerace.observe.metrics import ServiceMetrics

MOST_QUERY_CHARACTERS = 256
ENTRY_BYTES = 500
"""What a kept reply takes besides its bytes and its key."""


class Ready:
    """A reply to one target, until something newer comes: `version` is that of its channel. It is for the hot path."""

    __slots__ = ("_encoded", "_metrics", "_reply", "_stays", "recent", "version")

    def __init__(self, reply: Reply, recent: Recent, metrics: ServiceMetrics, *, stays: bool) -> None:
        self.recent = recent
        self.version = recent.version
        self._encoded = reply.encoded
        self._reply = reply
        self._stays = stays
        self._metrics = metrics

    def take(self, connection: FastConnection) -> None:
        """Answer a request."""
        connection.transport.write(self._encoded)
        self._reply.count_in(self._metrics)
        if not self._stays:
            connection.transport.close()


class PromptAnswers:
    """The answers to ordinary requests for one path, and the connections on which such requests come.

    A query is taken if it has no character that HTTP or aiohttp could read in two ways. It is read as aiohttp's is.
    """

    def __init__(
        self, asked: Asked, path: str, keep_alive_seconds: float, new_connection: Callable[[], ServerConnection]
    ) -> None:
        self.heads = OrdinaryHeads()
        self.turns = Turns()
        self.metrics = asked.metrics
        self.connections: set[FastConnection] = set()
        self.keep_alive_seconds = keep_alive_seconds
        self.new_connection = new_connection
        self.time = asyncio.get_running_loop().time
        self._asked = asked
        self._line = re.compile(
            rb"GET %b(?:\?([A-Za-z0-9=&._-]{0,%d}))?" % (re.escape(path.encode()), MOST_QUERY_CHARACTERS)
        )
        self._ready: dict[bytes, Ready] = {}
        self._ready_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._held: dict[bytes, HeldRequests] = {}

    def find(self, line: bytes, head: OrdinaryHead) -> Handling | None:
        """Return the answer to a request, or the requests with which it is to wait. None: aiohttp must answer."""
        key = line + head.key
        ready = self._ready.get(key)
        if ready is not None and ready.version == ready.recent.version:
            return ready
        return self._held.get(key) or self._found(key, line, head)

    def _found(self, key: bytes, line: bytes, head: OrdinaryHead) -> Handling | None:
        match = self._line.fullmatch(line)
        question = None if match is None else self._asked.question((match[1] or b"").decode(), head.tags)
        if question is None:
            return None
        recent = question.channel.recent
        position = recent.position(question.after)
        if question.hold_seconds and recent.head <= position:
            forget = partial(self._held.pop, key, None)
            held = self._held[key] = HeldRequests(self._asked, question, head, self.turns, forget)
            return held
        reply = self._asked.reply_to(question, position, self._asked.form_for(head.origin, stays=head.stays))
        size_bytes = len(reply.encoded) + len(key) + ENTRY_BYTES
        if self._ready_bytes + size_bytes > CACHED_BYTES:
            self._drop()
        self._ready_bytes += size_bytes
        if self._timer is None:  # The Date of an answer is never more than a second old.
            self._timer = asyncio.get_running_loop().call_later(1.0 - time.time() % 1.0, self._begin_second)
        ready = self._ready[key] = Ready(reply, recent, self.metrics, stays=head.stays)
        return ready

    def _begin_second(self) -> None:
        self._timer = None
        self._drop()

    def _drop(self) -> None:
        self._ready.clear()
        self._ready_bytes = 0

    def end(self) -> None:
        """Close all connections: held requests are answered already."""
        for connection in self.connections:
            connection.transport.close()
