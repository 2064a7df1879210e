"""Broadcast with websockets, as in its documentation: every update that is posted goes to every client."""  # noqa: INP001 -- a program, no module

import asyncio
import sys

from aiohttp import web
from websockets.asyncio.server import ServerConnection, broadcast, serve

CLIENTS: set[ServerConnection] = set()


async def subscribe(client: ServerConnection) -> None:
    """Keep a client until it leaves."""
    CLIENTS.add(client)
    try:
        await client.wait_closed()
    finally:
        CLIENTS.remove(client)


async def publish(request: web.Request) -> web.Response:
    """Send an update to all clients."""
    broadcast(CLIENTS, await request.text())
    return web.Response(status=204)


async def main(port: int, publish_port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/publish", publish)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", publish_port).start()
    async with serve(subscribe, "127.0.0.1", port, compression=None, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
