"""Network paths: what lies between clients and server."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.errors import BadInput
from wirerace.transports.transport import Transport, TransportOptions

ReverseProxy = Literal["none", "nginx", "haproxy", "caddy"]
Compression = Literal["off", "gzip", "br"]
COMPRESSIONS: dict[ReverseProxy, tuple[Compression, ...]] = {
    "none": ("off",),
    "nginx": ("off", "gzip", "br"),
    "haproxy": ("off", "gzip"),
    "caddy": ("off", "gzip"),
}
"""What each reverse proxy can compress with."""
HELD_BACK_BYTES: dict[tuple[ReverseProxy, str], int] = {("nginx", "default"): 4096}
"""What a reverse proxy gathers of an answer without end before it sends anything on.

nginx: proxy_buffer_size, a page. The head of the answer lies in the first 4096 bytes of what the server sends, and is
held back with them. What follows leaves 4096 bytes at a time (measured, docs/paths.md).
"""
TLS_HELD_BACK_BYTES = 16_384
"""The same with TLS over HTTP/1.1: nginx fills a record first (ssl_buffer_size). HTTP/2 sends each frame on."""
HELD_BACK_SECONDS: dict[tuple[ReverseProxy, str], float] = {("haproxy", "default"): 0.2}
"""How long something small may wait for more: HAProxy asks for whole segments (MSG_MORE), and the kernel waits 0.2 s.

