"""How long a part waits before it connects again: the least, doubled at each failure, and the most.

It is written once, because everything that waits for late updates has to know both bounds.
"""

from typing import NamedTuple


class Backoff(NamedTuple):
    """Bounds of a pause, seconds; jitter makes it shorter, never longer."""

    least_seconds: float
    most_seconds: float


OF_CLIENTS = Backoff(0.05, 2.0)
"""The pauses of a client after its connection broke or was refused."""

OF_FEED = Backoff(0.05, 1.0)
"""The pauses of a server after it lost the producer."""
