"""Prompt answers: what is kept of them is bounded, and dropped each second."""

import asyncio
import tracemalloc
from typing import Any

import pytest

from services.answers import CACHED_BYTES
from services.connection import ServerConnection
from services.polling import Polling, PollingServerOptions
from wirerace.wire.update import Update, encode_update

UPDATES = 40
ASKED = 4_000
KEPT_TWICE_BYTES = 2 * CACHED_BYTES + 4 * 1024 * 1024
"""By its position and by its target; and what the bounds do not count."""


class Wire:
    """A transport, and its socket, that remembers what was written."""

    written = b""

    def write(self, data: bytes) -> None:
        self.written = data

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _name: str) -> "Wire":
        return self

    def setsockopt(self, *_: object) -> None:
        pass


def ask(server: Polling, target: str) -> bytes:
    """Ask on a connection of its own, and return the answer."""
    wire = Wire()
    connection: Any = server.accept(ServerConnection)  # type: ignore[arg-type]  # it is not called
    connection.connection_made(wire)
    connection.data_received(f"GET /poll?{target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    connection.connection_lost(None)
    return wire.written


def serving() -> Polling:
    """Return a server with updates of 10 kB."""
    server = Polling(PollingServerOptions(port=0))
    server.feed.publish([encode_update(Update("e0", seq, 1, "x" * 10_000)) for seq in range(1, UPDATES + 1)])
    server.feed.caught_up = True
    return server


@pytest.mark.long
async def test_replies_to_many_targets_do_not_fill_the_memory() -> None:
    server = serving()
    tracemalloc.start()
    try:
        for number in range(ASKED):
            ask(server, f"after=e0-{UPDATES - number % 2}&x={number}")
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < KEPT_TWICE_BYTES
    assert ASKED == sum(server.metrics.responses.values())
    assert 0 == server.metrics.clients


@pytest.mark.long
async def test_reply_is_encoded_once_for_a_second() -> None:
    server = serving()
    first, second = (ask(server, "after=e0-1") for _ in range(2))
    assert first is second
    async with asyncio.timeout(5):
        while ask(server, "after=e0-1") is first:  # noqa: ASYNC110 -- a second announces nothing
            await asyncio.sleep(0.01)
