"""The stage: a real producer that makes updates on demand, a link to it that breaks on demand, and servers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from secrets import token_hex
from ssl import SSLContext
from typing import Any, NamedTuple, Protocol, Self

from services.__main__ import service_of
from services.host import Service, serve
from services.producer import Producer
from tests.contract.clients import CLIENTS, Client
from tests.contract.link import Link
from tests.contract.raw import WAIT_SECONDS, Answer, Raw, get
from wirerace.observe.metrics import samples
from wirerace.transports import TRANSPORTS

LOOK_SECONDS = 0.01


class Listening(Protocol):
    """A port that can be connected to."""

    port: int


class Asked:
    """A service that answers requests, in this process or another one."""

    port: int

    async def get(self, target: str) -> Answer:
        return await self.ask(get(target))

    async def ask(self, request: bytes) -> Answer:
        """Ask on a connection of its own."""
        raw = await Raw.open(self.port)
        try:
            return await raw.ask(request)
        finally:
            raw.close()

    async def metrics(self) -> dict[str, float]:
        return samples((await self.get("/metrics")).body.decode())

    async def metric(self, name: str) -> float:
        return (await self.metrics())[f"wirerace_{name}"]

    async def until_metric(self, name: str, value: float) -> None:
        """Wait until a metric has a value."""

        async def holds() -> bool:
            return await self.metric(name) == value

        await until(holds, f"{name} is {value}")

    async def until_health(self, status: int, cursor: str | None = None) -> None:
        """Wait until /health answers with a status and, if given, a cursor."""

        async def holds() -> bool:
            answer = await self.get("/health")
            return answer.status == status and cursor in {None, answer.headers.get("wirerace-cursor")}

        await until(holds, f"/health is {status} at {cursor}")


class Running(Asked):
    """A service in this process, on a port of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.port = 0
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def client_port(self) -> int:
        """The port of its clients: that of TLS, if there is one."""
        return self.port if self.service.door is None else self.service.door.port

    @classmethod
    async def start(cls, service_type: type[Service], **options: Any) -> Self:
        running = cls(service_type(service_type.options_type(**{"port": 0} | options)))
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running._task = asyncio.create_task(serve(running.service, running._stop, listening.set_result))
        futures: list[asyncio.Future[Any]] = [running._task, listening]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        if running._task.done():
            running._task.result()
        running.port = listening.result()
        return running

    async def ended(self) -> None:
        """Wait until the service ends by itself, and raise what it raises."""
        if self._task is not None:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._task

    async def stop(self) -> None:
        self._stop.set()
        await self.ended()

    @property
    def serves(self) -> bool:
        return self._task is not None and not self._task.done()


async def until(holds: Callable[[], Awaitable[bool]], what: str, wait_seconds: float = WAIT_SECONDS) -> None:
    """Wait until `holds` returns true; `what` names it in the failure."""
    try:
        async with asyncio.timeout(wait_seconds):
            while not await holds():  # noqa: ASYNC110 -- neither a metric nor /health announces a change
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"in {wait_seconds:g} s it should become true that {what}") from None


class Secured(NamedTuple):
    """The certificate and key of servers, in files, the authority that signed it, as PEM, and what clients trust."""

    chain_file: str
    key_file: str
    authority: str
    trusting: SSLContext


class FeedPlace(Protocol):
    """A broker that may bring the feed."""

    port: int

    def url(self, name: str) -> str:
        """Return the URL of a feed of that name."""


