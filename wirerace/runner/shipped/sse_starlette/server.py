"""Broadcast with sse-starlette on uvicorn: every update that is posted goes into the queue of every client."""  # noqa: INP001 -- a program, no module

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

QUEUES: set[asyncio.Queue[str]] = set()


async def events(_request: Request) -> EventSourceResponse:
    """Answer with an event for each update."""

    async def updates() -> AsyncIterator[dict[str, str]]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        QUEUES.add(queue)
        try:
            while True:
                yield {"data": await queue.get()}
        finally:
            QUEUES.discard(queue)

    return EventSourceResponse(updates())


async def publish(request: Request) -> Response:
    """Give an update to all clients."""
    update = (await request.body()).decode()
    for queue in QUEUES:
        queue.put_nowait(update)
    return Response(status_code=204)


app = Starlette(routes=[Route("/sse", events), Route("/publish", publish, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", backlog=4096)
