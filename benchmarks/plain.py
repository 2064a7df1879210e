"""The plain servers: polling, long polling and WebSocket in the usual style of aiohttp, on uvloop.

They make their updates themselves and follow no producer, so they do a little less than our servers.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web

from wirerace.clock import now_ns
from wirerace.wire.update import CURSOR_HEADER

EPOCH = "a1b2c3d4"


class Waiters:
    """All updates that were ever made, and the clients that wait for the next one."""

    def __init__(self, rate_per_second: float, payload_bytes: int) -> None:
        self.updates: list[dict[str, object]] = []
        self.encoded: list[bytes] = []
        self.made = asyncio.Event()
        self.listeners: set[web.WebSocketResponse] = set()
        self._interval_seconds = 1 / rate_per_second
        self._data = "a" * payload_bytes

    async def make_for_ever(self) -> None:
        """Make an update at a fixed rate."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._interval_seconds
            await asyncio.sleep(due - loop.time())
            update = {"epoch": EPOCH, "seq": len(self.updates) + 1, "ts": now_ns(), "data": self._data}
            text = json.dumps(update)
            self.updates.append(update)
            self.encoded.append(text.encode())
            made, self.made = self.made, asyncio.Event()
            made.set()
            for listener in list(self.listeners):
                with contextlib.suppress(ConnectionError):  # It is about to leave.
                    await listener.send_str(text)

    def head(self) -> dict[str, str]:
        """Return the headers of every answer."""
        return {CURSOR_HEADER: f"{EPOCH}-{len(self.updates)}"}

    def seq_of(self, request: web.Request) -> int:
        """Return the seq that the client has already."""
        after = request.query.get("after")
        return len(self.updates) if after is None else int(after.partition("-")[2])

    async def poll(self, request: web.Request) -> web.Response:
        """Answer at once, with bytes that were encoded once."""
        newer = self.encoded[self.seq_of(request) :]
        if not newer:
            return web.Response(status=204, headers=self.head())
        body = b'{"updates":[' + b",".join(newer) + b"]}"
        return web.Response(body=body, content_type="application/json", headers=self.head())

    async def longpoll(self, request: web.Request) -> web.Response:
        """Answer when there is a newer update."""
        seq = self.seq_of(request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query.get("hold", "25"))):
                while len(self.updates) <= seq:
                    await self.made.wait()
        if len(self.updates) <= seq:
            return web.Response(status=204, headers=self.head())
        return web.json_response({"updates": self.updates[seq:]}, headers=self.head())

    async def ws(self, request: web.Request) -> web.WebSocketResponse:
        """Read until the client leaves."""
        listener = web.WebSocketResponse()
        await listener.prepare(request)
        self.listeners.add(listener)
        try:
            async for _ in listener:
                pass
        finally:
            self.listeners.discard(listener)
        return listener

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Make updates for as long as the application runs."""
        maker = asyncio.create_task(self.make_for_ever())
        yield
        maker.cancel()


def main() -> None:
    """Serve until SIGTERM: PORT RATE PAYLOAD_BYTES."""
    port, rate_per_second, payload_bytes = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    waiters = Waiters(rate_per_second, payload_bytes)
    app = web.Application()
    app.add_routes([web.get("/poll", waiters.poll), web.get("/longpoll", waiters.longpoll), web.get("/ws", waiters.ws)])
    app.cleanup_ctx.append(waiters.running)
    web.run_app(
        app, host="127.0.0.1", port=port, backlog=4096, access_log=None, print=None, shutdown_timeout=1.0, loop=loop
    )


if __name__ == "__main__":
    main()
