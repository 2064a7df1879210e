"""What the publisher did for a foreign server, as values in result.json."""

import msgspec

from wirerace.record.durations import Times


class PublisherQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What Wirerace's publisher did in the window for a server that does not follow the producer's feed.

    Of the updates that came in the window, the server took `published`, and `lost` were given up. `retried` counts
    requests that were sent again. `sent_seconds` is from an update's intended making until its publication had left,
    `answered_seconds` until the server had answered. `user_bytes` is the publisher's own memory.
    """

    published: int
    lost: int
    retried: int
    most_waiting: int
    sent_seconds: Times
    answered_seconds: Times
    cpu_seconds: float
    utilisation: float
    user_bytes: int | None
    trouble: str = ""
