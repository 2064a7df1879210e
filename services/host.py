"""What every service has in common: start, stop, /health, /metrics, routing, limits."""

import asyncio
import gc
import logging
import signal
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import uvloop
from aiohttp import web
from msgspec import Meta
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    generate_latest,
)

from services import heads
from services.answers import Encoded
from services.connection import ServerConnection, error_of
from services.pushed import PushedConnections
from services.tls import TlsDoor
from services.troubles import Troubles
from services.watching import Looked, outlive, watch_connections, watch_loop
from wirerace.addresses import is_host
from wirerace.errors import BadInput, shown
from wirerace.observe.metrics import ServiceMetrics
from wirerace.observe.process import ProcessMetrics
from wirerace.origins import parse_origins
from wirerace.wire.update import CURSOR_HEADER, Cursor
from wirerace.workload.kept import KEEP_BYTES, KEEP_UPDATES
from wirerace.workload.trace import MOST_SCHEDULE_BYTES

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

BACKLOG = 4096  # Linux's own limit; all clients may connect at once.
STOP_SECONDS = 2.0  # for requests that are still being answered; a stop takes at most twice as long
GC_THRESHOLDS = (50_000, 20, 100)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
MOST_REQUEST_BYTES = MOST_SCHEDULE_BYTES  # only schedules come in a body

logger = logging.getLogger(__name__)


Port = Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 for any free one")]


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options that every service has."""

    port: Port
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    log_format: Annotated[Literal["console", "json"], Meta(description="how log lines look")] = "console"
    keep_updates: Annotated[int, Meta(ge=1, le=10_000_000, description="updates kept for clients that reconnect")] = (
        KEEP_UPDATES
    )
    keep_bytes: Annotated[int, Meta(ge=1, description="bytes that the kept updates may take")] = KEEP_BYTES
    parent_pid: Annotated[int, Meta(ge=0, description="stop when this process, the parent, has ended; 0 for never")] = 0
    keep_alive_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="how long an idle connection is kept open")
    ] = 75.0
    high_water_bytes: Annotated[
        int, Meta(ge=1, description="unread bytes, beyond the kernel's buffer, at which a slow reader is cut off")
    ] = 256 * 1024
    allowed_origins: Annotated[
        str,
        Meta(description="origins, separated by commas, whose pages may read updates; * for any, on a WebSocket"),
    ] = ""


class Service(ABC):
    """One service: its routes, its background work, and how it closes its clients' connections."""

    name: ClassVar[str]
    options_type: ClassVar[type[ServiceOptions]]

    def __init__(self, options: ServiceOptions) -> None:
        self.options = options
        self.registry = CollectorRegistry()
        for collector in (PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(ProcessMetrics())
        self.metrics = ServiceMetrics(self.registry)
        self.troubles = Troubles()
        self.ending = False
        self.pushed = PushedConnections()
        self.door: TlsDoor | None = None
        try:
            self.allowed_origins = parse_origins(options.allowed_origins)
        except BadInput as error:
            raise BadInput(f"--allowed-origins: {error}") from None
        self.routes: dict[str, dict[str, Handler]] = {
            "/health": {"GET": self._health, "HEAD": self._health},
            "/metrics": {"GET": self._metrics_page, "HEAD": self._metrics_page},
        }

    @abstractmethod
    async def work(self) -> None:
        """Do what the service does between requests, until cancelled."""

    @abstractmethod
    def cursor(self) -> Cursor | None:
        """Return the newest cursor, None while there is none."""

    @property
    @abstractmethod
    def live(self) -> bool:
        """Return whether the service does its work."""

    @property
    def trouble(self) -> str:
        """What keeps the service from its work, in one line; empty when that is not known."""
        return str(self.troubles)

    def accept(self, new_connection: Callable[[], ServerConnection]) -> asyncio.Protocol:
        """Return what takes the bytes of a new client: by default, a connection of aiohttp."""
        return new_connection()

    def connections(self) -> Iterable[Looked]:
        """Return the connections that neither aiohttp nor the fan-out has: most have none."""
        return ()

    def end(self) -> None:
        """Close the clients' connections: no new request will come."""
        self.ending = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request; bad input gets 400 and one line that names the parameter and the cure."""
        transport = request.transport
        if transport is not None and transport.get_write_buffer_size() > self.options.high_water_bytes:
            self.metrics.slow_readers += 1  # The client sends request after request, and reads no answers.
            transport.abort()
            return Encoded(b"", keep_alive=False)
        handler = self.routes.get(request.path, {}).get(request.method, self._misrouted)
        connection = request.protocol
        try:
            heads.check(request)
            if request.method not in SAFE_METHODS:
                heads.refuse_foreign(request, self.allowed_origins)
            return await handler(request)
        except heads.Unmet as error:
            return self.refuse(request, error.status, str(error), error.headers)
        except BadInput as error:
            return self.refuse(request, HTTPStatus.BAD_REQUEST, str(error))
        except web.HTTPRequestEntityTooLarge:
            line = f"a body has at most {MOST_REQUEST_BYTES} bytes; send less"
            return self.refuse(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line)
        except ConnectionError:  # The client has gone, or was cut off: no answer can reach it.
            return Encoded(b"", keep_alive=False)
        finally:
            if isinstance(connection, ServerConnection):
                connection.count_answer()

    async def _misrouted(self, request: web.BaseRequest) -> web.StreamResponse:
        methods = self.routes.get(request.path)
        if methods is None:
            return self.refuse(request, HTTPStatus.NOT_FOUND, f"no such path; there are {', '.join(self.routes)}")
        allowed = ", ".join(methods)
        return self.refuse(request, HTTPStatus.METHOD_NOT_ALLOWED, f"use {allowed}", f"Allow: {allowed}\r\n")

    def refuse(self, request: web.BaseRequest, status: HTTPStatus, line: str, headers: str = "") -> web.StreamResponse:
        """Return an error of one line. It closes the connection if the request has a body that was not read."""
        stays = self.stays(request) and not request.can_read_body
        encoded = error_of(status, line, headers, keep_alive=stays)
        if request.method == "HEAD":  # It gets the headers of an answer, and no body.
            encoded = encoded[: encoded.index(b"\r\n\r\n") + 4]
        if isinstance(request.protocol, ServerConnection) and request.protocol.is_counted:
            self.metrics.responses["error"] += self.asks_for_updates(request)
            self.metrics.sent_bytes += len(encoded)
        return Encoded(encoded, keep_alive=stays)

    def asks_for_updates(self, request: web.BaseRequest) -> bool:  # noqa: ARG002 -- some take messages, too
        """Return whether the answer to a request is one to a request for updates."""
        return True

    def stays(self, request: web.BaseRequest) -> bool:
        """Return whether the connection stays open after the answer."""
        connection = request.protocol
        is_last = isinstance(connection, ServerConnection) and connection.answers_the_last()
        return bool(request.keep_alive) and request.version >= (1, 1) and not self.ending and not is_last

    async def _health(self, _request: web.BaseRequest) -> web.StreamResponse:
        cursor, trouble = self.cursor(), self.trouble
        live = self.live and not self.troubles
        return web.json_response(
            {"service": self.name, "live": live} | ({"trouble": trouble} if trouble else {}),
            status=HTTPStatus.OK if live else HTTPStatus.SERVICE_UNAVAILABLE,
            headers={} if cursor is None else {CURSOR_HEADER: str(cursor)},
        )

    async def _metrics_page(self, _request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Server(web.Server):
    """The connections of a service."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.handle, request_factory=self._request, handler_cancellation=True)
        self._service = service
        self._new_connection = self._make_connection  # one bound method for all connections

    def clients(self) -> Iterable[Looked]:
        """Return the connections of all clients."""
        ours = [connection for connection in self.connections if isinstance(connection, ServerConnection)]
        shaking = () if self._service.door is None else self._service.door.shaking
        return chain(self._service.connections(), self._service.pushed, shaking, ours)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=MOST_REQUEST_BYTES)

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override]  # the event loop asks for no more
        return self._service.accept(self._new_connection)

    def _make_connection(self) -> ServerConnection:
        return ServerConnection(
            self,
            metrics=self._service.metrics,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._service.options.keep_alive_seconds,
        )


