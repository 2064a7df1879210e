"""One direction of one connection over a link: when bytes that are sent now arrive at the other end."""

import array
from collections.abc import Iterator

from wirerace.experiment.paths import SEGMENT_BYTES, NetworkPath
from wirerace.streams import stream

PIECE_SECONDS = 0.001  # of fast links: smaller pieces would only cost CPU time
DRAWS = 65_536
STRIDE = 7_919  # between the draws of two directions: a prime, so that neighbours do not meet for long


class Draws:
    """Numbers uniform from 0 to 1, the same for the same seed. Every direction begins at a place of its own.

    So connection k of each contestant of a repeat meets the same jitter, however many connections there are. A table
    for all costs nothing for each of them.
    """

    def __init__(self, seed: int) -> None:
        source = stream(seed, "jitter")
        self._table = array.array("d", (source.random() for _ in range(DRAWS)))

    def of(self, direction: int) -> Iterator[float]:
        """Yield the numbers of a direction, without end."""
        at = direction * STRIDE % DRAWS
        while True:
            yield self._table[at]
            at = (at + 1) % DRAWS


class LinkWay:
    """One direction. Bytes leave one after the other at the bandwidth, and then take the delay and a jitter.

    The jitter is drawn once for what is sent together. What was sent later never arrives earlier.
    """

    __slots__ = ("_draws", "_free", "_latest")

    def __init__(self, draws: Iterator[float]) -> None:
        self._draws = draws
        self._free = 0.0  # when the last byte has left
        self._latest = 0.0

    def one_way_seconds(self, path: NetworkPath) -> float:
        """Return what a packet without bytes takes now."""
        return path.delay_seconds + (path.jitter_seconds * next(self._draws) if path.jitter_seconds else 0.0)

    def arrivals(self, path: NetworkPath, data: bytes, ready: float) -> Iterator[tuple[float, bytes]]:
        """Yield when each piece of what is ready to leave at an instant arrives; the end of a stream has no bytes."""
        way_seconds, bits = self.one_way_seconds(path), path.bandwidth_bits_per_second
        for piece in _pieces(data, bits):
            if bits:
                self._free = max(ready, self._free) + 8 * len(piece) / bits
                ready = self._free
            self._latest = max(ready + way_seconds, self._latest)
            yield self._latest, piece


def _pieces(data: bytes, bits_per_second: float) -> Iterator[bytes]:
    """Yield the bytes in the pieces in which they arrive: without a limit, all at once."""
    size = max(SEGMENT_BYTES, int(bits_per_second / 8 * PIECE_SECONDS))
    if not bits_per_second or len(data) <= size:
        yield data
        return
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]
