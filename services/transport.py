"""A server of one transport: follows the feed and delivers it. Each subclass is one transport."""

import asyncio
from abc import abstractmethod
from functools import partial
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.answers import Answers, CacheBound, Encoded, Form
from services.channel import Channel, Channels
from services.connection import ServerConnection
from services.cors import Sharing
from services.feed import Feed
from services.feeds import feed_at
from services.host import Service, ServiceOptions
from services.inbox import Inbox
from services.parameters import channel_of, parameters_of
from services.recent import Bounds
from services.relay import Relay
from services.sending import RECEIVED_PATH, SEND_PATH, Sending
from services.tls import TlsDoor, context_in
from wirerace.certificates import CHAIN, KEY
from wirerace.errors import BadInput
from wirerace.transports import PRODUCER_PORT
from wirerace.wire.update import Cursor, Update


class ServerOptions(ServiceOptions, frozen=True, kw_only=True):
    """Options that the servers of all transports have."""

    producer_url: Annotated[
        str,
        Meta(
            description="address of the producer: http://HOST:PORT; or of a broker: nats://HOST:PORT/NAME",
            extra={"example": "http://127.0.0.1:8000"},
        ),
    ] = f"http://127.0.0.1:{PRODUCER_PORT}"
    max_message_bytes: Annotated[
        int, Meta(ge=125, le=1_048_576, description="largest message that a client may send")
    ] = 65_536
    max_messages_per_second: Annotated[
        int, Meta(ge=1, description="most messages that a client may send in a second; others are refused")
    ] = 1_000
    tls_chain_file: Annotated[str, Meta(description="certificate and its chain as PEM: clients may speak TLS, too")] = (
        ""
    )
    tls_key_file: Annotated[str, Meta(description="key of the certificate as PEM")] = ""
    tls_directory: Annotated[
        str,
        Meta(description=f"directory that may have these files, as {CHAIN} and {KEY}; without them there is no TLS"),
    ] = ""
    tls_port: Annotated[
        int, Meta(ge=0, le=65535, description="port for clients that speak TLS; 0 for any free one")
    ] = 0


class TransportService(Service):
    """What the servers of all transports share. `deliver` is what each transport does differently."""

    options: ServerOptions

    def __init__(self, options: ServerOptions, path: str) -> None:
        super().__init__(options)
        try:
            self._producer_url = feed_at(options.producer_url).address(options.producer_url)
        except BadInput as error:
            raise BadInput(f"--producer-url: {error}") from None
        if context := context_in(options.tls_directory, options.tls_chain_file, options.tls_key_file):
            self.door = TlsDoor(context, options.tls_port, self.metrics)
        elif options.tls_port and not options.tls_directory:
            raise BadInput("--tls-port needs a certificate: give --tls-chain-file and --tls-key-file")
        self.answers: dict[Channel, Answers] = {}
        self._answers_bound = CacheBound()
        bounds = Bounds(options.keep_updates, options.keep_bytes)
        self.feed = Feed(Channels(bounds, self.metrics, self.open), self.metrics, pack=self.pack)
        self.sharing = Sharing(self.allowed_origins)
        self.relay = Relay(self._producer_url)
        self.inbox = Inbox(self.metrics, self.relay, options.max_messages_per_second)
        sending = Sending(self.inbox, self.feed, self.metrics, options.max_message_bytes)
        self.routes[path] = {"GET": self._joined}
        self.routes[SEND_PATH] = {"POST": partial(sending.answer, form_of=self.form_of)}
        self.routes[RECEIVED_PATH] = {"GET": sending.received}
        if self.sharing.is_on:
            for of_path, method in ((path, "GET"), (SEND_PATH, "POST")):
                self.routes[of_path]["OPTIONS"] = partial(self._preflight, method)

    @abstractmethod
    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer a request for the updates of a channel."""

    def open(self, channel: Channel) -> None:
        """Prepare for a new channel: the default one, and each that the feed names."""
        self.answers[channel] = Answers(channel.recent, self._answers_bound)

    def pack(self, encoded: bytes, update: Update) -> bytes:  # noqa: ARG002 -- some write its cursor
        """Return an encoded update as it is kept and written."""
        return encoded

    async def work(self) -> None:
        """Follow the feed, and pass messages on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.feed.follow(self._producer_url))
            tasks.create_task(self.relay.work())

    @property
    def live(self) -> bool:
        """Return whether the feed is live."""
        return self.feed.live

    @property
    def trouble(self) -> str:
        """What is wrong with the feed, and with the rest of the service."""
        return "; ".join(filter(None, (self.feed.trouble, super().trouble)))

    def cursor(self) -> Cursor | None:
        """Return the place in the feed up to which this server has everything."""
        return self.feed.cursor

    def end(self) -> None:
        """Answer the waiting requests."""
        super().end()
        self.feed.end()
        self.relay.end()

    def form_of(self, request: web.BaseRequest) -> Form:
        """Return the form of the answer to a request."""
        return Form(self.stays(request), self.sharing.headers_for(request))

    def refuse(self, request: web.BaseRequest, status: HTTPStatus, line: str, headers: str = "") -> web.StreamResponse:
        """Return an error as every service does. A page that may read updates may read why it gets none."""
        return super().refuse(request, status, line, headers + self.sharing.headers_for(request))

    def asks_for_updates(self, request: web.BaseRequest) -> bool:
        """Return whether it is no message."""
        return request.path != SEND_PATH

    async def _preflight(self, method: str, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, ServerConnection):
            connection.count(self.metrics)
        encoded = self.sharing.preflight(request, method, keep_alive=self.stays(request))
        self.metrics.sent_bytes += len(encoded)
        return Encoded(encoded, keep_alive=self.stays(request))

    async def _joined(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, ServerConnection):
            connection.join(self.metrics)
        if not self.feed.caught_up:
            return self.refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, "no feed from the producer yet: try again")
        name = channel_of(parameters_of(request))
        channel = self.feed.channels.get(name)
        if channel is None:
            return self.refuse(request, HTTPStatus.NOT_FOUND, f"there is no channel {name}: name one of the producer's")
        return await self.deliver(request, channel)