async def _listen(site: web.TCPSite, service: Service, server: _Server) -> None:
    host, port = service.options.host, service.options.port
    try:
        await site.start()
    except OSError as error:
        raise BadInput(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port"
        ) from None
    if service.door is not None:
        await service.door.open(host, server, BACKLOG)


async def serve(service: Service, stop: asyncio.Event, on_listening: Callable[[int], None]) -> None:
    """Serve until `stop` is set, then close the clients' connections and return. `on_listening` gets the port.

    Raises BadInput when the port is not available, and any error of the service's own work.
    """
    options = service.options
    if not is_host(options.host):
        raise BadInput(f"--host must be an address or a name, got {shown(options.host)}")
    server = _Server(service)
    runner = web.ServerRunner(server, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, backlog=BACKLOG)
    try:
        await _listen(site, service, server)
    except BadInput:
        await runner.cleanup()
        raise
    on_listening(runner.addresses[0][1])
    watching = watch_loop(service.metrics, service.troubles)
    looking = watch_connections(server.clients, service.metrics)
    lasting = (service.work(), watching, looking, stop.wait())
    tasks = [asyncio.ensure_future(work) for work in lasting]
    tasks += [asyncio.ensure_future(outlive(options.parent_pid))] if options.parent_pid else []
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await site.stop()
    if service.door is not None:
        service.door.close()
    service.end()
    await asyncio.gather(runner.cleanup(), service.pushed.until_closed(STOP_SECONDS))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def run(service_type: type[Service], options: ServiceOptions) -> None:
    """Run a service until SIGTERM or SIGINT.

    Raises BadInput when it cannot start.
    """

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        service = service_type(options)
        await serve(service, stop, lambda port: logger.info("%s listens on %s:%d", service.name, options.host, port))
        logger.info("%s stopped", service.name)

    # Everything made so far lives as long as the process. Collecting it over and over cost a third of a long poll.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    uvloop.run(main())
