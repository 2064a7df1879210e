"""Memory in cycles: clients come, receive and leave, again and again; what do server and load keep?

`python -m benchmarks.cycles --clients 10000 --cycles 3` prints for each transport the memory of its server and of the
load process (USS): before, at the peak, and after each cycle. The verdict compares the end of the last cycle with that
of the first: what a cycle leaves behind for good would be left behind by each. After each cycle the load gives
free memory back to the system (malloc_trim). After the last one it counts the clients, ledgers and connections that are
still in memory. What it has more than before all clients is then in pieces of the allocator that others share.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psutil

from benchmarks.measure import BenchmarkFailed
from benchmarks.peers import start_ours
from benchmarks.stage import Bench, BenchCores, BenchProcess, free_port, python
from wirerace.errors import WireraceError
from wirerace.runner.peer import Peer
from wirerace.runner.targets.descriptors import raise_descriptor_limit
from wirerace.transports import TRANSPORTS

MOST_GROWTH = 0.05
RATE_PER_SECOND = 0.5
SPAWN_PER_SECOND = 1000.0
UPDATES = 2  # that each client gets before it leaves
SETTLE_SECONDS = 2.0  # for connections to close, and for what is kept for a second only
SPARE_DESCRIPTORS = 200
MB = 1_000_000


class Cycles(NamedTuple):
    """The memory of one process in bytes: before all clients, at the peak, and after each cycle."""

    name: str
    before: int
    peak: int
    after: Sequence[int]

    @property
    def growth(self) -> float:
        """How much more there is after the last cycle than after the first, as a fraction."""
        return self.after[-1] / self.after[0] - 1

    @property
    def line(self) -> str:
        """The figures and the verdict."""
        after = ", ".join(f"{size / MB:.1f}" for size in self.after)
        verdict = "returns" if self.growth < MOST_GROWTH else "GROWS"
        figures = f"before {self.before / MB:6.1f}  peak {self.peak / MB:6.1f}  after {after} MB"
        return f"{self.name:22}  {figures}  {self.growth:+.1%}  {verdict}"


class WatchedMemory:
    """A process whose memory is read."""

    def __init__(self, name: str, child: BenchProcess) -> None:
        self._name = name
        self._process = psutil.Process(child.popen.pid)
        self._before = self._peak = self.read()
        self._after: list[int] = []

    def read(self) -> int:
        """Return the memory that it alone has."""
        return int(self._process.memory_full_info().uss)

    def full(self) -> None:
        """Note its memory with all clients."""
        self._peak = max(self._peak, self.read())

    def left(self) -> None:
        """Note its memory after all clients have left."""
        self._after.append(self.read())

    @property
    def cycles(self) -> Cycles:
        """All that was noted."""
        return Cycles(self._name, self._before, self._peak, self._after)


def measure(stage: Bench, transport: str, clients: int, cycles: int) -> list[Cycles]:
    """Return the memory of a server and of its load."""
    ours = start_ours(stage, transport, stage.cores.tested)
    port = free_port()
    command = python("benchmarks.crowd", transport, ours.server.url, "--port", port)
    child = stage.serve("load", command, port, stage.cores.others)
    crowd = Peer("load", port, answer_seconds=300.0)
    watched = [WatchedMemory(f"{transport}, server", ours.server.child), WatchedMemory(f"{transport}, load", child)]
    with ours.fed(RATE_PER_SECOND):
        for _ in range(cycles):
            _cycle(crowd, ours.server.port, clients, watched)
    if kept := crowd.get("/kept", int):
        raise BenchmarkFailed(f"{kept} clients, ledgers and connections of {transport} are in memory after they left")
    return [one.cycles for one in watched]


def _cycle(crowd: Peer, port: int, clients: int, watched: list[WatchedMemory]) -> None:
    patience = 120.0 + clients * 0.1
    crowd.send("POST", "/come", [clients, SPAWN_PER_SECOND], object)
    _wait_for(lambda: crowd.get("/state", list[int])[0] == clients, patience, "all clients are there")
    crowd.get("/settle", object)
    before = crowd.get("/state", list[int])[1]
    enough = before + UPDATES * clients
    _wait_for(lambda: crowd.get("/state", list[int])[1] >= enough, patience, "all clients have updates")
    for one in watched:
        one.full()
    crowd.get("/leave", object)
    server = Peer("server", port)
    _wait_for(lambda: server.metrics()["wirerace_clients"] == 0, patience, "all clients have left")
    time.sleep(SETTLE_SECONDS)
    crowd.get("/trim", object)
    for one in watched:
        one.left()


def _wait_for(condition: Callable[[], bool], patience: float, what: str) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"it is not true after {patience:g} s that {what}")
        time.sleep(0.5)


def main() -> int:
    """Measure; return 0 when all memory returns, 1 when some does not, 2 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cycles", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TRANSPORTS, default=list(TRANSPORTS), metavar="TRANSPORT")
    given = parser.parse_args()
    code = 0
    try:
        raise_descriptor_limit(given.clients + SPARE_DESCRIPTORS)
        print(f"{given.clients} clients, {given.cycles} cycles; memory that each process has for itself (USS)")
        for transport in given.only:
            with Bench(BenchCores.of_this_machine(), 1.0) as stage:
                for cycles in measure(stage, transport, given.clients, given.cycles):
                    print(cycles.line, flush=True)
                    code = max(code, int(cycles.growth >= MOST_GROWTH))
    except WireraceError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 2
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
