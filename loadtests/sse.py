"""Server-Sent Events: asks once and listens; comes back with the id of the last event, as a browser does."""

from loadtests.pushed import PushedUser
from loadtests.pushing import PushClient
from wirerace.errors import ConnectionLost
from wirerace.transports.sse import TRANSPORT, SseOptions
from wirerace.wire.event_stream import EventReader, EventTooLarge


class EventMessages:
    """What a stream of events brings: the data of each."""

    __slots__ = ("_reader",)
    content_type = "text/event-stream"

    def __init__(self) -> None:
        self._reader = EventReader()

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside an event."""
        return self._reader.is_cut

    @property
    def is_idle(self) -> bool:
        """Tell whether what comes next depends on nothing that was fed so far."""
        return self._reader.is_idle

    def feed(self, body: bytes) -> list[bytes]:
        """Return the data of the events that become whole.

        Raises ConnectionLost when one has no end.
        """
        try:
            return [event.data for event in self._reader.feed(body)]
        except EventTooLarge as error:
            raise ConnectionLost(str(error)) from None


class SseUser(PushedUser):
    """Keeps one answer open."""

    __slots__ = ()
    transport = TRANSPORT
    options: SseOptions

    def open(self) -> PushClient:
        """Return a connection whose answer is an event stream."""
        position = self.position()
        headers = "" if position is None else f"Last-Event-ID: {position}\r\n"
        return self.speech.streaming(self.target(after=None), EventMessages(), headers=headers)
