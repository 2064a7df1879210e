"""A feed of a server, without a link and without a server."""

from services.channel import Channels
from services.feed import Feed
from services.recent import Bounds
from wirerace.clock import Clock, now_ns
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor


def feed_of(metrics: ServiceMetrics, *, epoch: str = "e0", clock: Clock = now_ns) -> Feed:
    """Return a feed at the beginning of an epoch."""
    feed = Feed(Channels(Bounds(100, 100_000), metrics, lambda _: None), metrics, clock=clock)
    feed.cursor = Cursor(epoch, 0)
    feed.channels.default.recent.turn_to(feed.cursor)
    return feed
