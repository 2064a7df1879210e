"""SSE: an answer without end, an event for each update."""

from wirerace.checking.clients.chunked import ChunkedClient
from wirerace.checking.verdicts import Unkept
from wirerace.wire.event_stream import EventReader, EventTooLarge

HEADERS = ("Accept: text/event-stream",)


class EventClient(ChunkedClient):
    """Events. `first_id` is the id before the first event, None until it came; `retry_ms` the time to wait."""

    kind, heartbeat = "text/event-stream", b":"

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.events = EventReader()
        self.ids: list[str] = []

    @property
    def retry_ms(self) -> int | None:
        """How long to wait before coming back."""
        return self.events.retry_ms

    def take(self, data: bytes) -> None:
        """Take the events that are whole."""
        try:
            found = self.events.feed(data)
        except EventTooLarge as error:
            raise Unkept("the end of an event", str(error), bytes(self.body)) from None
        self.cursor = self.events.last_id or self.cursor
        for event in found:
            self.ids.append(event.id)
            self.keep(event.data, event.id)


Client = EventClient
