"""What a publisher did between two of its reports: how late it published, and what it could not publish."""

import msgspec


class PublisherQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits to be published now: how many updates, that under way included, and when the oldest was made."""

    waiting: int
    oldest_ns: int | None


class PublisherReport(msgspec.Struct, frozen=True, kw_only=True):
    """A publisher's work between two instants, Unix nanoseconds.

    `sent_ns` has, for each update that the server accepted, the time from its intended making until its publication
    was handed to the kernel, `answered_ns` the time until the server's answer had come. Of `lost` updates the server
    accepted none: the queue was full, the server refused them, or it could not be reached. `retried` counts
    publications that were sent again. `most_waiting` is the longest that the queue was, `trouble` the last failure.
    """

    began_ns: int
    ended_ns: int
    cpu_seconds: float
    sent_ns: list[int]
    answered_ns: list[int]
    lost: int
    retried: int
    most_waiting: int
    trouble: str = ""
