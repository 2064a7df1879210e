"""The steps of one trial, the same wherever it runs: start, subscribe, prime, measure, drain, stop."""

import time
from typing import Any

import psutil

from wirerace.clock import NS_PER_SECOND, StepWatch, now_ns, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.faults import FaultPlace
from wirerace.experiment.patience import longest_seconds
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.host.tcp_diag import resent_between, resting_of
from wirerace.observe.account import AccountRecord, LoadState, Window
from wirerace.record.result import Raw
from wirerace.record.samples import Measured
from wirerace.runner.browsers.trial import TrialTabs
from wirerace.runner.draining import Drain
from wirerace.runner.effort import NOTHING, Effort
from wirerace.runner.faults import Timeline
from wirerace.runner.forecast import PRIMING_SECONDS, idle_seconds
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.parts.part import Part
from wirerace.runner.progress import NO_STATE, TICK_SECONDS, Reporter
from wirerace.runner.sampling import Samples, cpu_seconds_of, samples_of, span_of
from wirerace.runner.targets.target import Child, LoadChild, Target
from wirerace.runner.watching import Watch
from wirerace.stopping import whole
from wirerace.workload.schedule import Schedule
from wirerace.workload.truth import Counts, Truth
from wirerace.workload.upstream import Received

SUBSCRIBE_SECONDS = 60.0  # for the clients, beyond the time of spawning them; for the same reason
SEARCH_SUBSCRIBE_SECONDS = 20.0  # the same, in a search for capacity: some values are too high for the server
SETTLE_SECONDS = 0.2  # before memory is read
MOST_STEP_SECONDS = 2.0  # of the wall clock between two looks; the verdict judges smaller steps
NOTICE_SECONDS = 2.0  # until the death of a part is seen, where its silence is noticed first
QUIET_SECONDS = 0.2  # before an important instant, no requests are sent


