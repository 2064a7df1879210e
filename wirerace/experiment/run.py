"""Running an experiment: one trial after the other, each by the same steps, saved as soon as it is done."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from wirerace import __version__
from wirerace.account import AccountRecord, LoadState, Window
from wirerace.clock import NS_PER_SECOND, now_ns, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.http import Peer
from wirerace.experiment.model import Experiment, Plan, plans, schedule_of
from wirerace.experiment.record import FILE_NAME, Failure, Host, Raw, Result, Trial, write_json
from wirerace.experiment.targets.compose import Compose
from wirerace.experiment.targets.cores import cautions
from wirerace.experiment.targets.local import Child, LoadChild, Local
from wirerace.experiment.targets.process import Process
from wirerace.experiment.trial import DRAIN_SECONDS, Measured, ServerSample, figures
from wirerace.schedule import Schedule, Truth

START_SECONDS = 20.0  # for a process to become healthy
SUBSCRIBE_SECONDS = 20.0  # for the clients, beyond the time that spawning them takes
SETTLE_SECONDS = 0.2  # before memory is read
PRIMING_SECONDS = 0.5  # for the priming update, beyond the clients' own pause
LEAST_DRAIN_SECONDS = 0.5  # for late duplicates
TICK_SECONDS = 0.05
REPORT_SECONDS = 1.0
QUIET_SECONDS = 0.2  # before an instant that matters, nobody is asked anything
NO_STATE = LoadState()
PACKAGES = ("aiohttp", "gevent", "httptools", "locust", "msgspec", "uvloop")


class Progress(NamedTuple):
    """Where a run stands."""

    number: int
    total: int
    plan: Plan
    phase: str
    connected: int
    clients: int
    deliveries_per_second: float
    left_seconds: float


OnProgress = Callable[[Progress], None]


Place = Literal["local", "compose"]


def run(experiment: Experiment, directory: Path, on_progress: OnProgress, place: Place = "local") -> Result:
    """Run every trial on this machine and return the result, which is also in `directory`, trial by trial.

    `place` is where: in processes of its own, or in the stack's containers.

    A trial that cannot be completed is among the failures, and the next one begins. Raises BadInput when this machine
    cannot run it.
    """
    result = Result(
        wirerace=__version__,
        experiment=msgspec.to_builtins(experiment),
        host=_host(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=cautions(experiment) if place == "local" else [],
    )
    target = Local(experiment, directory) if place == "local" else Compose(experiment)
    todo = list(plans(experiment))
    try:
        producer = target.start_producer()
        wait_until_healthy(producer)
        for index, plan in enumerate(todo, 1):
            reporter = _Reporter(on_progress, index, len(todo), plan, experiment)
            try:
                trial, raw = _Steps(experiment, plan, target, producer.peer, reporter).run()
            except TrialFailed as error:
                result.failures.append(Failure(plan.transport.name, plan.repeat, str(error), plan.variant))
            else:
                result.trials.append(trial)
                if trial.clients < experiment.clients.most:
                    count = f"{trial.clients} of {experiment.clients.most}"
                    result.warnings.append(f"{plan.title}, repeat {plan.repeat}: at most {count} clients were there")
                write_json(directory / "raw" / f"{plan.name}.json", raw)
            write_json(directory / FILE_NAME, result)
    finally:
        target.close()
    return result


class _Reporter:
    """Tells how a trial gets on."""

    def __init__(self, on_progress: OnProgress, index: int, total: int, plan: Plan, experiment: Experiment) -> None:
        self._on_progress = on_progress
        self._index = index
        self._total = total
        self._plan = plan
        self._clients = experiment.clients.count
        self._trial_seconds = expected_seconds(experiment, plan)
        self._started = time.monotonic()
        self._last = (self._started, 0)

    def is_due(self) -> bool:
        """Tell whether a report would be news: each costs the load a little."""
        return time.monotonic() - self._last[0] >= REPORT_SECONDS

    def report(self, phase: str, state: LoadState | None) -> None:
        """Report a phase, and the load's state if there is one yet."""
        now, state = time.monotonic(), state or NO_STATE
        then, received = self._last
        self._last = (now, state.received)
        rate = max(0, state.received - received) / max(now - then, TICK_SECONDS)
        left = max(0.0, self._trial_seconds - (now - self._started))
        left += (self._total - self._index) * self._trial_seconds
        self._on_progress(
            Progress(self._index, self._total, self._plan, phase, state.subscribed, self._clients, rate, left)
        )


