"""Server-Sent Events: each update is sent once, as one event, to every client that is connected."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.host import Port
from services.push import ChunkedServerOptions, ChunkedService, chunk_of
from wirerace.errors import BadCursor, BadInput, shown
from wirerace.transports.sse import TRANSPORT
from wirerace.wire.event_stream import encode_event
from wirerace.wire.update import Cursor, Update

LAST_EVENT_ID = "Last-Event-ID"


class SseServerOptions(ChunkedServerOptions, frozen=True, kw_only=True):
    """Options of the SSE server."""

    port: Port = TRANSPORT.port
    retry_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="how long a browser waits before it reconnects; 0: its own default")
    ] = 1.0


class Sse(ChunkedService):
    """The SSE server."""

    name = TRANSPORT.name
    options_type = SseServerOptions
    options: SseServerOptions
    content_type = "text/event-stream"
    heartbeat = b":\n"
    farewell = b": you read too slowly; resume from your last event's id\n\n"

    def __init__(self, options: SseServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    def pack(self, encoded: bytes, update: Update) -> bytes:
        """Return the update as an event; its id is its cursor."""
        one_line = encoded.replace(b"\r", b" ")  # JSON allows CR between two tokens; here it would end a line
        return chunk_of(encode_event(b"%b-%d" % (update.epoch.encode(), update.seq), one_line))

    def beginning(self, cursor: Cursor | None) -> bytes:
        """Return how long to wait before reconnecting, and the cursor: a browser cannot read the answer's headers."""
        retry = f"retry: {self.options.retry_seconds * 1000:.0f}\n" if self.options.retry_seconds else ""
        return f"{retry}id: {cursor}\n\n".encode()

    def resumed_from(self, request: web.BaseRequest) -> Cursor | None:
        """Return the cursor in Last-Event-ID, which a browser that reconnects adds to the same URL, else of `after`."""
        after, given = super().resumed_from(request), request.headers.get(LAST_EVENT_ID)
        if not given:
            return after
        try:
            return Cursor.parse(given)
        except BadCursor:
            raise BadInput(
                f"{LAST_EVENT_ID} must be the id of an event, a cursor <epoch>-<seq>, got {shown(given)}"
            ) from None


SERVICE = Sse
