"""Sending: a client's message comes as a POST, beside the requests for updates; `/received` says what has come."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from services.answers import Encoded, Form, encode_response
from services.connection import ServerConnection, error_of
from services.feed import Feed
from services.heads import Unmet, body_within
from services.inbox import Inbox
from services.parameters import channel_of, fan_out_of, ns_of, parameters_of
from wirerace.errors import BadInput
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import Acknowledgement, Refusal, encode

SEND_PATH, RECEIVED_PATH = "/send", "/received"
RETRY = {HTTPStatus.TOO_MANY_REQUESTS: "Retry-After: 1\r\n", HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After: 1\r\n"}
"""What tells a client that the same message may be taken later."""
NO_STORE = "Cache-Control: no-store\r\n"
FormOf = Callable[[web.BaseRequest], Form]


class Sending:
    """The paths /send and /received. A connection that only sends is no client of the deliveries; its bytes count."""

    def __init__(self, inbox: Inbox, feed: Feed, metrics: ServiceMetrics, most_bytes: int) -> None:
        self._inbox = inbox
        self._feed = feed
        self._metrics = metrics
        self._most_bytes = most_bytes

    async def answer(self, request: web.BaseRequest, form_of: FormOf) -> web.StreamResponse:
        """Take the message in a body, and acknowledge it.

        Raises BadInput when it is refused before it is read.
        """
        connection = request.protocol
        if isinstance(connection, ServerConnection):
            connection.count(self._metrics)
        try:
            parameters = parameters_of(request)
            channel, fan_out = channel_of(parameters), fan_out_of(parameters)
            self.check_channel(channel)
            body = await body_within(request, self._most_bytes, "message", self._count_sent)
        except BadInput:
            self._metrics.messages["refused"] += 1
            raise
        answered: asyncio.Future[Acknowledgement | Refusal] = asyncio.get_running_loop().create_future()

        def settle(answer: Acknowledgement | Refusal) -> None:
            if not answered.done():  # else the client has gone
                answered.set_result(answer)

        self._inbox.take(body, settle, channel=channel, fan_out=fan_out)
        answer = await answered
        return self._encoded(answer, form_of(request))  # the server may stop meanwhile

    def _count_sent(self, size_bytes: int) -> None:
        self._metrics.sent_bytes += size_bytes

    def check_channel(self, channel: str) -> None:
        """Raise Unmet when messages for a channel cannot be taken."""
        if not self._feed.caught_up:
            unavailable = HTTPStatus.SERVICE_UNAVAILABLE
            raise Unmet(unavailable, "no feed from the producer yet: try again", NO_STORE + RETRY[unavailable])
        if self._feed.channels.get(channel) is None:
            raise Unmet(HTTPStatus.NOT_FOUND, f"there is no channel {channel}: name one of the producer's")

    def _encoded(self, answer: Acknowledgement | Refusal, form: Form) -> Encoded:
        if isinstance(answer, Refusal):
            status = HTTPStatus(answer.refused)
            headers = RETRY.get(status, "") + form.headers
            encoded = error_of(status, answer.why, headers, keep_alive=form.keep_alive)
        else:
            encoded = encode_response(
                HTTPStatus.OK,
                encode(answer),
                content_type="application/json",
                headers=NO_STORE + form.headers,
                keep_alive=form.keep_alive,
            )
        self._metrics.sent_bytes += len(encoded)
        return Encoded(encoded, keep_alive=form.keep_alive)

    async def received(self, request: web.BaseRequest) -> web.StreamResponse:
        """Say what has come of the messages that were to be sent in a window."""
        parameters = parameters_of(request)
        found = self._inbox.receipts.between(ns_of(parameters, "from"), ns_of(parameters, "to"))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")
