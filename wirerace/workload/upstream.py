"""Upstream: the messages that clients send, at times fixed beforehand, and what a server says it has received."""

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import NS_PER_SECOND
from wirerace.streams import stream
from wirerace.workload.arrivals import poisson

MOST_PER_SECOND = 100.0
MOST_MESSAGE_BYTES = 65_536
"""What a server takes by default, with the message's other fields."""
SEEDS = 2**52


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each client sends: messages with exponential gaps, from the warm-up to the end of the window.

    With `fan_out`, the producer makes an update of each message, which reaches every client of the sender's channel.
    """

    rate_per_second: Annotated[
        float,
        Meta(
            ge=0, le=MOST_PER_SECOND, description="messages that each client sends in a second, on average; 0 for none"
        ),
    ] = 0.0
    payload_bytes: Annotated[int, Meta(ge=0, le=MOST_MESSAGE_BYTES - 512, description="bytes of data in a message")] = (
        100
    )
    fan_out: Annotated[bool, Meta(description="whether each message becomes an update for every client")] = False
    connection: Annotated[
        Literal["same", "own"],
        Meta(
            description="what carries messages: the connection on which updates come, where that is free, or one of "
            "their own"
        ),
    ] = "same"

    @property
    def is_on(self) -> bool:
        """Whether clients send at all."""
        return self.rate_per_second > 0


def times_of(upstream: Upstream, seed: int, client: tuple[int, int], start_ns: int, end_ns: int) -> Iterator[int]:
    """Yield when a client is to send, Unix nanoseconds, in order, from `start_ns` on and before `end_ns`.

    `client` is the number of its load process and its own number there. The times are computed from the start, so they
    do not drift. They depend on the seed and on the client alone.
    """
    own_seed = stream(seed, "upstream", *client).randrange(SEEDS)
    blocks = poisson(upstream.rate_per_second, own_seed, 0.0)
    due_ns = (start_ns + round(seconds * NS_PER_SECOND) for block in blocks for seconds in block.seconds)
    return itertools.takewhile(end_ns.__gt__, due_ns)


class ReceivedMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message that a server received for the first time: its number, its `ts`, and when it was whole."""

    n: int
    ts: int
    received_ns: int


class Received(msgspec.Struct, frozen=True):
    """What a server received of the messages of a window, by client and `ts`, from its record.

    `repeated` counts the receipts of messages that it had received before. `complete` is false if the record begins
    after the window does.
    """

    complete: bool
    messages: dict[str, list[ReceivedMessage]] = {}
    repeated: int = 0
