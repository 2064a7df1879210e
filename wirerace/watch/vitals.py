"""Vitals: what a service says of itself, and what the kernel says of it, sampled at most once a second."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from wirerace.clock import now_ns
from wirerace.errors import TrialFailed
from wirerace.runner.peer import Peer

SAMPLE_SECONDS = 1.0
KEPT_SAMPLES = 20
"""The feed's lag is the median of as many means, so that it is known at low rates, too, and no stall changes it."""


class SeenProcess(Protocol):
    """A service seen from outside, by the kernel of the machine that it runs on."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it."""

    def cpu_seconds(self) -> float | None:
        """Return its CPU time so far; None if it is not available."""


class Watchable(Protocol):
    """A service that is asked for its metrics. `part` is None where it is in another container."""

    @property
    def peer(self) -> Peer:
        """Its HTTP side."""

    @property
    def part(self) -> SeenProcess | None:
        """Its process."""


class Vitals(msgspec.Struct, frozen=True):
    """One sample. Counts are since the service started; `restarts` says how often that was.

    `cpu_seconds` leaves out what answering these questions took: some 2 ms each, while a server with one client takes
    3 ms a second for everything else. It cannot leave that out where the process is not seen from outside.
    `feed_seconds` is how late updates usually are when the service has them, None without any.
    """

    sampled_ns: int
    live: bool
    stalled: bool = False
    restarts: int = 0
    clients: int = 0
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

    def __init__(self, service: Watchable) -> None:
        self._service = service
        self._last = Vitals(0, live=False)
        self._asking_seconds = 0.0
        self._before: _Lags | None = None
        self._lags: deque[float] = deque(maxlen=KEPT_SAMPLES)

    def sample(self) -> Vitals:
        """Return the vitals now."""
        part = self._service.part
        return self._ask(0, None) if part is None else self._sample(part)

    def _sample(self, part: SeenProcess) -> Vitals:
        """Return the vitals of a service whose process is seen from outside."""
        if part.restarts != self._last.restarts:  # a fresh process counts from zero
            self._asking_seconds = 0.0
            self._before = None
        before = part.cpu_seconds()
        if part.is_stopped():
            self._last = self._silent(part.restarts, stalled=True)
        else:
            own = None if before is None else before - self._asking_seconds
            self._ask(part.restarts, own)
        self._asking_seconds += (part.cpu_seconds() or 0.0) - (before or 0.0)
        return self._last

    def _ask(self, restarts: int, cpu_seconds: float | None) -> Vitals:
        """Return the vitals in a service's metrics; `cpu_seconds` is what was seen from outside."""
        found = self._metrics()
        self._last = self._silent(restarts) if found is None else self._vitals(found, cpu_seconds, restarts)
        return self._last

    def _silent(self, restarts: int, *, stalled: bool = False) -> Vitals:
        """Return the last figures again."""
        return replace(self._last, sampled_ns=now_ns(), live=False, stalled=stalled, restarts=restarts)

    def _metrics(self) -> Mapping[str, float] | None:
        """Return what the service says of itself, None when it does not answer."""
        try:
            return self._service.peer.metrics()
        except TrialFailed:
            return None

    def _vitals(self, found: Mapping[str, float], cpu_seconds: float | None, restarts: int) -> Vitals:
        """Return the vitals in a service's metrics."""
        lags = _Lags(found["wirerace_feed_lag_seconds_sum"], found["wirerace_feed_lag_seconds_count"])
        if self._before is not None and (updates := lags.updates - self._before.updates) > 0:
            self._lags.append((lags.seconds - self._before.seconds) / updates)
        self._before = lags
        return Vitals(
            sampled_ns=now_ns(),
            live=bool(found["wirerace_feed_live"]),
            restarts=restarts,
            clients=int(found["wirerace_clients"]),
            cpu_seconds=cpu_seconds if self._service.part else found["wirerace_cpu_seconds_total"],
            received_bytes=found["wirerace_received_bytes_total"],
            sent_bytes=found["wirerace_sent_bytes_total"],
            feed_seconds=median(self._lags) if self._lags else None,
        )


class Samplers:
    """Samples several services together. All pages that ask within a second get the same sample."""

    def __init__(self, services: Mapping[str, Watchable], clock: Callable[[], float] = time.monotonic) -> None:
        self._samplers = {name: Sampler(service) for name, service in services.items()}
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
