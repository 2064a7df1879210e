"""Idle timeouts: how often the link closes a connection without bytes, and how long its client is away."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from wirerace.backoff import OF_CLIENTS
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.inputs import made_ns_of
from wirerace.workload.schedule import Source

PHASES = 10
"""Of heartbeats, whose phase is not known."""
MEAN_PAUSE_SECONDS = 0.75 * OF_CLIENTS.least_seconds
"""A client that was well for long waits for half of the least pause to all of it."""


class Quiet(NamedTuple):
    """When a connection is without bytes. The last byte before the next update comes `first_seconds` after an update.

    It is `away_seconds` from a timeout until the timer runs again on the client's next connection. Heartbeats come
    every `heartbeat_seconds`, 0 for never.
    """

    timeout_seconds: float
    first_seconds: float = 0.0
    away_seconds: float = 0.0
    heartbeat_seconds: float = 0.0

    @property
    def never_breaks(self) -> bool:
        """Whether heartbeats, or ends of holds, come in time."""
        return 0 < self.heartbeat_seconds <= self.timeout_seconds


def quiet_of(plan: Plan, raw: Raw, trial: Trial) -> Quiet | None:
    """Return when connections of a trial are without bytes; None without a timeout, and where theory knows nothing.

    A poller's connection is closed between two polls, and the poll is sent again on a new one: that is no break.
    Backoffs are known only of connections that were well for longer than the longest one.
    """
    timeout, options, path = raw.path.idle_timeout_seconds, plan.options, raw.path
    if not timeout or options.period_seconds:
        return None
    one_way = path.round_trip_seconds / 2
    away = return_seconds(path) + 2 * one_way
    if plan.transport.asks:
        gap = max(0.0, (trial.repoll_seconds.mean or 0.0) - one_way)
        hold = getattr(options, "hold_seconds", 0.0)  # each request has its own: a longer one never ends in time
        quiet = Quiet(timeout, gap, away + one_way, hold if hold <= timeout else 0.0)
        is_known = options.pause_seconds < timeout
    else:
        own = (getattr(options, key, 0.0) for key in ("heartbeat_seconds", "ping_interval_seconds"))
        quiet, is_known = Quiet(timeout, 0.0, away, max(own)), True
    return quiet if is_known and (quiet.never_breaks or timeout >= OF_CLIENTS.most_seconds) else None


def breaks_per_second(plan: Plan, raw: Raw, trial: Trial) -> float:
    """Return how often the connection of a client is closed a second in the window; 0 if that is not known."""
    made_ns, quiet = made_ns_of(raw.truth, plan.experiment.producer.channel_names[0]), quiet_of(plan, raw, trial)
    if quiet is None or not made_ns:
        return 0.0
    made = [(at - made_ns[0]) / NS_PER_SECOND for at in made_ns]
    begin, end = ((at - made_ns[0]) / NS_PER_SECOND for at in (raw.window.from_ns, raw.window.to_ns))
    return max(0.0, breaks_of(quiet, made, end) - breaks_of(quiet, made, begin)) / raw.window.seconds


def return_seconds(path: NetworkPath) -> float:
    """Return how long a client has no connection: its pause, the opening, and its request."""
    return MEAN_PAUSE_SECONDS + 2 * path.round_trip_seconds


def breaks_within(quiet: Quiet, gap_seconds: float) -> int:
    """Return how many timeouts a gap between two updates has: the k-th comes at R + kτ + (k − 1)r."""
    cycle = quiet.timeout_seconds + quiet.away_seconds
    return max(0, math.ceil((gap_seconds - quiet.first_seconds + quiet.away_seconds) / cycle - 1e-9) - 1)


def breaks_of(quiet: Quiet, made: Sequence[float], end: float) -> float:
    """Return how often a client's connection is closed from the first update to an instant, on average."""
    if quiet.never_breaks or not made or end <= made[0]:
        return 0.0
    phases = PHASES if quiet.heartbeat_seconds else 1
    times = list(made[: bisect_left(made, end)])
    found = 0
    for phase in range(phases):
        bytes_at = sorted([*times, *_heartbeats(quiet.heartbeat_seconds, (phase + 0.5) / phases, times[0], end), end])
        found += sum(breaks_within(quiet, after - before) for before, after in pairwise(bytes_at))
    return found / phases


def _heartbeats(interval: float, phase: float, begin: float, end: float) -> list[float]:
    if not interval:
        return []
    return [
        begin + (number + phase) * interval for number in range(max(0, math.ceil((end - begin) / interval - phase)))
    ]


def closed_breaks(quiet: Quiet, source: Source) -> float | None:
    """Return how often that is a second, for the nominal rate; None where no closed form is known.

    Poisson: λ times the expected number in a gap, Σ P(gap > R + kτ + (k − 1)r).
    """
    if quiet.never_breaks:
        return 0.0
    rate = source.rate_per_second
    if quiet.heartbeat_seconds or source.arrivals not in {"poisson", "periodic"}:
        return None
    if source.arrivals == "periodic":
        return rate * breaks_within(quiet, 1 / rate)
    cycle = quiet.timeout_seconds + quiet.away_seconds
    return rate * math.exp(-rate * (quiet.first_seconds + quiet.timeout_seconds)) / -math.expm1(-rate * cycle)
