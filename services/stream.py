"""HTTP streaming: each update is sent once, as one line of JSON, to every client that is connected."""

from services.host import Port
from services.push import ChunkedServerOptions, ChunkedService, chunk_of
from wirerace.transports.stream import TRANSPORT
from wirerace.wire.update import Update


class StreamServerOptions(ChunkedServerOptions, frozen=True, kw_only=True):
    """Options of the streaming server."""

    port: Port = TRANSPORT.port


class Streaming(ChunkedService):
    """The streaming server."""

    name = TRANSPORT.name
    options_type = StreamServerOptions
    options: StreamServerOptions
    content_type = "application/x-ndjson"
    heartbeat = b"\n"
    farewell = b"\n"

    def __init__(self, options: StreamServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    def pack(self, encoded: bytes, update: Update) -> bytes:  # noqa: ARG002 -- as its base
        """Return the update as a line."""
        return chunk_of(encoded + b"\n")


SERVICE = Streaming