def expected_seconds(experiment: Experiment, plan: Plan) -> float:
    """Return about how long a trial takes."""
    clients, window = experiment.clients, experiment.window
    pause_seconds = plan.options.pause_seconds
    starting = 2.5 + clients.count / clients.spawn_per_second + (1.5 if experiment.load.processes > 1 else 0)
    return starting + 2 * pause_seconds + PRIMING_SECONDS + window.warmup_seconds + window.measure_seconds + 1.0


class _Steps:
    """The steps of one trial."""

    def __init__(
        self, experiment: Experiment, plan: Plan, target: Local | Compose, producer: Peer, reporter: _Reporter
    ) -> None:
        self._experiment = experiment
        self._plan = plan
        self._target = target
        self._producer = producer
        self._reporter = reporter
        self._count = experiment.clients.count
        self._count_at_start = experiment.clients.count_at_start
        self._pause_seconds = plan.options.pause_seconds

    def run(self) -> tuple[Trial, Raw]:
        """Run the trial; whatever happens, its server and load are stopped after it.

        Raises TrialFailed when it cannot be completed.
        """
        processes: list[Any] = []
        try:
            server = self._target.start_server(self._plan, self._producer)
            processes.insert(0, server.process)
            self._report("starting")
            wait_until_healthy(server)
            time.sleep(SETTLE_SECONDS)
            idle_bytes = server.process.user_bytes()
            load = self._target.start_load(self._plan, server.peer)
            processes.insert(0, load.crew)
            self._subscribe(load)
            time.sleep(SETTLE_SECONDS)
            user_bytes = server.process.user_bytes()
            primed_ns = now_ns()
            window = self._prime(load)
            server_samples, load_cpu_seconds = self._measure(window, server, load)
            self._drain(window, load)
            account = load.peer.send("POST", "/finish", None, AccountRecord)
            raw = Raw(window, account, self._truth(primed_ns, window.to_ns))
            measured = Measured(
                server_samples,
                load_cpu_seconds,
                self._experiment.load.processes,
                self._target.load_cores,
                idle_bytes,
                user_bytes,
                self._count_at_start,
                server.process.restarts,
            )
            return figures(self._plan, raw, measured), raw
        finally:
            self._target.stop(*processes)
            self._producer.delete("/schedule")

    def _subscribe(self, load: LoadChild) -> None:
        """Wait until every client has its first cursor."""
        clients = self._experiment.clients
        deadline = time.monotonic() + SUBSCRIBE_SECONDS + clients.count / clients.spawn_per_second
        while True:
            state = load.peer.get("/state", LoadState) if load.peer.is_open() else NO_STATE
            self._report("connecting", state)
            if state.subscribed == self._count_at_start:
                return
            if time.monotonic() > deadline:
                raise load.crew.failure(f"has connected {state.subscribed} of {self._count_at_start} clients in time")
            self._pause()

    def _prime(self, load: LoadChild) -> Window:
        """Give everybody an age, set the schedule, and return the window in which it will be measured."""
        experiment = self._experiment
        start_ns = now_ns() + to_ns(self._pause_seconds + PRIMING_SECONDS)
        schedule = schedule_of(experiment, self._plan.seed, start_ns)
        self._producer.send("PUT", "/schedule", schedule, Schedule)
        from_ns = start_ns + to_ns(experiment.window.warmup_seconds)
        window = Window(from_ns, from_ns + to_ns(experiment.window.measure_seconds))
        load.peer.send("PUT", "/window", window, dict[str, str])
        self._sleep_until(window.from_ns, "warming up", load)
        aged = load.peer.get("/state", LoadState).aged
        if aged < self._count_at_start:
            raise TrialFailed(
                f"only {aged} of {self._count_at_start} clients had received an update when the window began"
            )
        return window

    def _measure(
        self, window: Window, server: Child, load: LoadChild
    ) -> tuple[tuple[ServerSample, ServerSample] | None, float | None]:
        """Sit through the window; return samples of the server at both ends and the load's CPU time between them."""
        restarts = server.process.restarts
        before, load_before = _sample(server, first=True), load.crew.cpu_seconds()
        self._sleep_until(window.to_ns, "measuring", load)
        load_after, after = load.crew.cpu_seconds(), _sample(server, first=False)
        whole = before is not None and after is not None and server.process.restarts == restarts
        load_cpu_seconds = load_after - load_before if load_before is not None and load_after is not None else None
        return (before, after) if whole and before and after else None, load_cpu_seconds

    def _drain(self, window: Window, load: LoadChild) -> None:
        """Wait until everything has come, or as long as it may take; not less than late duplicates need."""
        latest_ns = window.to_ns + to_ns(self._pause_seconds + DRAIN_SECONDS)
        while (now := now_ns()) < latest_ns:
            state = load.peer.get("/state", LoadState)
            self._report("draining", state)
            expected = self._truth(window.from_ns, window.to_ns).count * self._count
            if state.delivered >= expected and now >= window.to_ns + to_ns(LEAST_DRAIN_SECONDS):
                return
            self._pause()

    def _truth(self, from_ns: int, to_ns: int) -> Truth:
        return self._producer.get(f"/updates?from={from_ns}&to={to_ns}", Truth)

    def _sleep_until(self, at_ns: int, phase: str, load: LoadChild) -> None:
        while (left_seconds := (at_ns - now_ns()) / NS_PER_SECOND) > 0:
            self._target.watch()
            if self._reporter.is_due() and left_seconds > QUIET_SECONDS:
                self._report(phase, load.peer.get("/state", LoadState))
            time.sleep(min(max(at_ns - now_ns(), 0) / NS_PER_SECOND, TICK_SECONDS))

    def _pause(self) -> None:
        self._target.watch()
        time.sleep(TICK_SECONDS)

    def _report(self, phase: str, state: LoadState | None = None) -> None:
        self._reporter.report(phase, state)


