"""The gate of the feed: a fault of an experiment shuts it, and every connection of a server breaks meanwhile."""

import asyncio
import logging
from hmac import compare_digest
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from services.fanout import Fanout
from services.feeds import Broker, NoBroker
from services.heads import Unmet, body_of
from wirerace.decoding import decode_json

logger = logging.getLogger(__name__)


class DropOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order to break all connections of servers, and those that they open in the next `lasts_seconds`."""

    lasts_seconds: Annotated[float, Meta(ge=0, le=60)] = 0.0


class FeedGate:
    """Breaks the connections of servers when it is told to. Only an experiment may do that: it has the token."""

    def __init__(self, token: str, fanout: Fanout, broker: Broker | None = None) -> None:
        self._token = token
        self._fanout = fanout
        self._broker = NoBroker() if broker is None else broker
        self._shut_until = 0.0

    async def drop(self, request: web.BaseRequest) -> web.StreamResponse:
        """Break all connections of the feed, and shut the gate for a time.

        Raises Unmet when the request lacks the token, or when there is none; BadInput when its body is no order.
        """
        brought = request.headers.get("Authorization", "").encode("latin-1", "replace")
        if not self._token or not compare_digest(brought, f"Bearer {self._token}".encode()):
            line = "this needs Authorization: Bearer and the token that the producer got as --control-token"
            raise Unmet(HTTPStatus.UNAUTHORIZED, line, "WWW-Authenticate: Bearer\r\n")
        order = decode_json(await body_of(request), DropOrder, "the order")
        self._shut_until = asyncio.get_running_loop().time() + order.lasts_seconds
        broken = self._fanout.abort() + self._broker.drop(order.lasts_seconds)
        logger.info("the feed is dropped for %g s, as ordered: %d connections", order.lasts_seconds, broken)
        return web.json_response({"broken": broken})

    def check(self, request: web.BaseRequest) -> None:
        """Break a server's connection while the gate is shut; raises ConnectionResetError then."""
        if asyncio.get_running_loop().time() < self._shut_until:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the feed is dropped")
