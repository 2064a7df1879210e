"""The figures of the publisher, which brings updates to a server that does not follow the producer's feed."""

from collections.abc import Callable

from wirerace.analysis.figure import FEWER, SOONER, Figure
from wirerace.record.publisher import PublisherQuality
from wirerace.record.trial import Trial


def _of(read: Callable[[PublisherQuality], float | None]) -> Callable[[Trial], float | None]:
    """Return a figure of the publisher, None for a trial without one."""
    return lambda trial: None if trial.publisher is None else read(trial.publisher)


PUBLISHER_FIGURES = (
    Figure(
        "publisher.answered",
        "seconds",
        "publication answered, mean",
        "from an update's intended making until a foreign server has answered its publication",
        _of(lambda publisher: publisher.answered_seconds.mean),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "publisher.lost",
        "count",
        "updates not published",
        "updates that a foreign server did not take, in several tries",
        _of(lambda publisher: publisher.lost),
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "publisher.busy",
        "fraction",
        "publisher busy",
        "the part of a core that Wirerace's publisher took for a foreign server",
        _of(lambda publisher: publisher.utilisation),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "publisher.memory",
        "bytes",
        "publisher's memory",
        "the own memory of Wirerace's publisher",
        _of(lambda publisher: publisher.user_bytes),
        if_any=True,
    ),
)
"""In the order in which they are shown."""
