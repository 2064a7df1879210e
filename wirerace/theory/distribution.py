"""How latency is distributed, where a closed form exists: polling, and batches of a Poisson process."""

from collections.abc import Callable

from wirerace.theory.closed_forms import Poisson
from wirerace.transports.polling import PollingOptions
from wirerace.transports.transport import TransportOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

Fraction = Callable[[float], float]
"""The part of the deliveries that take at most a number of seconds."""


def latency_fraction(source: Source, options: TransportOptions, mean_seconds: float) -> tuple[Fraction, float] | None:
    """Return the distribution of latency with its longest value, given the mean that theory expects; None if unknown.

    A poll comes at a uniform time after an update: latency is uniform over an interval T, from the delay of the path
    on, which is the mean less T/2. In a batch, the first update waits for the whole time B. A Poisson process makes λB
    more in it, each at a uniform time. So the part that waits at most x < B is λx / (1 + λB).
    """
    if options.latest_only:
        return None
    if isinstance(options, PollingOptions):
        interval_seconds = options.interval_seconds
        delay_seconds = mean_seconds - interval_seconds / 2
        return (lambda x: _part((x - delay_seconds) / interval_seconds)), delay_seconds + interval_seconds
    if isinstance(options, WebSocketOptions) and options.batch_seconds and source.arrivals == "poisson":
        batch_seconds, rate = options.batch_seconds, source.rate_per_second
        delay_seconds = mean_seconds - Poisson(rate).batched(batch_seconds).wait_seconds

        def within(x: float) -> float:
            waited = x - delay_seconds
            return 1.0 if waited >= batch_seconds else _part(rate * waited / (1 + rate * batch_seconds))

        return within, delay_seconds + batch_seconds
    return None


def _part(value: float) -> float:
    return min(1.0, max(0.0, value))
