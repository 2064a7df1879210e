"""Vitals: what a service says of itself, and what the kernel says of it, sampled at most once a second."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from wirerace.clock import now_ns
from wirerace.errors import TrialFailed
from wirerace.runner.targets.target import Child

SAMPLE_SECONDS = 1.0
KEPT_SAMPLES = 20
"""The feed's lag is the median of as many means, so that it is known at low rates, too, and no stall changes it."""


class Vitals(msgspec.Struct, frozen=True):
    """One sample. Counts are since the service started; `restarts` says how often that was.

    `cpu_seconds` leaves out what answering these questions took: some 2 ms each, while a server with one client takes
    3 ms a second for everything else. `feed_seconds` is how late updates usually are when the service has them, None
    without any.
    """

    sampled_ns: int
    live: bool
    stalled: bool = False
    restarts: int = 0
    cpu_seconds: float | None = None
    received_bytes: float = 0
    sent_bytes: float = 0
    feed_seconds: float | None = None


class _Lags(NamedTuple):
    """The sum of the lags of a number of updates."""

    seconds: float
    updates: float


class Sampler:
    """Samples one service. While it stands still or does not answer, its last figures are repeated."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._last = Vitals(0, live=False)
        self._asking_seconds = 0.0
        self._before: _Lags | None = None
        self._lags: deque[float] = deque(maxlen=KEPT_SAMPLES)

    def sample(self) -> Vitals:
        """Return the vitals now."""
        part = self._child.part
        if part.restarts != self._last.restarts:  # a fresh process counts from zero
            self._asking_seconds = 0.0
            self._before = None
        stalled, before = part.is_stopped(), part.cpu_seconds()
        found = None if stalled else self._metrics()
        if found is None:
            self._last = replace(self._last, sampled_ns=now_ns(), live=False, stalled=stalled, restarts=part.restarts)
        else:
            self._last = self._vitals(found, before, part.restarts)
        self._asking_seconds += (part.cpu_seconds() or 0.0) - (before or 0.0)
        return self._last

    def _metrics(self) -> Mapping[str, float] | None:
        """Return what the service says of itself, None when it does not answer."""
        try:
            return self._child.peer.metrics()
        except TrialFailed:
            return None

    def _vitals(self, found: Mapping[str, float], cpu_seconds: float | None, restarts: int) -> Vitals:
        """Return the vitals in a service's metrics."""
        lags = _Lags(found["wirerace_feed_lag_seconds_sum"], found["wirerace_feed_lag_seconds_count"])
        if self._before is not None and (updates := lags.updates - self._before.updates):
            self._lags.append((lags.seconds - self._before.seconds) / updates)
        self._before = lags
        return Vitals(
            sampled_ns=now_ns(),
            live=bool(found["wirerace_feed_live"]),
            restarts=restarts,
            cpu_seconds=None if cpu_seconds is None else cpu_seconds - self._asking_seconds,
            received_bytes=found["wirerace_received_bytes_total"],
            sent_bytes=found["wirerace_sent_bytes_total"],
            feed_seconds=median(self._lags) if self._lags else None,
        )


class Samplers:
    """Samples several services together. All pages that ask within a second get the same sample."""

    def __init__(self, children: Mapping[str, Child], clock: Callable[[], float] = time.monotonic) -> None:
        self._samplers = {name: Sampler(child) for name, child in children.items()}
        self._clock = clock
        self._lock = threading.Lock()
        self._sampled: float | None = None
        self._last: dict[str, Vitals] = {}

    def sample(self) -> Mapping[str, Vitals]:
        """Return the vitals of each service, none older than a second."""
        with self._lock:
            if self._sampled is None or self._clock() - self._sampled >= SAMPLE_SECONDS:
                self._sampled = self._clock()
                self._last = {name: sampler.sample() for name, sampler in self._samplers.items()}
            return self._last
