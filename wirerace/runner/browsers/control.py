"""The browser's process: Chromium with its tabs, the page that they load, and a port at which it is asked for both."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from pathlib import Path

import msgspec
from aiohttp import web

from wirerace.decoding import decode_json
from wirerace.errors import TrialFailed, WireraceError
from wirerace.options import variable_of
from wirerace.runner.browsers.chromium import start
from wirerace.runner.browsers.order import HOST, CloseTab, TabsOrder, origin_of
from wirerace.runner.browsers.page import ISOLATION, page
from wirerace.runner.browsers.tabs import Tabs

PARENT_EVERY_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_application() -> web.Application:
    """Return what serves the page of the tabs."""

    async def index(_request: web.Request) -> web.Response:
        return web.Response(text=page(), content_type="text/html", headers=ISOLATION | {"Cache-Control": "no-store"})

    application = web.Application()
    application.add_routes([web.get("/", index)])
    return application


def control_application(tabs: Tabs, token: str) -> web.Application:
    """Return what answers the run: every request needs the token."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        brought = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not compare_digest(brought, f"Bearer {token}".encode()):
            return web.Response(status=403, text="this needs the token of the run\n")
        try:
            return await handler(request)
        except WireraceError as error:
            return web.Response(status=503, text=f"{error}\n")

    async def state(_request: web.Request) -> web.Response:
        return _json(await tabs.state())

    async def close(request: web.Request) -> web.Response:
        await tabs.close(decode_json(await request.read(), CloseTab, "the request").index)
        return _json(await tabs.state())

    async def finish(_request: web.Request) -> web.Response:
        return _json(await tabs.ledgers())

    application = web.Application(middlewares=[guard])
    application.add_routes([web.get("/state", state), web.post("/close", close), web.post("/finish", finish)])
    return application


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


async def serve(order: TabsOrder, token: str, parent_pid: int) -> None:
    """Keep the tabs open until a signal comes, or this process's parent has ended.

    Raises TrialFailed when Chromium ends by itself, or when a tab cannot be opened.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="wirerace-tabs-", ignore_cleanup_errors=True) as profile:
        chromium = await start(order.chromium, Path(profile))
        tabs = Tabs(chromium, order, origin_of(order.page_port))
        runners = [
            await _listening(page_application(), order.page_port),
            await _listening(control_application(tabs, token), order.control_port),
        ]
        opening, end = asyncio.create_task(tabs.open()), asyncio.create_task(_end(stop, parent_pid))
        try:
            await _first_end(opening, [end, chromium.ended])
            if chromium.ended.done():
                raise TrialFailed("Chromium has ended by itself")
        finally:
            opening.cancel()
            end.cancel()
            for runner in runners:
                await runner.cleanup()
            await chromium.close()


async def _first_end(opening: "asyncio.Task[None]", others: "list[asyncio.Task[None]]") -> None:
    """Wait for the first of the others to end. An opening that fails ends it, too."""
    ended, _ = await asyncio.wait([opening, *others], return_when=asyncio.FIRST_COMPLETED)
    if opening in ended:
        opening.result()
        await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)


async def _end(stop: asyncio.Event, parent_pid: int) -> None:
    """Wait until a signal comes, or until the parent has ended."""
    while not parent_pid or os.getppid() == parent_pid:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PARENT_EVERY_SECONDS)
            return


async def _listening(application: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    return runner


def main(order: str) -> int:
    """Return the exit code: 1 when the browser failed, with the reason in the log."""
    parent_pid = int(os.environ.get(variable_of("parent_pid"), "0"))
    token = os.environ.pop(variable_of("control_token"), "")
    try:
        asyncio.run(serve(decode_json(order.encode(), TabsOrder, "the order"), token, parent_pid))
    except WireraceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
