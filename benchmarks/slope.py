"""The slope of a longer run: does a process grow without bound?

`python -m benchmarks.slope` runs one server after the other, each with a producer and the load of an experiment, and
samples own memory (USS), open files and threads of each process every second.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.growth import Growth, UpdateBytes, UsageSample, growth_of, kept_bytes, together, update_bytes
from wirerace.clock import now_ns, to_ns
from wirerace.errors import TrialFailed, WireraceError
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.plans import Plan, plans_of, schedule_of
from wirerace.experiment.settings import alone
from wirerace.observe.account import LoadState, Window
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.parts.process import Process
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child, LoadChild
from wirerace.stopping import stoppable
from wirerace.transports import TRANSPORTS
from wirerace.workload.kept import KEEP_UPDATES
from wirerace.workload.schedule import Schedule, Source

SAMPLE_SECONDS = 1.0
LEAD_SECONDS = 2.0  # from the order of a window to its beginning
SUBSCRIBE_SECONDS = 120.0
HEAD = "| transport | process | memory, MB | slope, kB/min | of it in records | files | threads | verdict |"
RULE = "| --- | --- | --- | --- | --- | --- | --- | --- |"


class Patient(NamedTuple):
    """A process that is watched, by its part in the run."""

    name: str
    process: psutil.Process

    def usage(self, at_seconds: float) -> UsageSample:
        """Return what it uses now.

        Raises TrialFailed when it has ended.
        """
        with suppress(psutil.Error):
            uss = int(self.process.memory_full_info().uss)
            return UsageSample(at_seconds, uss, self.process.num_fds(), self.process.num_threads())
        raise TrialFailed(f"the {self.name} has ended")


def plan_with(transport: str, given: argparse.Namespace) -> Plan:
    """Return the trial: clients that stay, and updates that come evenly."""
    experiment = Experiment(
        "slope",
        [transport],
        clients=Clients(count=given.clients, spawn_per_second=min(given.clients, 200)),
        producer=Source(rate_per_second=given.rate, arrivals="periodic", payload_bytes=given.payload_bytes),
        window=WindowOptions(warmup_seconds=0.0, measure_seconds=given.seconds),
    )
    return plans_of(alone(experiment).settings[0], 1)[0]


def growths(transport: str, given: argparse.Namespace, each: UpdateBytes) -> Iterator[tuple[str, Growth]]:
    """Run one server with its producer and its load; yield the growth of each process.

    Raises TrialFailed when a process ends, or when clients do not come.
    """
    plan = plan_with(transport, given)
    with (
        tempfile.TemporaryDirectory(prefix="wirerace-slope-") as directory,
        closing(Local(alone(plan.experiment), Path(directory))) as target,
    ):
        target.begin_trial(plan)
        producer = target.start_producer()
        wait_until_healthy(producer)
        server = target.start_server(plan, producer.peer)
        wait_until_healthy(server)
        load = target.start_load(plan, server.peer)
        _until_subscribed(load, given.clients)
        _begin(plan, producer, load)
        parts = [("producer", producer.part.members), ("server", server.part.members), ("load", load.crew.members)]
        watched = [
            Patient(name, psutil.Process(one.pid))
            for name, members in parts
            for one in members
            if isinstance(one, Process)
        ]
        samples = _sampled(watched, given.seconds)
    history = kept_bytes(each.history, given.rate, KEEP_UPDATES)
    explained = {
        "producer": together(kept_bytes(each.record, given.rate), history),
        "server": history,
        "load": kept_bytes(each.ledger, given.rate),
    }
    for name, found in samples.items():
        yield name, growth_of(found, explained[name])


def _until_subscribed(load: LoadChild, clients: int) -> None:
    deadline = time.monotonic() + SUBSCRIBE_SECONDS
    while not (load.peer.is_open() and load.peer.get("/state", LoadState).subscribed == clients):
        if time.monotonic() > deadline:
            raise load.crew.failure(f"has not connected {clients} clients in time")
        time.sleep(SAMPLE_SECONDS / 10)


def _begin(plan: Plan, producer: Child, load: LoadChild) -> None:
    """Let updates be made from now on, in a window that has all of them."""
    start_ns = now_ns() + to_ns(LEAD_SECONDS)
    producer.peer.send("PUT", "/schedule", schedule_of(plan.experiment, plan.seed, start_ns), Schedule)
    window = Window(start_ns, start_ns + to_ns(plan.experiment.window.measure_seconds))
    load.peer.send("PUT", "/window", window, dict[str, str])
    time.sleep(LEAD_SECONDS)


def _sampled(watched: list[Patient], seconds: float) -> dict[str, list[UsageSample]]:
    """Return the samples of each process, one a second; those that are due while this process has no core are left out.

    Raises TrialFailed when it had no core for most of the time: such a run says nothing.
    """
    began = time.monotonic()
    samples: dict[str, list[UsageSample]] = {one.name: [] for one in watched}
    while (passed := time.monotonic() - began) < seconds:
        for one in watched:
            samples[one.name].append(one.usage(time.monotonic() - began))
        time.sleep(SAMPLE_SECONDS - passed % SAMPLE_SECONDS)
    if any(len(found) < seconds / SAMPLE_SECONDS / 2 for found in samples.values()):
        raise TrialFailed("fewer than half of the samples could be taken: use a quieter machine")
    return samples


def row_of(transport: str, name: str, growth: Growth) -> str:
    """Return a process's row of the table."""
    verdict = "grows" if growth.grows else "grows nothing without bound"
    first, second = growth.halves_kb
    return (
        f"| {transport} | {name} | {growth.first_mb:.1f} → {growth.last_mb:.1f} "
        f"| {growth.slope_kb:.0f} ({first:.0f}, {second:.0f}) | {growth.explained_kb:.0f} "
        f"| {growth.files[0]} → {growth.files[1]} | {growth.threads[0]} → {growth.threads[1]} | {verdict} |"
    )


def main() -> None:
    """Print a table; exit with 1 when something grows without bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slope", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long each transport is watched")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0, help="updates a second")
    parser.add_argument("--payload-bytes", type=int, default=100)
    parser.add_argument("--only", nargs="*", choices=TRANSPORTS, default=list(TRANSPORTS))
    given = parser.parse_args()
    grows, each = False, update_bytes(given.payload_bytes)
    print(HEAD, RULE, sep="\n", flush=True)
    with stoppable():
        for transport in given.only:
            try:
                for name, growth in growths(transport, given, each):
                    grows = grows or growth.grows
                    print(row_of(transport, name, growth), flush=True)
            except WireraceError as error:
                sys.exit(f"{transport}: {error}")
    sys.exit(int(grows))


if __name__ == "__main__":
    main()