class Stage:
    """Everything for one transport. `server` is the one started last. Without a broker servers ask the producer."""

    producer: Running
    link: Link
    server: Running

    def __init__(
        self, transport: str, serving: str = "fast", tls: "Secured | None" = None, broker: FeedPlace | None = None
    ) -> None:
        self._tls = tls
        self._broker = broker
        self.name = f"stage-{token_hex(4)}"
        self.transport = TRANSPORTS[transport]
        self._ways: dict[str, object] = {"serving": serving} if self.transport.asks else {}
        if tls is not None:
            self._ways |= {"tls_chain_file": tls.chain_file, "tls_key_file": tls.key_file}
        self.client_type = CLIENTS[transport]
        self._control: Raw | None = None
        self._clients: list[Client | Raw] = []
        self._running: list[Running] = []

    async def start(self) -> None:
        self.producer = await self._start_producer()
        if self._broker is None:
            self.link = await Link.start(self.producer.port)
        else:
            self.link = await Link.start(self._broker.port, f"nats://127.0.0.1:{{port}}/{self.name}")

    async def close(self) -> None:
        """Stop everything, even if a part fails to stop."""
        for client in self._clients:
            client.abort()
        stops = [running.stop for running in reversed(self._running) if running is not self.producer]
        failures: list[Exception] = []
        for stop in (*stops, self.link.close, self.producer.stop):
            try:
                await stop()
            except Exception as failure:  # noqa: BLE001 -- raised below, when the others have stopped
                failures.append(failure)
        if failures:
            raise ExceptionGroup("services that did not stop as they should", failures)

    async def serve(self, **options: Any) -> Running:
        """Start a server and wait until its feed is live."""
        self.server = await self.serve_soon(**options)
        await self.server.until_health(200)
        return self.server

    async def serve_soon(self, **options: Any) -> Running:
        """Start a server."""
        service, own = service_of(self.transport.name), self._ways | options
        self.server = await self._start(service, producer_url=self.link.url, **own)
        return self.server

    async def restart_producer(self, **options: Any) -> None:
        """Stop the producer and start another one, with another epoch."""
        await self.producer.stop()
        self.producer = await self._start_producer(**options)
        self.follow(self.producer.port)
        self._control = None

    def follow(self, port: int) -> None:
        """Let servers follow another producer, which was started with `broker_arguments`."""
        if self._broker is None:
            self.link.to_port = port

    @property
    def broker_arguments(self) -> list[str]:
        """What another producer must be started with, to take the place of this one."""
        return [] if self._broker is None else ["--broker-url", self._broker.url(self.name)]

    async def make(self, count: int = 1, payload_bytes: int = 10, channels: int = 1) -> None:
        """Make the producer make updates now, each in every channel."""
        schedule = {"rate_per_second": 0.01, "arrivals": "periodic", "payload_bytes": payload_bytes}
        for _ in range(count):
            await self.schedule("PUT", channels=channels, **schedule)

    async def schedule(self, method: str, **schedule: object) -> None:
        """Set or delete the producer's schedule; setting it makes one update at once."""
        if self._control is None:
            self._control = await self.connect(self.producer)
        body = json.dumps(schedule).encode() if schedule else b""
        answer = await self._control.ask(get("/schedule", method=method, body=body))
        assert 200 == answer.status, answer

    async def make_and_see(self, count: int = 1, payload_bytes: int = 10, channels: int = 1) -> None:
        """Make the producer make updates, and wait until the server has them."""
        await self.make(count, payload_bytes, channels)
        await self.server.until_health(200, self.head)

    @property
    def head(self) -> str:
        """The producer's newest place in the feed, which numbers the updates of all channels."""
        return str(self.producer.service.cursor())

    def at(self, seq: int) -> str:
        """Return a cursor in the producer's epoch, for the feed or for a channel."""
        return f"{self.head.partition('-')[0]}-{seq}"

    def client(self, after: str = "") -> Client:
        """Return a client that has not connected yet."""
        self._clients.append(client := self.client_type(self.transport.path, after))
        client.tls = None if self._tls is None else self._tls.trusting
        return client

    async def subscribe(self, after: str = "", query: str = "") -> Client:
        """Return a client that is subscribed; its requests have the parameters in `query`, too."""
        client = self.client(after)
        client.query = query
        await client.subscribe(self.server.client_port)
        return client

    async def connect(self, to: Listening | None = None) -> Raw:
        """Return a bare connection to the server, or to another."""
        if to is None and self._tls is not None:
            raw = await Raw.open(self.server.client_port, tls=self._tls.trusting)
        else:
            raw = await Raw.open((to or self.server).port)
        self._clients.append(raw)
        return raw

    def request(self, query: str = "", *headers: str) -> bytes:
        """Return the transport's request for updates."""
        target = self.transport.path + (f"?{query}" if query else "")
        return self.client_type.request(target, *headers)

    async def _start_producer(self, **options: Any) -> Running:
        if self._broker is not None:
            options["broker_url"] = self._broker.url(self.name)
        return await self._start(Producer, **{"idle": True} | options)

    async def _start(self, service_type: type[Service], **options: Any) -> Running:
        running = await Running.start(service_type, **options)
        self._running.append(running)
        return running
