"""A small server that knows nothing of Wirerace: a ticker, headlines, what is newest, and a report."""

import asyncio
import json
import threading
import time
from collections import Counter
from typing import Self

from aiohttp import web

PAUSE_SECONDS = 0.02


def made_now() -> str:
    return json.dumps({"made_at_ns": time.time_ns()})


class ForeignServer:
    """Serves in a thread. `asked` counts requests by path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.said: list[str] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application()
        gets = {"/ticker": self._ticker, "/headlines": self._headlines, "/latest": self._latest}
        app.add_routes([web.get(path, handler) for path, handler in gets.items()])
        app.add_routes([web.post("/report", self._report)])
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._is_up.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _ticker(self, request: web.Request) -> web.WebSocketResponse:
        self.asked[request.path] += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.said.append(await socket.receive_str())
        await socket.send_str('{"subscribed": "EURUSD"}')
        while not socket.closed:
            try:
                await socket.send_str(made_now())
                await socket.receive(timeout=PAUSE_SECONDS)
            except TimeoutError:
                pass
            except ConnectionError:
                break
        return socket

    async def _headlines(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        first = int(request.headers.get("Last-Event-ID", "0"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 20\n\n")
        for number in range(first + 1, first + 4):
            await response.write(b"id: %d\nevent: headline\ndata: %b\n\n" % (number, made_now().encode()))
            await asyncio.sleep(PAUSE_SECONDS)
        return response

    async def _latest(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        return web.Response(text=made_now())

    async def _report(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        self.said.append((await request.read()).decode())
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(3):
            await response.write(b"line %d\n" % number)
        return response
