"""A compressor for each client: its memory, by zlib's formula and at a server."""

from typing import NamedTuple

from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.reproductions.check import Check, Found, Outcomes, Reproduction, near, shown
from wirerace.workload.schedule import Source

KIB = 1024
SMALL_OBJECTS_BYTES = 6 * KIB
"""The state of a compressor beside its buffers. zlib calls it a few kilobytes (zconf.h)."""
PERCENT = 15.0


class Compressor(NamedTuple):
    """A window and a memory level of zlib."""

    window_bits: int
    memory_level: int

    @property
    def contestant(self) -> str:
        """The name of the contestant."""
        return f"own-{self.window_bits}-{self.memory_level}"

    @property
    def buffer_bytes(self) -> int:
        """The buffers of a compressor (zconf.h)."""
        return (1 << (self.window_bits + 2)) + (1 << (self.memory_level + 9))


COMPRESSORS = (Compressor(11, 4), Compressor(12, 5), Compressor(15, 8))
PUBLISHED_KIB = {Compressor(12, 5): 64, Compressor(15, 8): 316}
"""A connection with a compressor and a decompressor."""
PUBLISHED_PLAIN_KIB = 14
"""A connection without compression."""

EXPERIMENT = Experiment(
    title="python-websockets: memory of compression",
    transports=["websocket"],
    contestants=[
        ContestantTable(id="shared", transport="websocket", options={"deflate": "shared"}),
        *(
            ContestantTable(
                id=compressor.contestant,
                transport="websocket",
                options={
                    "deflate": "per-client",
                    "deflate_window_bits": compressor.window_bits,
                    "deflate_memory_level": compressor.memory_level,
                },
            )
            for compressor in COMPRESSORS
        ),
    ],
    # An update of 24 KB fills every buffer: with level 8 the largest holds 16,384 symbols. It is compressed 200 times,
    # which takes half a second. The window begins and ends between two updates.
    producer=Source(rate_per_second=0.5, arrivals="periodic", payload_bytes=24_000),
    clients=Clients(count=200, spawn_per_second=500),
    window=WindowOptions(warmup_seconds=3.0, measure_seconds=6.0),
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return the growth of a server's memory for each client, beyond that of a server without compression."""
    found = [
        shown(
            Found("a client without compression", "bytes", outcomes["websocket"].trial.server.bytes_per_client_after)
        ),
        shown(Found("compressed once for all: growth", "bytes", growth_bytes(outcomes, "shared"))),
    ]
    for compressor in COMPRESSORS:
        name = f"window {compressor.window_bits}, level {compressor.memory_level}: growth"
        derived = compressor.buffer_bytes + SMALL_OBJECTS_BYTES
        published = f"{derived / KIB:g} KiB, derived"
        if compressor in PUBLISHED_KIB:
            both = PUBLISHED_KIB[compressor] - PUBLISHED_PLAIN_KIB
            published += f"; {both} with a decompressor"
        growth = growth_bytes(outcomes, compressor.contestant)
        found.append(near(Found(name, "bytes", growth), published, derived, PERCENT))
    return found


def growth_bytes(outcomes: Outcomes, contestant: str) -> float | None:
    """Return by how much a client takes more than without compression, when every update has been delivered."""
    one, plain = (outcomes[name].trial.server.bytes_per_client_after for name in (contestant, "websocket"))
    return one - plain if one is not None and plain is not None else None


REPRODUCTION = Reproduction(
    name="deflate-memory",
    line="a compressor for each WebSocket client takes the memory that zlib's formula says",
    source="Aymeric Augustin and contributors: websockets, documentation, Compression; websockets.readthedocs.io",
    setup=(
        "200 clients, an update of 24,000 bytes every 2 s; a WebSocket server without compression, with one compressor "
        "for all, and with one for each client; its own memory (USS) when every update has been delivered"
    ),
    words=(
        "The documentation gives 14 KiB for a connection without compression, 64 KiB with a window of 12 bits and "
        "memory level 5, and 316 KiB with 15 and 8. Its formula is 2^(w+2) + 2^(m+9) for a compressor and 2^w for a "
        "decompressor, without small objects. The published growth is the formula plus 14 KiB, for both together. Our "
        "server makes a decompressor with a client's first compressed message, and these clients send none. So only "
        "the compressor is compared: the formula, plus 6 KiB for its state. A compressor takes its memory only as it "
        "uses it. After the handshake it has 26 of 38 KiB with 12 and 5, and 82 of 262 KiB with 15 and 8. With updates "
        "of 1,000 bytes it stays at some 210 KiB with 15 and 8, because they never fill its buffer of 16,384 symbols. "
        "One compressor for all clients adds 1 to 3 KiB of small objects per client. Another zlib, such as zlib-ng, "
        "has other buffers."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
