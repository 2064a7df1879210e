"""Load processes of other hosts: how a run waits for them, and how a host starts them."""

import contextlib
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from wirerace.addresses import spelled
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.model import LoadOptions
from wirerace.options import variable_of
from wirerace.runner.peer import NoAnswer
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.locust import locust_command, worker_of
from wirerace.runner.targets.target import LoadChild
from wirerace.stopping import whole
from wirerace.system import blamed_on

HOSTS_SECONDS = 600.0
"""For load processes to come: somebody may have to start them."""
STOP_SECONDS = 6.0
AGAIN_SECONDS = 1.0
"""From the end of a load process to its next start: until the master that ended it has ended, too."""
SOON_SECONDS, MOST_FAILURES = 5.0, 3
"""A load process that fails as soon as it is started, this number of times in a row, cannot run here."""


class WorkerCount(msgspec.Struct, frozen=True):
    """How many workers are there."""

    workers: int


def await_hosts(
    load: LoadChild, options: LoadOptions, report: Callable[[str], None], pause: Callable[[], None]
) -> None:
    """Wait until all load processes have come from other hosts.

    Raises TrialFailed, with the cure, when they do not come, or when too many do.
    """
    deadline, come, wanted = time.monotonic() + HOSTS_SECONDS, 0, options.processes
    place = spelled(options.address, options.first_port)
    while come < wanted:
        if load.peer.is_open():
            with contextlib.suppress(NoAnswer):
                come = load.peer.get("/workers", WorkerCount).workers
        report(f"waiting for {max(0, wanted - come)} of {wanted} load processes at {place}")
        if time.monotonic() > deadline:
            raise TrialFailed(
                f"{come} of {wanted} load processes have come from other hosts: start wirerace workers {place} there"
            )
        pause()
    if come > wanted:
        raise TrialFailed(f"{come} load processes have come from other hosts, and load.processes is {wanted}")


def join(address: str, port: int, processes: int) -> None:
    """Run load processes for a master at an address, one run after the other, until a signal ends this process.

    Raises BadInput when the address cannot be found, and TrialFailed when they cannot run on this host.
    """
    try:
        socket.getaddrinfo(address, port)
    except OSError as error:
        raise BadInput(f"{address} cannot be found: {error.strerror or error}") from None
    workers = [_Worker(address, port) for _ in range(processes)]
    try:
        while True:
            for worker in workers:
                worker.look()
            time.sleep(TICK_SECONDS)
    finally:
        with whole():
            for worker in workers:
                worker.end()
            for worker in workers:
                worker.wait()


class _Worker:
    """A load process that is started again when it has ended, which each trial makes it do."""

    def __init__(self, address: str, port: int) -> None:
        self._command: Sequence[str] = [sys.executable, *locust_command(), *worker_of(address, port)]
        self._popen: subprocess.Popen[bytes] | None = None
        self._started = self._ended = -math.inf
        self._failures = 0

    def look(self) -> None:
        """Start it, unless it runs.

        Raises TrialFailed when it has failed too often.
        """
        now, code = time.monotonic(), None if self._popen is None else self._popen.poll()
        if code is not None and self._popen is not None:
            self._failures = self._failures + 1 if code and now < self._started + SOON_SECONDS else 0
            self._popen, self._ended = None, now
        if self._failures >= MOST_FAILURES:
            raise TrialFailed(
                f"a load process ended as soon as it started, {MOST_FAILURES} times: see what it said above"
            )
        if self._popen is None and now >= self._ended + AGAIN_SECONDS:
            self._started = now
            with whole(), blamed_on("a load process"):
                self._popen = subprocess.Popen(  # noqa: S603 -- the command is our own
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, variable_of("parent_pid"): str(os.getpid())},
                    start_new_session=True,
                )

    def end(self) -> None:
        """Let it end."""
        if self._popen is not None:
            self._popen.terminate()

    def wait(self) -> None:
        """Wait until it has ended; it is killed if it takes too long."""
        if self._popen is not None:
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