On loopback no update fills a segment. Over a network, 1.4 kB do. With `option http-no-delay`, with TLS
and over HTTP/2 nothing waits.
"""

CACHES: tuple[ReverseProxy, ...] = ("nginx",)
"""Reverse proxies that keep our answers. HAProxy 2.6 keeps only 200, Caddy 2.6 has no cache."""
CACHE_TICK_SECONDS = 1.0
"""nginx counts a time to live in seconds of the clock: an answer stored in second s lives until second s + 1 + L."""
SEGMENT_BYTES = 1448
"""The payload of a full TCP segment on Ethernet."""
LINK_KEYS = ("delay_seconds", "jitter_seconds", "bandwidth_bits_per_second", "buffer_bytes", "idle_timeout_seconds")
"""The keys of a path that our own proxy can do."""


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
        Meta(
            ge=0,
            le=1_048_576,
            description="bytes of a stream that the link gathers before it passes them on; 0: none",
        ),
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
    resumption: Annotated[
        bool, Meta(description="whether a client that connects again resumes its TLS session, as browsers do")
    ] = True
    http: Annotated[Literal[1, 2], Meta(description="version of HTTP that clients speak to the reverse proxy")] = 1
    streams_per_connection: Annotated[
        int, Meta(ge=1, le=100, description="clients that share a connection with HTTP/2, each with a stream")
    ] = 1
    compression: Annotated[Compression, Meta(description="what the reverse proxy compresses answers with")] = "off"
    cache_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86_400,
            description="time to live of answers in the reverse proxy's shared cache, in whole seconds; 0 for no cache",
        ),
    ] = 0.0

    @property
    def has_proxy(self) -> bool:
        """Return whether there is a link on it: our own proxy."""
        return any(getattr(self, key) for key in LINK_KEYS)

    @property
    def has_reverse_proxy(self) -> bool:
        """Return whether a reverse proxy stands before the server."""
        return self.proxy != "none"

    @property
    def is_forwarded(self) -> bool:
        """Return whether anything stands between the clients and the server."""
        return self.has_proxy or self.has_reverse_proxy

    @property
    def round_trip_seconds(self) -> float:
        """How much longer an answer takes, on average."""
        return 2 * self.delay_seconds + self.jitter_seconds

    @property
    def most_way_seconds(self) -> float:
        """The longest that the link takes in one direction, beside the bandwidth and the buffer."""
        return self.delay_seconds + self.jitter_seconds

    @property
    def most_cached_seconds(self) -> float:
        """The longest that an answer stays in the shared cache; 0 without one."""
        return self.cache_seconds + CACHE_TICK_SECONDS if self.cache_seconds else 0.0

    def held_back_bytes(self, transport: Transport) -> int:
        """Return how many bytes for a client are held back until there are that many; 0 if they are passed on at once.

        Answers with an end are: a proxy knows where they end.
        """
        held_by_proxy = self.held_by_proxy_bytes if is_stream(transport) else 0
        return self.buffer_bytes + held_by_proxy if transport.way == "pushed" else 0

    def held_back_seconds(self, transport: Transport) -> float:
        """Return how long something small waits for more to leave with; 0 if it is passed on at once."""
        waits = is_stream(transport) and not self.tls and self.http == 1
        return HELD_BACK_SECONDS.get((self.proxy, self.settings), 0.0) if waits else 0.0

    @property
    def held_by_proxy_bytes(self) -> int:
        """How many bytes of an answer without end the reverse proxy gathers before it sends anything on."""
        held = HELD_BACK_BYTES.get((self.proxy, self.settings), 0)
        return TLS_HELD_BACK_BYTES if held and self.tls and self.http == 1 else held

    @property
    def connecting_seconds(self) -> float:
        """How long it takes to open a connection, on average: a round trip, and another one for the handshake of TLS.

        TLS 1.3 takes one, also when a session is resumed: there are no early data.
        """
        return self.round_trip_seconds * (2 if self.tls else 1)

    def opening_seconds(self, options: TransportOptions) -> float:
        """Return how much longer a request takes because it opens a connection: 0 if connections are kept."""
        return self.connecting_seconds if options.opens_anew else 0.0


def is_stream(transport: Transport) -> bool:
    """Return whether updates come in an answer without end. A WebSocket is none: what it carries passes as it comes."""
    return transport.way == "pushed" and transport.name != "websocket"


def check_path(path: NetworkPath) -> None:
    """Raise BadInput, naming the path's key and the cure, when its keys do not fit together."""
    if not path.has_reverse_proxy:
        for key, default in (("settings", "default"), ("compression", "off"), ("http", 1), ("cache_seconds", 0)):
            if getattr(path, key) != default:
                raise BadInput(f'{key} is the reverse proxy\'s: name one, proxy = "nginx", or leave {key} out')
    _check_cache(path)
    if path.buffer_bytes and (path.tls or path.http != 1):
        key = "tls" if path.tls else "http"
        raise BadInput(f"buffer_bytes: the link cannot see with {key} where an answer ends: leave one of them out")
    if path.compression not in COMPRESSIONS[path.proxy]:
        able = " or ".join(name for name, ways in COMPRESSIONS.items() if path.compression in ways)
        raise BadInput(f"compression: {path.proxy} cannot compress with {path.compression}: take {able}, or gzip")
    if path.buffer_bytes and path.compression != "off":
        raise BadInput("buffer_bytes: how soon compressed updates fill a buffer is not known: take compression out")
    if path.bandwidth_bits_per_second and path.streams_per_connection > 1:
        raise BadInput(
            "bandwidth_bits_per_second is that of each connection: leave streams_per_connection out, so that each "
            "client has its own"
        )
    if not path.resumption and not path.tls:
        raise BadInput("resumption is that of TLS sessions: set tls = true, or leave resumption out")
    if path.streams_per_connection > 1 and path.http != 2:
        raise BadInput("streams_per_connection: clients share a connection only with http = 2")


def _check_cache(path: NetworkPath) -> None:
    if path.cache_seconds and path.proxy not in CACHES:
        able = " or ".join(f'"{name}"' for name in CACHES)
        raise BadInput(
            f"cache_seconds: {path.proxy} has no cache that keeps empty answers: take proxy = {able}, or leave "
            "cache_seconds out"
        )
    if not float(path.cache_seconds).is_integer():
        raise BadInput(
            f"cache_seconds: {path.proxy} counts it in whole seconds: take 1 or more, got {path.cache_seconds:g}"
        )
