"""Starts the liar and the real load against it, and returns the ledger beside the liar's record."""

import contextlib
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from tests.liar.liar import EPOCH, Record
from tests.liar.plan import MS, Plan
from tests.race.running import PATIENCE_SECONDS, wait_until
from tests.wirerace.trials import trial_of
from wirerace.clock import now_ns
from wirerace.experiment import model, plans
from wirerace.host.ports import free_port
from wirerace.observe.account import AccountRecord, LoadState, Window
from wirerace.record.trial import Trial
from wirerace.runner.parts.process import Process
from wirerace.runner.peer import Peer
from wirerace.runner.targets.locust import locust_command, order_flags, spelled
from wirerace.transports.polling import PollingOptions
from wirerace.workload.truth import EpochMade, Truth

ROOT = Path(__file__).parents[2]
START_NS = 100 * MS
"""The time from setting the liar's start to the start itself."""


class Outcome(NamedTuple):
    """The ledger, and the liar's record."""

    plan: Plan
    trial: Trial
    account: AccountRecord
    record: Record
    window: Window

    def done_ns(self) -> dict[int, list[tuple[int, int]]]:
        """Return, for each update of the window, the latencies before and after it was written to the kernel.

        There is one for each client that received it, from its first delivery.
        """
        done: dict[int, list[tuple[int, int]]] = {seq: [] for seq in self.plan.measured}
        sent: set[tuple[int, int]] = set()
        for client, seq, ts, before_ns, after_ns in self.record.sent:
            if seq in done and (client, seq) not in sent:
                sent.add((client, seq))
                done[seq].append((before_ns - ts, after_ns - ts))
        return done

    def percentile_ns(self, percent: float) -> tuple[int, float]:
        """Return between which values a percentile of all latencies lies, by the clocks read around each send.

        Deliveries whose stamp may be later than their arrival may lie anywhere above; those that were sent in one piece
        with a newer one have its stamp, which is their own.
        """
        before: list[int]
        after: list[float]
        before, after = (sorted(column) for column in zip(*chain(*self.done_ns().values()), strict=True))
        rank, bounded = percent / 100 * len(before), self.trial.upper_bounds
        above = 0 if bounded == self.plan.bounds() else bounded
        after += [math.inf] * above
        return before[max(math.floor(rank), 1) - 1], after[math.ceil(rank) + above - 1]

    def polls_ns(self) -> list[list[int]]:
        """Return when each client's polls were answered."""
        answered: list[list[int]] = [[] for _ in range(self.plan.clients)]
        for client, at_ns in self.record.answered:
            answered[client].append(at_ns)
        return answered

    def late_ns(self) -> list[list[int]]:
        """Return how late the polls of each client came, on a grid of their interval through the most punctual one.

        The first of all is not on the grid: it subscribes.
        """
        starts = [
            [at_ns - index * self.plan.interval_ns for index, at_ns in enumerate(polls[1:])]
            for polls in self.polls_ns()
        ]
        return [[start - min(of_one) for start in of_one] for of_one in starts]

    def unsent(self) -> tuple[int, int]:
        """Return how many polls, at least and at most, were due in the window and had not come when all was over.

        A client's first poll on the grid is due after the one that subscribes, and has come when it is answered.
        """
        interval_ns, end_ns = self.plan.interval_ns, self.window.to_ns
        least = most = 0
        for subscribing_ns, first_ns, *others in self.polls_ns():
            least += max(0, (end_ns - first_ns) // interval_ns - len(others))
            most += max(0, (end_ns - subscribing_ns) // interval_ns - len(others))
        return least, most


class LiarProcess:
    """The liar in its own process, which ends when its standard input is closed."""

    def __init__(self, plan: Plan) -> None:
        command = [sys.executable, "-m", "tests.liar.liar", msgspec.json.encode(plan).decode()]
        self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        self.peer = Peer("the liar", int(self._stdout.readline()))

    def lie_from(self, start_ns: int) -> None:
        """Follow the plan, and return when everything is sent."""
        self._stdin.write(f"{start_ns}\n".encode())
        self._stdin.flush()
        self._stdout.readline()

    def record(self) -> Record:
        """Wait for the end and return the record."""
        self._stdin.close()
        return msgspec.json.decode(self._stdout.read(), type=Record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.wait()
        self._stdin.close()
        self._stdout.close()


def lie_all(plans: list[Plan], directory: Path) -> list[Outcome]:
    """Carry out plans side by side; none begins before all clients of all plans are connected."""
    together = threading.Barrier(len(plans), timeout=PATIENCE_SECONDS)
    ports = [free_port() for _ in plans]
    logs = [directory / f"{index}-{plan.transport}.log" for index, plan in enumerate(plans)]
    with ThreadPoolExecutor(len(plans)) as pool:
        return list(pool.map(lie, plans, ports, logs, [together] * len(plans)))


def lie(plan: Plan, control_port: int, log: Path, together: threading.Barrier) -> Outcome:
    """Carry out one plan: start the liar and the load, wait until everything is sent, and read both."""
    try:
        with LiarProcess(plan) as liar, loaded(plan, liar.peer, control_port, log) as load:
            wait_until(lambda: load.is_open() and state_of(load).subscribed == plan.clients)
            together.wait()
            start_ns = now_ns() + START_NS
            window = Window(*(start_ns + end_ns for end_ns in plan.window()))
            load.send("PUT", "/window", window, dict[str, str])
            liar.lie_from(start_ns)
            wait_until(lambda: state_of(load).received >= plan.sends())
            account = load.send("POST", "/finish", None, AccountRecord)
            record = liar.record()
    except BaseException:
        together.abort()
        raise
    made = EpochMade(EPOCH, list(plan.seqs), [start_ns + plan.made_ns(seq) for seq in plan.seqs], record.late_ns)
    trial = trial_of(options_of(plan), window, account, Truth(len(made.seq), complete=True, epochs=[made]))
    return Outcome(plan, trial, account, record, window)


def state_of(load: Peer) -> LoadState:
    return load.get("/state", LoadState)


def experiment_of(plan: Plan) -> model.Experiment:
    """Return the experiment that has the same clients."""
    return model.Experiment(
        "Lies",
        [plan.transport],
        seed=plan.seed,
        clients=model.Clients(plan.clients),
        options={"polling": PollingOptions(interval_seconds=plan.interval_seconds)},
    )


def options_of(plan: Plan) -> plans.Plan:
    (options,) = plans.plans_of(experiment_of(plan), 1)
    return options


@contextlib.contextmanager
def loaded(plan: Plan, server: Peer, control_port: int, log: Path) -> Iterator[Peer]:
    """Start Locust as an experiment does, and stop it."""
    options = options_of(plan)
    flags = order_flags(options, server.url) | {"control_port": control_port}
    quiet = ["--headless", "--only-summary", "--loglevel", "WARNING"]
    command = [*locust_command(), *quiet, *spelled(flags), options.transport.user_class]
    process = Process("the load", command, log)
    try:
        yield Peer("the load", control_port)
    finally:
        process.stop()
