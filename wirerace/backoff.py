"""How long anybody waits before connecting again: the least, doubled at each failure, and the most.

Written once, because whatever waits for updates that may still come has to know both.
"""

from typing import NamedTuple


class Backoff(NamedTuple):
    """Bounds of a pause, seconds; jitter makes it shorter, never longer."""

    least_seconds: float
    most_seconds: float


OF_CLIENTS = Backoff(0.05, 2.0)
"""After a client's connection broke or was refused."""

OF_FEED = Backoff(0.05, 1.0)
"""After a server lost the producer."""
