"""What a transport is: its name, its port, how it delivers, and the options of its clients."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Way = Literal["polled", "held", "pushed"]


class TransportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of a client of one transport. Each subclass is a table of an experiment file."""

    deliver: Annotated[
        Literal["all", "latest"],
        Meta(description="what a client that is behind gets: all updates that it lacks, or only the newest"),
    ] = "all"

    @property
    def latest_only(self) -> bool:
        """Whether a client that is behind gets the newest update only."""
        return self.deliver == "latest"

    @property
    def opens_anew(self) -> bool:
        """Whether each request opens a new connection."""
        return False

    @property
    def period_seconds(self) -> float:
        """The time between two requests of a client that asks at a fixed rate; 0 for all others."""
        return 0.0

    @property
    def pause_seconds(self) -> float:
        """The longest time for which a client chooses to send no request, or its server to send no update."""
        return 0.0

    @property
    def answer_seconds(self) -> float:
        """The longest time for which a client may wait for its next answer or batch; 0 if nothing of it is held."""
        return self.pause_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:  # noqa: ARG002 -- for clients that ask
        """Return the longest time for which an update waits at the server, given the time of an exchange.

        For a client that asks, that is the longest time between two of its requests.
        """
        return 0.0


AT_SERVER = {"at": "server"}
"""Marks an option of the server; others are the client's."""
AT_BOTH = {"at": "both"}
"""Marks an option of both."""
Serving = Literal["fast", "plain"]
"""How a server answers those that ask: where it reads a request, if that is possible, or always by way of aiohttp."""
HeaderBytes = Annotated[
    int, Meta(ge=0, le=16_384, description="bytes of headers added to each request; a browser sends some 500 to 1,000")
]


class HttpOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of every client that asks."""

    keep_alive: Annotated[
        bool, Meta(description="whether to keep the connection, or to open one for every request")
    ] = True
    extra_header_bytes: HeaderBytes = 0
    serving: Annotated[
        Serving,
        Meta(description="how the server answers: fast, or every request by way of aiohttp (plain)", extra=AT_SERVER),
    ] = "fast"

    @property
    def opens_anew(self) -> bool:
        """Whether connections are not kept."""
        return not self.keep_alive


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """One transport. Its `name` is also the name of its module, container, DNS name, metric label and report row.

    Its server listens at `path` and `port`. `options` are those of its clients: its table in an experiment file.
    `user_class` is the name of its Locust user. `color` is its colour on every dashboard, one of Okabe and Ito's eight,
    which colour-blind people can distinguish.

    A client that `asks` gets updates in answers to its requests. So there are answers to count, and some are empty. A
    client that does not ask subscribes once, and updates are pushed to it. On a connection that is `two_way`, its
    messages travel as well, at the same time; those of other clients are requests.
    """

    name: str
    title: str
    path: str
    port: int
    options: type[TransportOptions]
    user_class: str
    color: str
    asks: bool
    two_way: bool = False

    @property
    def way(self) -> "Way":
        """How updates come: to questions at a fixed rate, to questions that are held, or without questions."""
        if not self.asks:
            return "pushed"
        return "polled" if self.options().period_seconds else "held"
