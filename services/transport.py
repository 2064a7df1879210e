"""A server of one transport: follows the feed and delivers it. Each subclass is one transport."""

import re
from abc import abstractmethod
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.answers import Answers, CacheBound, Encoded, Form
from services.channel import Channel, Channels
from services.connection import ServerConnection
from services.cors import Sharing
from services.feed import Feed
from services.host import Service, ServiceOptions
from services.recent import Bounds
from wirerace.addresses import host_port_in, spelled
from wirerace.errors import BadInput, shown
from wirerace.transports import PRODUCER_PORT
from wirerace.wire.update import Cursor, Update, is_channel

MOST_LAST = 1_000_000
"""The most of the newest updates that a client may start with; a server has as many as it keeps."""

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?(e-?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)


class ServerOptions(ServiceOptions, frozen=True, kw_only=True):
    """Options that the servers of all transports have."""

    producer_url: Annotated[
        str,
        Meta(
            description="address of the producer: http://HOST:PORT",
            extra={"example": "http://127.0.0.1:8000"},
        ),
    ] = f"http://127.0.0.1:{PRODUCER_PORT}"


class TransportService(Service):
    """What the servers of all transports share. `deliver` is what each transport does differently."""

    options: ServerOptions

    def __init__(self, options: ServerOptions, path: str) -> None:
        super().__init__(options)
        try:
            host, port = host_port_in(options.producer_url, ("http",), f"http://127.0.0.1:{PRODUCER_PORT}")
        except BadInput as error:
            raise BadInput(f"--producer-url: {error}") from None
        self._producer_url = f"http://{spelled(host, port or 80)}"
        self.answers: dict[Channel, Answers] = {}
        self._answers_bound = CacheBound()
        bounds = Bounds(options.keep_updates, options.keep_bytes)
        self.feed = Feed(Channels(bounds, self.metrics, self.open), self.metrics, pack=self.pack)
        self.routes[path] = {"GET": self._joined}
        self.sharing = Sharing(self.allowed_origins)
        if self.sharing.is_on:
            self.routes[path]["OPTIONS"] = self._preflight

    @abstractmethod
    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer a request for the updates of a channel."""

    def open(self, channel: Channel) -> None:
        """Prepare for a new channel: the default one, and each that the feed names."""
        self.answers[channel] = Answers(channel.recent, self.metrics, self._answers_bound)

    def pack(self, encoded: bytes, update: Update) -> bytes:  # noqa: ARG002 -- some write its cursor
        """Return an encoded update as it is kept and written."""
        return encoded

    async def work(self) -> None:
        """Follow the feed."""
        await self.feed.follow(self._producer_url)

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

    def form_of(self, request: web.BaseRequest) -> Form:
        """Return the form of the answer to a request."""
        return Form(self.stays(request), self.sharing.headers_for(request))

    def refuse(self, request: web.BaseRequest, status: HTTPStatus, line: str, headers: str = "") -> web.StreamResponse:
        """Return an error as every service does. A page that may read updates may read why it gets none."""
        return super().refuse(request, status, line, headers + self.sharing.headers_for(request))

    async def _preflight(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, ServerConnection):
            connection.join(self.metrics)
        encoded = self.sharing.preflight(request, keep_alive=self.stays(request))
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


def parameters_of(request: web.BaseRequest) -> dict[str, str]:
    """Return the query's parameters, the last of each name."""
    query = request.query_string
    return dict(part.partition("=")[::2] for part in query.split("&")) if query else {}


def cursor_of(parameters: dict[str, str]) -> Cursor | None:
    """Return the cursor that `after` gives, None without one.

    Raises BadInput when it is malformed.
    """
    after = parameters.get("after")
    return None if after is None else Cursor.parse(after)


def channel_of(parameters: dict[str, str]) -> str:
    """Return the name of the channel that is asked for, empty for the default one.

    Raises BadInput when no channel can have that name.
    """
    name = parameters.get("channel", "")
    if name and not is_channel(name):
        raise BadInput(f"channel must be 1 to 32 letters, digits, _ and -, got {shown(name)}")
    return name


def start_of(parameters: dict[str, str], channel: Channel) -> Cursor | None:
    """Return the cursor after which a client starts: `after`, or before as many of the newest as `last` says.

    Without either it is None, and the client starts with the next update. Raises BadInput when one is malformed, or
    when there are both.
    """
    after, last = cursor_of(parameters), parameters.get("last")
    if last is None:
        return after
    if after is not None:
        raise BadInput("last and after are two places to start from: give one of them")
    if not (_COUNT.fullmatch(last) and int(last) <= MOST_LAST):
        raise BadInput(f"last must be a whole number from 1 to {MOST_LAST:,}, got {shown(last)}")
    return channel.recent.before_newest(int(last))


def latest_only_of(parameters: dict[str, str]) -> bool:
    """Return whether `deliver` asks for the newest update only.

    Raises BadInput when it is neither all nor latest.
    """
    deliver = parameters.get("deliver", "all")
    if deliver not in {"all", "latest"}:
        raise BadInput(f"deliver must be all or latest, got {shown(deliver)}")
    return deliver == "latest"


def seconds_of(parameters: dict[str, str], name: str, default: float, most: float) -> float:
    """Return a number of seconds from 0 to `most`.

    Raises BadInput when it is anything else.
    """
    text = parameters.get(name)
    if text is None:
        return default
    seconds = float(text) if _DECIMAL.fullmatch(text) else -1.0  # float() alone would take 1_0, nan and blanks
    if not 0 <= seconds <= most:
        raise BadInput(f"{name} must be a number of seconds from 0 to {most:g}, got {shown(text)}")
    return seconds
