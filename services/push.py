"""Push: a client asks once, and every update is sent to it until its connection is lost."""

import asyncio
from typing import Self

from aiohttp import web

from services.answers import Encoded
from services.connection import ServerConnection
from services.fanout import Fanout, Subscriber
from services.recent import Recent
from wirerace.observe.metrics import ServiceMetrics


class PushedClient:
    """One client of a fan-out: its connection, and its subscriber, which the fan-out writes to."""

    __slots__ = ("_fanout", "_request", "connection", "subscriber")  # there are thousands

    def __init__(self, request: web.BaseRequest, fanout: Fanout, metrics: ServiceMetrics) -> None:
        """Take the client of a request.

        Raises ConnectionResetError when the client has gone.
        """
        connection, transport = request.protocol, request.transport
        if transport is None or not isinstance(connection, ServerConnection) or connection.has_ended:
            raise ConnectionResetError("the client has gone")
        self.connection = connection
        self.subscriber = Subscriber(transport, metrics)
        self._request = request
        self._fanout = fanout

    def welcome(self, head: bytes) -> Self:
        """Write the head of an answer that has no end. As a context manager, it sends nothing more after the block.

        The client gets no update before `subscribe`. If the fan-out ends before that, it gets the farewell.
        """
        self.connection.join()
        self.connection.push()
        self.subscriber.write(head)
        self._fanout.welcome(self.subscriber)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._fanout.discard(self.subscriber)

    async def subscribe(self, recent: Recent, position: int) -> None:
        """Send what came after `position`, and from then on every update."""
        await self._fanout.subscribe(self.subscriber, recent, position, self._request.writer.drain)

    @staticmethod
    def until_lost() -> asyncio.Future[Encoded]:
        """Return a future without a result: the loss of the connection cancels the coroutine that waits for it.

        It is no coroutine of its own, because each client would keep one.
        """
        return asyncio.get_running_loop().create_future()