class TrialSteps:
    """The steps of one trial."""

    def __init__(self, plan: Plan, target: Target, producer: Child, reporter: Reporter) -> None:
        self.experiment = plan.experiment
        self.plan = plan
        self._target = target
        self._producer = producer
        self._reporter = reporter
        self._population = plan.experiment.population
        self._count = 0 if self._population.is_visit else self.experiment.clients.count
        self._count_at_start = self.experiment.staying
        self._clock = StepWatch(now_ns)
        self._watch = Watch()
        self._tabs = TrialTabs(plan, None)
        self._effort: Effort | None = None

    def run(self) -> Raw:
        """Run the trial and return its raw record. Its server and load are stopped in any case.

        Raises TrialFailed when it cannot be completed.
        """
        started: list[Any] = []
        try:
            self._target.begin_trial(self.plan)
            wait_until_healthy(self._producer)
            self._watch.add({"producer": self._producer.part.members})
            server = self._target.start_server(self.plan, self._producer.peer)
            started.insert(0, server.part)
            self._report("starting")
            wait_until_healthy(server)
            self._watch.add({"server": server.part.members})
            time.sleep(SETTLE_SECONDS)
            idle_utilisation = self._idle(server)
            time.sleep(SETTLE_SECONDS)
            idle = server.part.memory()
            self._prepare(server)
            load = self._start_load(server)
            started = [load.crew, *([load.proxy.part] if load.proxy else []), *started]
            self._watch.add({"load": load.crew.members} | ({"proxy": load.proxy.part.members} if load.proxy else {}))
            self._subscribe(load)
            time.sleep(SETTLE_SECONDS)
            full = server.part.memory()
            browser = self._target.start_browsers(self.plan, load.proxy_port or server.peer.port)
            if browser is not None:
                started.insert(0, browser.part)
                self._watch.add({"browser": browser.part.members})
                self._tabs = TrialTabs(self.plan, browser)
            self._tabs.wait_until_open(self._pause)
            self._effort, primed_ns = Effort(server, load, self.experiment.servers.cpus), now_ns()
            window = self._prime(load)
            before, after = self._measure(window, server, load)
            self._drain(window, server, load)
            is_comparable = after.server is not None and self._count == self._count_at_start
            memory_after = server.part.memory() if is_comparable else None
            account = load.peer.send("POST", "/finish", None, AccountRecord)
            received = self._received(window, server)
            ledgers = self._tabs.finish()
            self._refuse_a_clock_that_was_set()
            measured = Measured(
                server=span_of(before.server, after.server),
                machine=(before.machine, after.machine),
                machine_cores=psutil.cpu_count() or 1,
                load_processes=self.experiment.load.processes,
                load_cores=self._target.load_cores,
                idle_utilisation=idle_utilisation,
                idle=idle,
                full=full,
                clients_measured=self._count_at_start,
                restarts=server.part.restarts,
                parts=self._watch.found(),
                proxy=after.proxy,
                proxy_core=next(iter(self._target.cores.proxy), None),
                proxy_shares_core=self._target.cores.is_shared,
                resent=resent_between(before.connections, after.connections),
                after=memory_after,
                resting=after.resting,
            )
            # Past the window's end: if the producer died in the window, its new epoch may begin only after the window.
            truth = self._truth(primed_ns, now_ns())
            browsers = self._tabs.record(ledgers, window, truth)
            return Raw(window, account, truth, measured, self.plan.path, received, browsers)
        finally:
            with whole():
                try:
                    self._target.stop(*started)
                finally:
                    self._producer.part.resume()
                    self._producer.peer.delete("/schedule")

    def _idle(self, server: Child) -> float | None:
        """Return the part of a core that the server takes without clients while the same updates are made."""
        if not (seconds := idle_seconds(self.experiment)):
            return None
        self._report("idle")
        self._producer.peer.send("PUT", "/schedule", schedule_of(self.experiment, self.plan.seed, None), Schedule)
        time.sleep(SETTLE_SECONDS)
        before, before_ns = cpu_seconds_of(server), now_ns()
        time.sleep(seconds)
        after, after_ns = cpu_seconds_of(server), now_ns()
        self._producer.peer.delete("/schedule")
        if before is None or after is None:
            return None
        return (after - before) / (after_ns - before_ns) * NS_PER_SECOND

    def _start_load(self, server: Child) -> LoadChild:
        """Start the load, and see from now on what it and the server spend."""
        load = self._target.start_load(self.plan, server.peer)
        self._effort = Effort(server, load, self.experiment.servers.cpus)
        return load

    def _prepare(self, server: Child) -> None:
        """Do what has to be done to the server before the load comes: nothing."""

    def _subscribe(self, load: LoadChild) -> None:
        """Wait until every client has its first cursor, or until every load process is ready for visitors."""
        clients, hosts = self.experiment.clients, self.experiment.load.processes if self._population.is_visit else 0
        is_search = self.experiment.kind == "capacity"
        patience = SEARCH_SUBSCRIBE_SECONDS if is_search else SUBSCRIBE_SECONDS
        deadline = time.monotonic() + patience + self._count / clients.spawn_per_second
        while True:
            state = self._state(load) if load.peer.is_open() else NO_STATE
            self._report("connecting", state)
            if state.subscribed == self._count_at_start and state.hosts >= hosts:
                return
            if time.monotonic() > deadline and hosts:
                raise load.crew.failure(f"is ready for visitors in {state.hosts} of {hosts} processes in time")
            if time.monotonic() > deadline:
                spent = NOTHING if self._effort is None else self._effort.spent()
                what = f"has connected {state.subscribed} of {self._count_at_start} clients in time{spent.said}"
                raise TrialFailed(str(load.crew.failure(what)), spent.part)
            self._pause()

    def _prime(self, load: LoadChild) -> Window:
        """Make a priming update, set the schedule, and return the window in which it will be measured."""
        experiment = self.experiment
        longest = longest_seconds(self.plan.path, self.plan.options)
        start_ns = now_ns() + to_ns(longest + PRIMING_SECONDS)
        schedule = schedule_of(experiment, self.plan.seed, start_ns)
        self._producer.peer.send("PUT", "/schedule", schedule, Schedule)
        from_ns = start_ns + to_ns(experiment.window.warmup_seconds)
        window = Window(from_ns, from_ns + to_ns(experiment.window.measure_seconds))
        load.peer.send("PUT", "/window", window, dict[str, str])
        if now_ns() >= window.from_ns:
            raise TrialFailed("wirerace stood still: the window had begun before the load knew of it")
        self._sleep_until(window.from_ns, "warming up", load)
        return window

    def _measure(self, window: Window, server: Child, load: LoadChild) -> tuple[Samples, Samples]:
        """Wait through the window; return the samples at both ends, the second one without a restarted server."""
        restarts = server.part.restarts
        self._watch.begin()
        before = samples_of(server, load, self._target.cpu_seconds, first=True)
        state = self._state(load)
        self._report("measuring", state)
        if state.aged < self._count_at_start:
            what = f"only {state.aged} of {self._count_at_start} clients had received an update when the window began"
            spent = NOTHING if self._effort is None else self._effort.spent()
            raise TrialFailed(what + spent.said, spent.part)
        parts: dict[FaultPlace, Part] = {"server": server.part, "producer": self._producer.part}
        if load.proxy is not None:
            parts["proxy"] = load.proxy.part
        timeline = Timeline(self.experiment.faults, window, parts, load.peer)
        for at_ns, fault in timeline:
            self._sleep_until(at_ns, "measuring", load)
            timeline.happen(fault)
        self._sleep_until(window.to_ns, "measuring", load)
        after = samples_of(server, load, self._target.cpu_seconds, first=False)
        if self._population.is_visit and server.part.shares_network:
            after = after._replace(resting=resting_of(server.peer.port, load.proxy_port))
        return before, after if server.part.restarts == restarts else after._replace(server=None)

    def _drain(self, window: Window, server: Child, load: LoadChild) -> None:
        """Wait until everything has come, or as long as it may take."""
        is_visit = self._population.is_visit
        drain = Drain(window, self.plan.path, self.plan.options, self._population.timeout_seconds if is_visit else 0.0)
        while True:
            state = self._state(load)
            self._report("draining", state)
            made = self._made_in(window)
            has_all = made is not None and state.delivered >= made * self._count
            has_all = has_all and not state.visitors and not state.unanswered
            restarted = self._watch.restarts > 0
            has_all = has_all and self._tabs.have_all(lambda: self._counts(window))
            is_away = state.away > 0 and not is_visit  # a visitor that just comes has no connection yet
            is_broken = made is None or is_away or self._watch.has_trouble
            is_broken = is_broken or (restarted and not server.peer.is_up())
            if drain.is_over(now_ns(), has_all=has_all, is_broken=is_broken):
                return
            self._pause()

    def _made_in(self, window: Window) -> int | None:
        """Return how many updates were made in a window; None while the producer does not answer."""
        try:
            return self._counts(window).count
        except TrialFailed:
            return None

    def _state(self, load: LoadChild) -> LoadState:
        """Return the load's state.

        Raises TrialFailed when it does not answer: with the reason that a part has died, if one is seen to have died.
        """
        try:
            return load.peer.get("/state", LoadState)
        except TrialFailed:
            deadline = time.monotonic() + NOTICE_SECONDS
            while time.monotonic() < deadline:
                self._target.watch()
                time.sleep(TICK_SECONDS)
            raise

    def _received(self, window: Window, server: Child) -> Received | None:
        """Return the server's record of the window's messages; None if there are none, or if it does not answer."""
        if not self.experiment.upstream.is_on:
            return None
        try:
            return server.peer.get(f"/received?from={window.from_ns}&to={window.to_ns}", Received)
        except TrialFailed:
            return None

    def _counts(self, window: Window) -> Counts:
        """Return how much was made in a window. The drain asks again and again, and the record may be long."""
        return self._producer.peer.get(f"/updates/counts?from={window.from_ns}&to={window.to_ns}", Counts)

    def _truth(self, from_ns: int, to_ns: int) -> Truth:
        return self._producer.peer.get(f"/updates?from={from_ns}&to={to_ns}", Truth)

    def _sleep_until(self, at_ns: int, phase: str, load: LoadChild) -> None:
        while (left_seconds := (at_ns - now_ns()) / NS_PER_SECOND) > 0:
            self._look()
            if self._reporter.is_due() and left_seconds > QUIET_SECONDS:
                self._report(phase, self._state(load))
            time.sleep(min(max(at_ns - now_ns(), 0) / NS_PER_SECOND, TICK_SECONDS))

    def _pause(self) -> None:
        self._look(is_timed=False)
        time.sleep(TICK_SECONDS)

    def _look(self, *, is_timed: bool = True) -> None:
        self._target.watch()
        self._watch.look(is_timed=is_timed)
        self._refuse_a_clock_that_was_set()

    def _refuse_a_clock_that_was_set(self) -> None:
        """Raise TrialFailed when the wall clock, which times everything in a trial, was set."""
        step_seconds = self._clock.step_ns() / NS_PER_SECOND
        if abs(step_seconds) > MOST_STEP_SECONDS:
            raise TrialFailed(
                f"the wall clock was set by {step_seconds:+.0f} s in the middle of the trial, or the machine slept: "
                "run it again when the time is settled"
            )

    def _report(self, phase: str, state: LoadState | None = None) -> None:
        self._reporter.report(phase, state)
