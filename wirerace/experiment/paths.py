"""Network paths: what lies between clients and server."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.errors import BadInput
from wirerace.transports.transport import TransportOptions

ReverseProxy = Literal["none", "nginx", "haproxy", "caddy"]
Compression = Literal["off", "gzip", "br"]
COMPRESSIONS: dict[ReverseProxy, tuple[Compression, ...]] = {
    "none": ("off",),
    "nginx": ("off", "gzip", "br"),
    "haproxy": ("off", "gzip"),
    "caddy": ("off", "gzip"),
}
"""What each reverse proxy can compress with."""


class NetworkPath(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The path from clients to server: a link, which is our own proxy, then a reverse proxy before the server.

    The link adds `delay_seconds` in each direction and up to `jitter_seconds` more. Each connection has its bandwidth
    of its own. What clients and servers speak (TLS, HTTP/2, compression) holds between the clients and the reverse
    proxy, or the server if there is none.
    """

    delay_seconds: Annotated[float, Meta(ge=0, le=5, description="delay of the link in each direction; 0 for none")] = (
        0.0
    )
    jitter_seconds: Annotated[
        float, Meta(ge=0, le=5, description="the most that the link adds to its delay, uniform from 0; order is kept")
    ] = 0.0
    bandwidth_bits_per_second: Annotated[
        float, Meta(ge=0, description="bandwidth of each connection over the link, in each direction; 0 for no limit")
    ] = 0.0
    buffer_bytes: Annotated[
        int,
        Meta(ge=0, le=1_048_576, description="bytes of answers that the link gathers before it sends them on; 0: none"),
    ] = 0
    idle_timeout_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="after how long without a byte the link closes; 0 for never")
    ] = 0.0
    loss: Annotated[float, Meta(ge=0, le=0.5, description="part of the packets that the link loses")] = 0.0
    proxy: Annotated[ReverseProxy, Meta(description="the reverse proxy before the server")] = "none"
    settings: Annotated[
        Literal["default", "tuned"],
        Meta(description="the reverse proxy as it is shipped, or as its documentation recommends for each transport"),
    ] = "default"
    tls: Annotated[bool, Meta(description="whether clients speak TLS, with a certificate made for the run")] = False
    http: Annotated[Literal[1, 2], Meta(description="version of HTTP that clients speak to the reverse proxy")] = 1
    streams_per_connection: Annotated[
        int, Meta(ge=1, le=100, description="clients that share a connection with HTTP/2, each with a stream")
    ] = 1
    compression: Annotated[Compression, Meta(description="what the reverse proxy compresses answers with")] = "off"

    @property
    def has_proxy(self) -> bool:
        """Return whether there is a link on it: our own proxy."""
        return any(
            (
                self.delay_seconds,
                self.jitter_seconds,
                self.bandwidth_bits_per_second,
                self.buffer_bytes,
                self.idle_timeout_seconds,
            )
        )

    @property
    def has_reverse_proxy(self) -> bool:
        """Return whether a reverse proxy stands before the server."""
        return self.proxy != "none"

    @property
    def round_trip_seconds(self) -> float:
        """How much longer an answer takes, on average."""
        return 2 * self.delay_seconds + self.jitter_seconds

    def opening_seconds(self, options: TransportOptions) -> float:
        """Return how much longer a request takes because it opens a connection: 0 if connections are kept."""
        return self.round_trip_seconds if options.opens_anew else 0.0


def check_path(path: NetworkPath) -> None:
    """Raise BadInput, naming the path's key and the cure, when its keys do not fit together."""
    if not path.has_reverse_proxy:
        for key, default in (("settings", "default"), ("compression", "off"), ("http", 1)):
            if getattr(path, key) != default:
                raise BadInput(f'{key} is the reverse proxy\'s: name one, proxy = "nginx", or leave {key} out')
    if path.compression not in COMPRESSIONS[path.proxy]:
        able = " or ".join(name for name, ways in COMPRESSIONS.items() if path.compression in ways)
        raise BadInput(f"compression: {path.proxy} cannot compress with {path.compression}: take {able}, or gzip")
    if path.streams_per_connection > 1 and path.http != 2:
        raise BadInput("streams_per_connection: clients share a connection only with http = 2")
