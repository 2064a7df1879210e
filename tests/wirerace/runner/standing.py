"""A small server in a thread of its own, in place of somebody else's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Protocol

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Stand:
    """A small server in a thread of its own. `made` is set when an update is to be made."""

    def __init__(self, handle: Handler, tls: SSLContext | None = None) -> None:
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._handle = handle
        self.made = asyncio.Event()
        self.requests: list[dict[str, str]] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,))
        self._thread.start()
        assert ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _serve(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._asked, handler_cancellation=True), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._runner.addresses[0][1]}/updates"

    async def _asked(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(dict(request.headers))
        return await self._handle(request)

    def prime(self) -> None:
        self._loop.call_soon_threadsafe(self.made.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class Begin(Protocol):
    """Starts a server."""

    def __call__(self, handle: Handler, tls: SSLContext | None = None) -> Stand: ...


async def knows_nothing(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=404, text="no such\npath")
