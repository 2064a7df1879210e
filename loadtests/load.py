"""The load of one Locust process: the account that its users write into, their options, Locust's statistics."""

import random
import time
from math import fsum
from typing import Any

import gevent
from locust.env import Environment
from locust.stats import StatsEntry, StatsError, bucket_response_time

from loadtests.connection import Address
from wirerace.clock import now_ns, to_ns
from wirerace.ledger import Account, AccountRecord, Ledger
from wirerace.transports import Transport, TransportOptions

FLUSH_SECONDS = 1.0
GOLDEN = (5**0.5 - 1) / 2


LOADS: "dict[Environment, Load]" = {}
"""The load of each Locust environment; a process has one."""


class Times:
    """What was noted since the last batch: how long each took, ns, and the bytes of all."""

    __slots__ = ("size_bytes", "took_ns")

    def __init__(self) -> None:
        self.took_ns: list[int] = []
        self.size_bytes = 0

    def note(self, took_ns: int, size_bytes: int) -> None:
        """Note one."""
        self.took_ns.append(took_ns)
        self.size_bytes += size_bytes

    def clear(self) -> None:
        """Begin the next batch."""
        self.took_ns.clear()
        self.size_bytes = 0


class Load:
    """What the users of one process share.

    Locust's statistics get everything in batches: an event for each delivery would cost more than the delivery.
    """

    def __init__(
        self,
        environment: Environment,
        options: dict[str, TransportOptions],
        addresses: dict[str, Address],
        seed: int,
    ) -> None:
        self.account = Account()
        self.random = random.Random(seed)
        self._environment = environment
        self._options = options
        self._addresses = addresses
        self._ledgers: set[Ledger] = set()
        self._phase = self.random.random()
        self._times: dict[tuple[str, str], Times] = {}
        self._flusher = gevent.spawn(self._flush_forever)

    def options_of(self, transport: Transport) -> Any:
        """Return the client options of a transport."""
        return self._options[transport.name]

    def address_of(self, transport: Transport) -> Address:
        """Return where the server of a transport is."""
        return self._addresses[transport.name]

    def new_ledger(self) -> Ledger:
        """Return the ledger of a new client."""
        ledger = Ledger(self.account)
        self._ledgers.add(ledger)
        return ledger

    def end_ledger(self, ledger: Ledger) -> None:
        """Close the ledger of a client that was told to stop."""
        if ledger in self._ledgers:
            self._ledgers.discard(ledger)
            ledger.close(now_ns())

    def next_phase_ns(self, interval_seconds: float) -> int:
        """Return a random offset into a poll interval for the next client.

        Steps of the golden ratio from a random start: each phase is uniform, and any number of them in a row covers the
        interval evenly, so that the luck of the draw does not colour a mean (independent phases of 200 clients: 2 %).
        """
        self._phase = (self._phase + GOLDEN) % 1.0
        return to_ns(self._phase * interval_seconds)

    def times_of(self, method: str, name: str) -> "Times":
        """Return where requests or deliveries of one name are noted for Locust's statistics."""
        return self._times.setdefault((name, method), Times())

    def log_failure(self, method: str, name: str, error: Exception) -> None:
        """Note one failure for Locust's statistics."""
        stats = self._environment.stats
        for entry in (stats.entries[name, method], stats.total):
            entry.log_error(error)
        key = StatsError.create_key(method, name, error)
        stats.errors.setdefault(key, StatsError(method, name, error)).occurred()

    def finish(self) -> AccountRecord:
        """Close all ledgers and return the account."""
        for ledger in list(self._ledgers):
            self.end_ledger(ledger)
        return self.account.to_record()

    def stop(self) -> None:
        """Hand the rest to Locust's statistics: the test is over."""
        self._flusher.kill()
        self.flush()

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_SECONDS)
            self.flush()

    def flush(self) -> None:
        """Hand what was noted to Locust's statistics."""
        stats = self._environment.stats
        now = time.time()
        for key, times in self._times.items():
            if not times.took_ns:
                continue
            times_ms = [took_ns / 1e6 for took_ns in times.took_ns]
            batch = StatsEntry(stats, *key)
            batch.last_request_timestamp = now
            batch.num_requests = len(times_ms)
            batch.total_response_time = fsum(times_ms)  # type: ignore[assignment]  # Locust says int, and adds floats
            batch.min_response_time = min(times_ms)  # type: ignore[assignment]
            batch.max_response_time = max(times_ms)  # type: ignore[assignment]
            batch.total_content_length = times.size_bytes
            batch.num_reqs_per_sec[int(now)] = len(times_ms)
            for time_ms in times_ms:
                batch.response_times[bucket_response_time(time_ms)] += 1
            times.clear()
            stats.entries[key].extend(batch)
            stats.total.extend(batch)
