"""What is sampled of a broker that brings the feed to servers, and what it spent, as values."""

import msgspec

from wirerace.record.moment import Sample


class BrokerSample(Sample, frozen=True, kw_only=True):
    """The CPU time so far, and its own memory; None if they are not available."""

    cpu_seconds: float | None
    user_bytes: int | None


class BrokerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was sampled of a broker at the ends of the window; `samples` are None if it was started again."""

    version: str
    samples: tuple[BrokerSample, BrokerSample] | None


class BrokerCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a broker spent in the window, and its own memory at the window's end.

    `utilisation` is the part of a core. It serves all servers of a run, but only one of them gets updates in a trial.
    """

    version: str
    cpu_seconds: float | None
    cpu_us_per_delivery: float | None
    utilisation: float | None
    user_bytes: int | None
