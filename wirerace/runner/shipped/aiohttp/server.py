"""Broadcast with aiohttp, the plain way: every update that is posted is sent to one client after the other."""  # noqa: INP001 -- a program, no module

import asyncio
import sys

from aiohttp import web

SOCKETS: set[web.WebSocketResponse] = set()
STREAMS: dict[web.StreamResponse, asyncio.Event] = {}


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Keep a WebSocket until its client leaves."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    SOCKETS.add(socket)
    try:
        async for _ in socket:
            pass
    finally:
        SOCKETS.discard(socket)
    return socket


async def events(request: web.Request) -> web.StreamResponse:
    """Keep an event stream until a write to it fails."""
    stream, is_lost = web.StreamResponse(headers={"Content-Type": "text/event-stream"}), asyncio.Event()
    await stream.prepare(request)
    STREAMS[stream] = is_lost
    try:
        await is_lost.wait()
    finally:
        STREAMS.pop(stream, None)
    return stream


async def publish(request: web.Request) -> web.Response:
    """Send an update to all clients."""
    update = await request.text()
    for socket in list(SOCKETS):
        try:
            await socket.send_str(update)
        except ConnectionError:
            SOCKETS.discard(socket)
    event = f"data: {update}\n\n".encode()
    for stream, is_lost in list(STREAMS.items()):
        try:
            await stream.write(event)
        except ConnectionError:
            is_lost.set()
    return web.Response(status=204)


def main(port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_get("/ws", websocket)
    app.router.add_get("/sse", events)
    app.router.add_post("/publish", publish)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=4096)


if __name__ == "__main__":
    main(int(sys.argv[1]))
