"""The user: it opens channels, sends requests, and reports what they bring to Locust."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypedDict, Unpack

import gevent
import gevent.pool
from gevent import GreenletExit, Timeout
from locust import User
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from loadtests.connection import Address
from loadtests.stamped.channel import OpenChannel
from loadtests.stamped.events import EVENT_STREAM, EventChannel, WholeEvents
from loadtests.stamped.failures import RequestFailed, TooLate, as_exception, give_up, limited
from loadtests.stamped.received import StampedData, StampedResponse
from loadtests.stamped.requests import (
    AnyClient,
    RequestTarget,
    content_of,
    lines_of,
    method_of,
    request_of,
    target_of,
)
from loadtests.stamped.streams import AnyStream, BodyLines, BodyParts, StreamChannel
from loadtests.stamped.websockets import WebSocketChannel
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, BadInput, WireraceError

Headers = Mapping[str, str]
Check = Callable[[StampedResponse], str | None]
"""Returns why an answer is a failure, None if it is none."""
NO_HEADERS: Headers = {}
MESSAGE = "message"
"""What stands in the column where Locust has GET, for what a task reports."""


class StreamRequest(TypedDict, total=False):
    """What a request for a stream may have. `json` is a value; the method is POST if there is a body, or else GET."""

    headers: Headers
    body: bytes | str
    json: Any
    method: str


class RequestOptions(TypedDict, total=False):
    """What a request may have; `name` is that of its row."""

    headers: Headers
    name: str
    body: bytes | str
    json: Any
    check: Check
    timeout: float
    context: Mapping[str, Any]


class StampedUser(User):
    """A user whose messages have the kernel's stamp of their arrival. It speaks to any server, over one `host`.

    `path` and `headers` are those of every request that gives none, or no header of that name. `timeout`, in seconds,
    is for an answer, for a single message, and for a goodbye. With `keep_alive`, requests share a connection.
    """

    abstract = True
    path: str = "/"
    headers: Headers = NO_HEADERS
    timeout: float = 10.0
    keep_alive: bool = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._at_host = self.host or ""  # Locust's page may give the class another one while the test runs
        self.channels: set[OpenChannel[Any]] = set()
        self._idle: defaultdict[Address, list[AnyClient]] = defaultdict(list)

    # Channels

    def websocket(
        self,
        path: str | None = None,
        *,
        headers: Headers = NO_HEADERS,
        name: str | None = None,
        subprotocols: Sequence[str] = (),
    ) -> WebSocketChannel:
        """Open a WebSocket."""
        place = self._place(path)
        return WebSocketChannel(self, name or path or self.path, place, (self.headers, headers), subprotocols)

    def events(
        self,
        path: str | None = None,
        *,
        name: str | None = None,
        last_event_id: str = "",
        reconnects: bool = False,
        **request: Unpack[StreamRequest],
    ) -> EventChannel:
        """Open an event stream. With `reconnects`, it opens again when it ends or breaks, after the last event."""
        place = self._place(path)

        def open_after(last_id: str, events: WholeEvents) -> AnyStream:
            resumed = {"Last-Event-ID": last_id} if last_id else NO_HEADERS
            asked = self._stream_request(place, EVENT_STREAM, resumed, request)
            return AnyStream(place.address, asked, events, content_type=EVENT_STREAM)

        return EventChannel(self, name or path or self.path, open_after, last_event_id, reconnects=reconnects)

    def lines(
        self, path: str | None = None, *, name: str | None = None, **request: Unpack[StreamRequest]
    ) -> StreamChannel:
        """Open an answer of lines, such as JSON lines."""
        return self._stream(BodyLines(), path, name, **request)

    def chunks(
        self, path: str | None = None, *, name: str | None = None, **request: Unpack[StreamRequest]
    ) -> StreamChannel:
        """Open an answer that is taken as it comes: a message is what one read has brought."""
        return self._stream(BodyParts(), path, name, **request)

    def _stream(
        self, messages: BodyLines | BodyParts, path: str | None, name: str | None, **request: Unpack[StreamRequest]
    ) -> StreamChannel:
        place = self._place(path)
        asked = self._stream_request(place, messages.content_type, NO_HEADERS, request)
        return StreamChannel(self, name or path or self.path, place, asked, messages)

    def _stream_request(self, place: RequestTarget, accept: str, resumed: Headers, request: StreamRequest) -> bytes:
        content, about = content_of(request.get("method"), request.get("body"), request.get("json"))
        lines = lines_of(place, {"Accept": accept}, about, self.headers, request.get("headers"), resumed)
        return request_of(method_of(request.get("method"), content), place, lines, content)

    def _place(self, path: str | None) -> RequestTarget:
        return target_of(self._at_host, self.path if path is None else path)

    # Requests

    def get(self, path: str | None = None, **options: Unpack[RequestOptions]) -> StampedResponse:
        """Send a GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str | None = None, **options: Unpack[RequestOptions]) -> StampedResponse:
        """Send a POST; see `request`."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str | None = None, **options: Unpack[RequestOptions]) -> StampedResponse:
        """Send a request, wait for its answer, report it, and return it.

        A status of 400 or more is reported as a failure, and so is an answer for which `check` returns a reason. A
        redirection is not followed. If no answer comes, that is reported, and RequestFailed is raised.
        """
        place, name = self._place(path), options.get("name") or path or self.path
        content, about = content_of(method, options.get("body"), options.get("json"))
        closing = NO_HEADERS if self.keep_alive else {"Connection": "close"}
        lines = lines_of(place, about, closing, self.headers, options.get("headers"))
        context, asked_ns = options.get("context"), now_ns()
        try:
            response = self._ask(place, method_of(method, content), lines, content, options.get("timeout"))
        except (OSError, WireraceError, TooLate) as error:
            shown = as_exception(error)
            self.fire(method, name, now_ns() - asked_ns, error=shown, context=context)
            raise RequestFailed(shown) from None
        why = _why(response, options.get("check"))
        self.report(name, response, since_ns=asked_ns, kind=method, error=why, context=context)
        return response

    def _ask(
        self, place: RequestTarget, method: str, lines: str, content: bytes | None, timeout: float | None
    ) -> StampedResponse:
        idle, asked_ns = self._idle[place.address], now_ns()
        client = idle.pop() if idle else AnyClient(place.address)  # greenlets of one user may ask at the same time
        seconds = self.timeout if timeout is None else timeout
        try:
            with Timeout(seconds, TooLate(f"no answer within {seconds:g} s")):
                status, headers, body, stamp = client.ask(method, place.target, lines, content)
        except BaseException:  # Its answer would be that of the next request.
            client.close()
            raise
        idle.append(client)
        return StampedResponse(body, stamp, status=status, headers=headers, asked_ns=asked_ns, sent_ns=client.sent_ns)

    # Reporting

    def report(  # noqa: PLR0913 -- a row has as many columns
        self,
        name: str,
        received: StampedData,
        *,
        since_ns: int,
        kind: str = MESSAGE,
        error: Exception | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Report what was received to Locust: its time is that from `since_ns`, Unix nanoseconds, to its arrival."""
        failure = None if error is None else as_exception(error)
        took_ns = received.stamp.arrival_ns - since_ns
        self.fire(kind, name, took_ns, size_bytes=len(received.data), error=failure, context=context)

    def fire(  # noqa: PLR0913
        self,
        kind: str,
        name: str,
        took_ns: int,
        *,
        size_bytes: int = 0,
        error: Exception | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Report one request to Locust."""
        environment = self.environment
        environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=took_ns / 1e6,
            response_length=size_bytes,
            exception=None if error is None else limited(environment, kind, name, error),
            context={**self.context(), **context} if context else self.context(),
        )

    # Stopping

    @property
    def is_stopping(self) -> bool:
        """Tell whether Locust waits for the task to end."""
        return self._state == LOCUST_STATE_STOPPING

    def stop(self, force: bool = False) -> bool:
        """Stop. With Locust's --stop-timeout the task may end by itself, so iterations over messages end."""
        is_killed = bool(super().stop(force))
        if not is_killed:
            for channel in self.channels:
                channel.stop_listening()
        return is_killed

    def start(self, group: gevent.pool.Group) -> gevent.Greenlet:
        """Start, and close what is open when the user has ended, however it ends."""
        self.on_start = partial(self._begin, self.on_start)  # type: ignore[method-assign]
        greenlet = super().start(group)
        greenlet.link(self._close)
        return greenlet

    def _begin(self, on_start: Callable[[], None]) -> None:
        """Do what comes before the tasks. After a failure, do it again, as a task would come again."""
        try:
            target_of(self._at_host, "/")
        except BadInput as error:
            give_up(self.environment, f"{type(self).__name__}.host, or --host: {error}")
            raise GreenletExit from None
        while True:
            try:
                on_start()
            except RequestFailed:
                try:
                    self.wait()  # type: ignore[no-untyped-call]
                except StopUser:  # Locust would log it with a traceback.
                    raise GreenletExit from None
            else:
                del self.on_start  # no circle of objects
                return

    def _close(self, _greenlet: gevent.Greenlet) -> None:
        for channel in list(self.channels):
            channel.abort()
        for client in chain.from_iterable(self._idle.values()):
            client.close()


def _why(response: StampedResponse, check: Check | None) -> Exception | str | None:
    """Return why an answer is a failure, None if it is none."""
    if not response.ok:
        return BadAnswer(f"{response.status}: {response.text[:200]}")
    return check(response) if check is not None else None
