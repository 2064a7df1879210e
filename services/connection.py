"""A client's connection: counts its bytes, ends it when a request stays unfinished, and answers its last request."""

import asyncio
import logging
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.answers import Encoded, encode_response
from wirerace.errors import BadInput
from wirerace.observe.metrics import ServiceMetrics

REQUEST_SECONDS = 10.0
"""The limit for the whole head of a request, from its first byte; for the first one, from the connection's start."""
BODY_SECONDS = 60.0
"""The limit for a whole request with a body."""
UNREAD_SECONDS, UNREAD_BYTES = 60.0, 64 * 1024
"""A client that reads fewer bytes of answers than that in that time, and leaves some unread, is cut off."""
VANISHED_SECONDS = 60
"""A peer that acknowledges nothing, or answers no probe, for that long is gone. The kernel itself would wait hours."""
PROBES = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 1000 * VANISHED_SECONDS}
"""Socket options by their names in tcp(7); a platform may lack some."""

logger = logging.getLogger(__name__)


class ServerConnection(web.RequestHandler):
    """aiohttp's connection. Bytes of connections that ask for no updates are not counted.

    `take_back` takes the connection when it is between two requests, if something else can answer the next one.

    `is_left_at_end` says what it means when the client ends its sending side. While its request is held, or it is
    subscribed, the client leaves. Otherwise no other request comes (RFC 9112, section 9.6), and `has_ended` becomes
    true.
    """

    __slots__ = (
        "_answers",
        "_begun",
        "_counts",
        "_ends_a_request",
        "_is_damaged",
        "_last_body",
        "_metrics",
        "_uncounted_bytes",
        "_unread",
        "end_if_message_is_late",
        "has_ended",
        "is_left_at_end",
        "is_pushed",
        "joined",
        "take_back",
    )

    def __init__(self, manager: web.Server, *, metrics: ServiceMetrics, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._metrics = metrics
        self._uncounted_bytes = 0
        self._counts = False
        self._is_damaged = False
        self._ends_a_request = False
        self._answers = 0
        self._last_body: Any = None
        self._begun: float | None = None
        self._unread: tuple[float, int] | None = None  # since when, and how many bytes waited then
        self.joined = False
        self.has_ended = False
        self.is_left_at_end = False
        self.is_pushed = False
        self.end_if_message_is_late: Callable[[float], None] | None = None
        self.take_back: Callable[[ServerConnection], None] | None = None

    def join(self, metrics: ServiceMetrics) -> None:
        """Count the peer among the clients that `metrics` counts."""
        if not self.joined:
            self.joined = True
            self.count(metrics)
            metrics.clients += 1

    def count(self, metrics: ServiceMetrics) -> None:
        """Count the bytes of this connection, those so far among them."""
        self._metrics = metrics
        if not self._counts:
            self._counts = True
            metrics.received_bytes += self._uncounted_bytes
            self._uncounted_bytes = 0

    @property
    def is_counted(self) -> bool:
        """Return whether its bytes count: it has asked for updates, or sent a message."""
        return self._counts or self.joined

    def leave_counting(self) -> None:
        """Count no more bytes: the new reader of this connection counts them from now on."""
        self._counts = False

    def push(self) -> None:
        """Note that this answer has no end: a client that ends its sending side leaves, and it may lag a little."""
        self.is_pushed = self.is_left_at_end = True

    def connection_made(self, transport: Any) -> None:
        """Set the kernel's probes, so that a peer that has vanished is noticed."""
        super().connection_made(transport)
        self._begun = self._loop.time()
        set_probes(transport)

    def take_over(self, transport: Any, begun: float | None, *, is_paused: bool) -> None:
        """Take over a connection between two requests; one that has asked for updates has not `begun` one."""
        super().connection_made(transport)
        self._begun = begun
        self.joined = self._counts = begun is None
        if is_paused:
            self.pause_writing()
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Count bytes as they come."""
        if self._counts:
            self._metrics.received_bytes += len(data)
        else:
            self._uncounted_bytes += len(data)
        if self._is_damaged:
            return
        body, requests_before = self._last_body, self._request_count
        super().data_received(data)
        if self._request_count > requests_before and body is not None and not body.is_eof():
            self._end_damaged(body)
        if self._messages:
            self._last_body = self._messages[-1][1]
            self._begun = None if self._last_body.is_eof() else self._loop.time()
        elif self._begun is None and not self._waiting:
            self._begun = self._loop.time()
        # The parser does not say whether it keeps bytes behind a whole request. But no head has an empty line inside.
        is_whole = self._request_count > requests_before and data.endswith(b"\r\n\r\n")
        self._ends_a_request = is_whole and bool(self._last_body.is_eof())

    def _end_damaged(self, body: Any) -> None:
        """Refuse a request for what stands behind its body, which is not whole: its reader would wait for ever."""
        damage, _ = self._messages.pop()
        self._request_count -= 1
        self.has_ended = self._is_damaged = True
        line = (getattr(damage, "message", None) or "no end").partition("\n")[0].rstrip(":")
        body.set_exception(BadInput(f"the body is damaged: {line}"))
        body.feed_eof()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio.Protocol has it
        """Return whether the connection stays open for the answers to requests that are whole."""
        self.has_ended = True
        return self._waiting > 0 and not self.is_left_at_end and bool(self._last_body.is_eof())

    @property
    def _waiting(self) -> int:
        """The number of requests that are not answered yet. Only the last one's body can be unfinished."""
        return self._request_count - self._answers

    def answers_the_last(self) -> bool:
        """Return whether the request that is being answered is the last one."""
        return self.has_ended and self._waiting <= 1

    def count_answer(self) -> None:
        """Note that a request is answered. Close after the answer when no other request comes."""
        if self.answers_the_last():
            self.close()
        self._answers += 1
        self._begun = None  # aiohttp waits for what is left of the body
        self._unread = None  # the client's time to read starts again with each answer

    def look(self, now: float) -> int:
        """End the connection if something on it is late; return the bytes that wait for its client."""
        if self.transport is None:
            return 0
        self.end_if_late(now)
        waiting_bytes = self.unread_bytes(now)
        if self.take_back is not None and not waiting_bytes and self._is_between_requests:
            self.take_back(self)
        return waiting_bytes

    @property
    def _is_between_requests(self) -> bool:
        """Return whether a client of updates has sent whole requests only, and all of them are answered completely."""
        is_answered = self._ends_a_request and not self._waiting and self._waiter is not None and not self._messages
        is_open = self.transport is not None and not self.transport.is_closing()
        return is_answered and is_open and self.joined and not (self.has_ended or self.is_pushed or self._upgraded)

    def end_if_late(self, now: float) -> None:
        """Refuse a request that should be whole by now, and end the connection."""
        if self.end_if_message_is_late is not None:
            self.end_if_message_is_late(now)
            return
        begun, transport = self._begun, self.transport
        if self.is_pushed:  # An answer has begun that does not end: nothing else may be written.
            return
        if begun is None or transport is None or now - begun < REQUEST_SECONDS:
            return
        if not self._waiting:
            self._refuse_late(transport, has_begun=self._uncounted_bytes > 0 or self.is_counted)
        elif self._last_body.is_eof():
            self._begun = None
        elif now - begun >= BODY_SECONDS:
            self._refuse_late(transport, has_begun=True)

    def unread_bytes(self, now: float) -> int:
        """Return the bytes that wait in this process for the client; cut it off when it reads too slowly.

        The fan-out has its own bound for pushed bytes.
        """
        transport = self.transport
        waiting: int = 0 if transport is None else transport.get_write_buffer_size()
        if not waiting or transport is None or self.is_pushed:
            self._unread = None
        elif self._unread is None or waiting <= self._unread[1] - UNREAD_BYTES:
            self._unread = now, waiting
        elif now - self._unread[0] >= UNREAD_SECONDS:
            self._metrics.slow_readers += 1
            transport.abort()
            return 0
        return waiting

    def _refuse_late(self, transport: Any, *, has_begun: bool) -> None:
        """Close. A client that has sent something gets the reason."""
        self._begun = None
        self._metrics.request_timeouts += 1
        if has_begun:
            encoded = error_of(HTTPStatus.REQUEST_TIMEOUT, "the request was not whole in time")
            self._count_error(encoded)
            transport.write(encoded)
        transport.close()

    def hand_over(self, protocol: asyncio.Protocol) -> bool:
        """Give the connection to a protocol. For aiohttp it is lost then, so the request's task is cancelled.

        Return false when the connection is lost indeed.
        """
        transport, is_held_back = self.transport, self._buffer_paused or self._reading_paused
        if transport is None:
            return False
        self.transport = None  # Else aiohttp would close it.
        self._payload_parser = None
        self.joined = False
        self.connection_lost(None)
        transport.set_protocol(protocol)
        if is_held_back and not transport.is_closing():
            transport.resume_reading()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Remove the client at once."""
        if self.joined:
            self.joined = False
            self._metrics.clients -= 1
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer malformed HTTP, or a defect of this server, with one line, and close."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("request for %s failed", request.path, exc_info=exc)
        line = (message or HTTPStatus(status).phrase).strip().partition("\n")[0].rstrip(":")
        encoded = error_of(HTTPStatus(status), line)
        self._count_error(encoded)
        return Encoded(encoded, keep_alive=False)

    def _count_error(self, encoded: bytes) -> None:
        self._metrics.responses["error"] += 1
        if self.is_counted:
            self._metrics.sent_bytes += len(encoded)


def set_probes(transport: Any) -> None:
    """Let the kernel probe a connection when it is silent."""
    stream = transport.get_extra_info("socket")
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in PROBES.items():
        if hasattr(socket, name):
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def error_of(status: HTTPStatus, line: str, headers: str = "", *, keep_alive: bool = False) -> bytes:
    """Return an error of one line; `headers` are lines that end in CRLF."""
    return encode_response(
        status, line.encode() + b"\n", content_type="text/plain; charset=utf-8", headers=headers, keep_alive=keep_alive
    )