def wait_until_healthy(child: Child) -> None:
    """Return when a service that was just started answers /health with 200.

    Raises TrialFailed, with its last log lines, when it ends before or takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while not child.peer.is_up():
        if child.process.has_ended():
            raise child.process.failure("ended as soon as it was started")
        if time.monotonic() > deadline:
            raise child.process.failure(f"is not healthy after {START_SECONDS:g} s")
        time.sleep(TICK_SECONDS)


def _sample(server: Child, *, first: bool) -> ServerSample | None:
    """Return the server's counters; the CPU time that asking takes lies outside of what two samples span.

    A container's own CPU time has its health checks in it, so there the process says what it spent.
    """
    process = server.process if isinstance(server.process, Process) else None
    cpu_seconds = process.cpu_seconds() if process is not None and not first else None
    try:
        metrics = server.peer.metrics()
    except TrialFailed:  # It is being restarted; the sample is missing, the trial goes on.
        return None
    if process is None:
        cpu_seconds = metrics["wirerace_cpu_seconds_total"]
    elif first:
        cpu_seconds = process.cpu_seconds()
    counters = ("payload_bytes", "received_bytes", "sent_bytes", "heartbeat_bytes")
    return ServerSample(cpu_seconds, *(int(metrics[f"wirerace_{name}_total"]) for name in counters))


def _host() -> Host:
    return Host(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
    )
