"""Probing a foreign server before its clients come: one client subscribes, and an update has to reach it.

What is wrong with a URL, a dialect or a publication is found here, and said in one line.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Annotated, TypeVar

import aiohttp
import msgspec
from msgspec import Meta

from wirerace.errors import TrialFailed, printable, shown
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.experiment.servers import ForeignServer
from wirerace.observe.publishing import PublisherReport
from wirerace.runner.foreign.starting import ForeignPeer
from wirerace.runner.peer import Peer
from wirerace.runner.targets.target import Child
from wirerace.tls import context_of
from wirerace.transports.transport import Transport
from wirerace.wire.event_stream import EventReader, EventTooLarge
from wirerace.wire.objects import ObjectReader, ObjectTooLarge
from wirerace.wire.update import NO_UPDATE, Update, decode_update
from wirerace.workload.schedule import Schedule

PROBE_SECONDS = 8.0
"""The time for an update to come, connecting included."""
PRIME_SECONDS = 1.0
"""How often an update is made meanwhile."""
POLL_SECONDS = 0.1
GOODBYE_SECONDS = 0.5
LOOK_SECONDS = 0.005
READ_BYTES = 65_536
NOTHING_NEW = frozenset({204, 304, 408})
VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}

Value = TypeVar("Value")
decode_updates = msgspec.json.Decoder(Annotated[list[Update], Meta(min_length=1)]).decode


def probe(plan: Plan, server: Child, publisher: Child | None, producer: Peer) -> None:
    """Probe a plan's foreign server, while the producer makes updates.

    Raises TrialFailed when no update reaches a client, or something else.
    """
    schedule = schedule_of(plan.experiment, plan.seed, None)
    place = server.peer.place if isinstance(server.peer, ForeignPeer) else ForeignServer()

    def prime() -> None:
        producer.send("PUT", "/schedule", schedule, Schedule)

    def why() -> str:
        return "" if publisher is None else publisher.peer.get("/report", PublisherReport).trouble

    Probe(plan.contestant.id, place, plan.transport, server.peer.authority).run(prime, why)


class Probe:
    """One client of a foreign server."""

    def __init__(self, name: str, server: ForeignServer, transport: Transport, authority: str = "") -> None:
        """It trusts an authority, certificates as PEM; without one those of the system."""
        self._name = name
        self._authority = authority
        self._server = server
        self._transport = transport

    def run(self, prime: Callable[[], object], why: Callable[[], str]) -> None:
        """Subscribe, and wait until an update has come.

        `prime` lets an update be made. `why` returns why none was published, as far as that is known.

        Raises TrialFailed when none comes, or something else.
        """
        try:
            message = asyncio.run(self._first(prime))
        except TimeoutError:
            reason = why() or "it has taken them, and sends nothing"
            raise self._failed(f"sent no update within {PROBE_SECONDS:g} s: {reason}") from None
        except aiohttp.TooManyRedirects as error:
            self._refuse_redirects(error.history)
            raise self._failed("redirects again and again: name the place that it points to in url") from None
        except aiohttp.WSServerHandshakeError as error:
            raise self._refused(error.status, dict(error.headers or {}), error.message) from None
        except (aiohttp.ClientError, OSError, EventTooLarge, ObjectTooLarge) as error:
            raise self._failed(f"gives no answer of HTTP: {printable(str(error)) or type(error).__name__}") from None
        try:
            _ = decode_updates(message) if message.startswith(b"[") else decode_update(message)
        except NO_UPDATE as error:
            raise self._failed(
                f"sends no update in the dialect {self._server.dialect}: {error}; it begins {shown(message)}"
            ) from None

    def _failed(self, what: str) -> TrialFailed:
        return TrialFailed(f"{self._name}: {self._server.url} {what}")

    def _refused(self, status: int, headers: dict[str, str], said: str) -> TrialFailed:
        """Return the failure that an answer means."""
        if status in {401, 403, 407}:
            return self._failed(f"answers {status}: it asks for a password, or refuses everybody: open it for clients")
        if 300 <= status < 400:
            return self._failed(f"answers {status}: it redirects to {headers.get('Location', '?')}: name that in url")
        expected = "101, an upgrade to WebSocket" if self._transport.name == "websocket" else "200"
        return self._failed(f"answers {status}, not {expected}: {printable(said[:80]) or 'nothing more'}")

    async def _first(self, prime: Callable[[], object]) -> bytes:
        """Return the first message."""
        opened: list[socket.socket] = []

        def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
            opened.append(socket.socket(*info[:3]))
            return opened[-1]

        tls = context_of(self._authority) if self._server.has_tls else True
        connector = aiohttp.TCPConnector(ssl=tls, socket_factory=open_socket)
        session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        async with asyncio.timeout(PROBE_SECONDS), _closed_behind(opened), session:
            priming = asyncio.create_task(_again_and_again(prime))
            try:
                return await _first_of(self._receive(session), priming)
            finally:
                priming.cancel()

    async def _receive(self, session: aiohttp.ClientSession) -> bytes:
        if self._transport.name == "websocket":
            return await self._from_socket(session)
        headers = {"TE": "chunked"} if self._server.dialect == "nchan" else {}
        if self._transport.name == "sse":
            headers["Accept"] = "text/event-stream"
        while True:
            async with session.get(self._server.url, headers=headers, allow_redirects=False) as response:
                if response.status == 200:
                    async for message in self._messages_in(response):
                        return message
                elif not (self._transport.asks and response.status in NOTHING_NEW):
                    raise self._refused(response.status, dict(response.headers), await _said(response))
                headers |= {
                    back: response.headers[name] for name, back in VALIDATORS.items() if name in response.headers
                }
            if not self._transport.asks:
                raise self._failed("ends its answer before an update has come")
            await asyncio.sleep(POLL_SECONDS)

    async def _from_socket(self, session: aiohttp.ClientSession) -> bytes:
        async with session.ws_connect(self._server.url) as messages:
            self._refuse_redirects(messages._response.history)  # noqa: SLF001 -- it cannot be told not to follow them
            message = await messages.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data).encode()
            if message.type is aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
            raise self._failed(f"closes before an update has come: {printable(str(message.extra or message.data))}")

    def _refuse_redirects(self, history: Sequence[aiohttp.ClientResponse]) -> None:
        """Raise TrialFailed when a WebSocket was found somewhere else: clients follow no redirect."""
        for response in history[:1]:
            raise self._refused(response.status, dict(response.headers), "")

    async def _messages_in(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        if self._transport.name == "sse" and response.content_type != "text/event-stream":
            raise self._failed(
                f"answers with {response.content_type}, not text/event-stream; it begins "
                f"{shown(await response.content.read(READ_BYTES))}"
            )
        events, objects = EventReader(), ObjectReader()
        async for data in response.content.iter_any():
            for message in _taken(data, events if self._transport.name == "sse" else None, objects):
                yield message


def _taken(data: bytes, events: EventReader | None, objects: ObjectReader) -> Iterator[bytes]:
    if events is None:
        yield from objects.feed(data)
    else:
        yield from (event.data for event in events.feed(data))


async def _said(response: aiohttp.ClientResponse) -> str:
    return (await response.content.read(READ_BYTES)).decode(errors="replace")


@contextlib.asynccontextmanager
async def _closed_behind(opened: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Wait until connections are closed, which takes a goodbye from the server with TLS, or close them."""
    try:
        yield
    finally:
        deadline = time.monotonic() + GOODBYE_SECONDS
        while left := [one for one in opened if one.fileno() >= 0]:
            if time.monotonic() > deadline:
                for one in left:
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                break
            await asyncio.sleep(LOOK_SECONDS)


async def _again_and_again(prime: Callable[[], object]) -> None:
    """Let updates be made, one now and then."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        began = time.monotonic()
        await asyncio.to_thread(prime)
        await asyncio.sleep(max(0.0, PRIME_SECONDS - (time.monotonic() - began)))


async def _first_of(wanted: Awaitable[Value], beside: "asyncio.Task[None]") -> Value:
    """Return what is wanted, or raise what went wrong beside it."""
    task = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait({task, beside}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            beside.result()
        return await task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(task, return_exceptions=True)
