"""The link of a path, as the values that predictions need: what updates wait for on their way to clients."""

from typing import NamedTuple

from wirerace.theory.distribution import Piece, Waits


class LinkModel(NamedTuple):
    """A link. Its constant delay is a part of the path's.

    `held_bytes` of what is pushed are held back until they are there, which a reverse proxy may do as well. An update
    has `update_bytes` on the wire. A reverse proxy may hold back for `held_seconds` what is small: all that comes in
    that time after something leaves with it, unless it fills a segment of `segment_bytes` (0: none is ever filled).
    """

    jitter_seconds: float = 0.0
    bits_per_second: float = 0.0
    held_bytes: int = 0
    update_bytes: float = 0.0
    held_seconds: float = 0.0
    segment_bytes: int = 0

    def filled(self, per_second: float) -> float:
        """Return which part of a segment updates fill in the time for which they are held back."""
        if not self.segment_bytes or not self.held_seconds:
            return 0.0
        return (1 + per_second * self.held_seconds) * self.update_bytes / self.segment_bytes

    def sending_seconds(self, count: float) -> float:
        """Return how long a number of bytes takes to leave; 0 without a limit."""
        return 8 * count / self.bits_per_second if self.bits_per_second else 0.0

    @property
    def update_seconds(self) -> float:
        """How long an update takes to leave."""
        return self.sending_seconds(self.update_bytes)

    @property
    def is_plain(self) -> bool:
        """Whether it adds nothing but its delay."""
        return not (self.jitter_seconds or self.bits_per_second or self.held_bytes or self.held_seconds)

    @property
    def later_updates(self) -> float:
        """How many later updates one waits for in the buffer, on average: its end lies anywhere in the buffer.

        The bytes that are missing then are uniform from 0 to B − 1, and each further update brings S of them. It is
        some B/(2S) + 1/2.
        """
        if not self.held_bytes or not self.update_bytes:
            return 0.0
        whole = int((self.held_bytes - 1) // self.update_bytes)  # of the updates that are missing at most
        rest = self.held_bytes - 1 - whole * self.update_bytes
        return (whole * (whole + 1) / 2 * self.update_bytes + (whole + 1) * rest) / self.held_bytes


class Carried(NamedTuple):
    """What a link adds: to the mean latency, to the mean age, and how its part of latencies is distributed.

    `waits` are empty when that is not known. `per_second` is how many updates a client gets a second, None for as many
    as are made: those that come in a window are others than those made in it.
    """

    wait_seconds: float
    behind_seconds: float
    waits: Waits = ()
    per_second: float | None = None


AT_ONCE = Carried(0.0, 0.0, (Piece(0.0, 0.0, 1.0),))
"""What a plain link adds."""
