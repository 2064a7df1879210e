"""Server-Sent Events, which come again with the id of the last one if the connection breaks, as in a browser."""

from collections import deque
from collections.abc import Callable, Iterable

import gevent

from loadtests.connection import ClosedHere
from loadtests.stamped.channel import RECEIVE, ChannelUser
from loadtests.stamped.failures import RequestFailed, ServerEnded, as_exception
from loadtests.stamped.received import StampedEvent
from loadtests.stamped.streams import NO_CONTENT, AnswerChannel, AnyStream
from wirerace.clock import now_ns
from wirerace.errors import ConnectionLost, Refused, WireraceError
from wirerace.wire.event_stream import EventReader, EventTooLarge, ServerEvent

EVENT_STREAM = "text/event-stream"
RETRY_SECONDS = 3.0
"""How long a client waits before it reconnects, unless the stream has said: as browsers do."""


class WholeEvents:
    """The events of a stream: their data are what a body brings, and `events` has all of each."""

    __slots__ = ("events", "reader")
    content_type = EVENT_STREAM
    is_idle = False  # An event's id may depend on those before it.

    def __init__(self, last_id: str, retry_ms: int | None) -> None:
        self.reader = EventReader(last_id)
        self.reader.retry_ms = retry_ms
        self.events: deque[ServerEvent] = deque()

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside an event."""
        return self.reader.is_cut

    def feed(self, body: bytes) -> list[bytes]:
        """Return the data of the events that become whole.

        Raises ConnectionLost when one has no end.
        """
        try:
            found = self.reader.feed(body)
        except EventTooLarge as error:
            raise ConnectionLost(str(error)) from None
        self.events.extend(found)
        return [event.data for event in found]


class EventChannel(AnswerChannel[StampedEvent]):
    """An open event stream. `last_id` is what a client that comes back sends as Last-Event-ID.

    `open_after` opens a connection after that id. With `reconnects`, the channel opens the next connection when the
    server ends the answer or the connection breaks, after the stream's `retry` time. It gives up when the server
    refuses, and ends when it answers 204 (WHATWG HTML standard, section 9.2).
    """

    def __init__(
        self,
        user: ChannelUser,
        name: str,
        open_after: Callable[[str, WholeEvents], AnyStream],
        last_id: str,
        *,
        reconnects: bool,
    ) -> None:
        super().__init__(user, name)
        self._open_after = open_after
        self._reconnects = reconnects
        self._messages = WholeEvents(last_id, None)
        self._connect()

    @property
    def last_id(self) -> str:
        """The id of the last event."""
        return self._messages.reader.last_id

    @property
    def retry_seconds(self) -> float:
        """How long the channel waits before it reconnects."""
        retry_ms = self._messages.reader.retry_ms
        return RETRY_SECONDS if retry_ms is None else retry_ms / 1000

    def _connect(self) -> None:
        messages = self._messages = WholeEvents(self.last_id, self._messages.reader.retry_ms)
        self._connection = self._opened(lambda: self._open_after(self.last_id, messages))

    def _receive(self) -> Iterable[StampedEvent]:
        connection, events, began_ns = self._connection, self._messages.events, now_ns()
        try:
            connection.receive_any()
        except ClosedHere:
            raise
        except ServerEnded:
            if not self._reconnects or connection.status == NO_CONTENT:
                raise
            self._reconnect()
        except (OSError, WireraceError) as error:
            if not self._reconnects:
                raise
            self._user.fire(RECEIVE, self.name, now_ns() - began_ns, error=as_exception(error))
            self._reconnect()
        found, last, stamp, is_cut = list(events), len(events) - 1, connection.stamp, connection.is_cut
        events.clear()
        return [
            StampedEvent(event.data, stamp, index < last or is_cut, event.kind, event.id)
            for index, event in enumerate(found)
        ]

    def _reconnect(self) -> None:
        """Open the next connection, and try again as long as none can be opened."""
        self._hang_up()
        while True:
            gevent.sleep(self.retry_seconds)
            try:
                self._connect()
            except RequestFailed as failed:
                if isinstance(failed.error, Refused):
                    raise
            else:
                return
