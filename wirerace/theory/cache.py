"""A shared cache before the server, as the values that predictions need."""

from typing import NamedTuple

from wirerace.experiment.paths import CACHE_TICK_SECONDS
from wirerace.theory.distribution import Waits


class SharedCache(NamedTuple):
    """A shared cache: for how many whole seconds of the clock answers live in it; 0 for no cache.

    An update reaches the server, and so the cache, `lag_seconds` after its making. The first answer with an update was
    given at `first_ns`, 0 if that is not known: until then an empty one was stored.
    """

    seconds: float = 0.0
    lag_seconds: float = 0.0
    first_ns: int = 0

    @property
    def longest_seconds(self) -> float:
        """How long an answer lives that is stored at the beginning of a second."""
        return self.seconds + CACHE_TICK_SECONDS


class Polls(NamedTuple):
    """How clients of one channel ask: at an interval, each with a phase of its own, for all updates or the newest."""

    interval_seconds: float
    clients: int
    latest_only: bool = False

    @property
    def after_first_seconds(self) -> float:
        """How long after the first of them a client asks on average: phases are even, the first one's is 0."""
        return self.interval_seconds / 2 * (1 - 1 / max(1, self.clients))


class CachedPolls(NamedTuple):
    """The means of polls through a shared cache. `wait_seconds` is that of the updates that are delivered.

    `asked_per_second` is how often the server is asked, for all clients. `waits` are empty when they are not known.
    `spread` is the deviation of latency or age, as a part of it, that comes from what is not known: the phases of
    clients, and when the first answer was given.
    """

    wait_seconds: float | None
    age_seconds: float | None
    empty_fraction: float | None
    updates_per_response: float | None
    asked_per_second: float
    waits: Waits = ()
    spread: float = 0.0
