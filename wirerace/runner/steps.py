"""The steps of one trial, the same wherever it runs: start, subscribe, prime, measure, drain, stop."""

import time
from typing import Any

from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.faults import FaultPlace
from wirerace.experiment.holding import holding_of
from wirerace.experiment.plans import schedule_of
from wirerace.experiment.servers import ForeignServer
from wirerace.host.tcp_diag import resent_between, resting_of
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.publishing import PublisherQueue
from wirerace.record.broker import BrokerRecord
from wirerace.record.faults import FaultTime
from wirerace.record.result import Raw
from wirerace.record.samples import Measured
from wirerace.runner.browsers.trial import TrialTabs
from wirerace.runner.draining import Drain
from wirerace.runner.effort import Effort
from wirerace.runner.faults import Reach, Timeline
from wirerace.runner.forecast import idle_seconds
from wirerace.runner.gathering import Gathering
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.parts.broker import BrokerChild
from wirerace.runner.parts.part import Part
from wirerace.runner.parts.replicas import replicas_of
from wirerace.runner.sampling import (
    Samples,
    cpu_seconds_of,
    ports_of,
    reverse_record,
    reverse_start,
    samples_of,
    span_of,
)
from wirerace.runner.targets.target import Child, LoadChild
from wirerace.stopping import whole
from wirerace.workload.schedule import Schedule
from wirerace.workload.truth import Counts, Truth
from wirerace.workload.upstream import Received

SETTLE_SECONDS = 0.2  # before memory is read


class TrialSteps(Gathering):
    """The steps of one trial."""

    _publisher: Child | None = None
    """What publishes updates to a foreign server that does not follow the feed."""

    def run(self) -> Raw:
        """Run the trial and return its raw record. Its server and load are stopped in any case.

        Raises TrialFailed when it cannot be completed.
        """
        started: list[Any] = []
        try:
            self._target.begin_trial(self.plan)
            wait_until_healthy(self._producer)
            self._watch.add({"producer": self._producer.part.members})
            if self._broker is not None:
                self._watch.add({"broker": self._broker.part.members})
            broker_restarts = 0 if self._broker is None else self._broker.part.restarts
            server = self._start_server(started)
            time.sleep(SETTLE_SECONDS)
            idle_utilisation = self._idle(server)
            time.sleep(SETTLE_SECONDS)
            idle = server.part.memory()
            self._prepare(server)
            load = self._start_load(server)
            started = [load.crew, *reversed(load.parts.values()), *started]
            self._watch.add({"load": load.crew.members} | {name: one.members for name, one in load.parts.items()})
            self._subscribe(load)
            time.sleep(SETTLE_SECONDS)
            full, reverse = server.part.memory(), reverse_start(server, load.reverse)
            browser = self._target.start_browsers(self.plan, load.entry or server.peer.port)
            if browser is not None:
                started.insert(0, browser.part)
                self._watch.add({"browser": browser.part.members})
                self._tabs = TrialTabs(self.plan, browser)
            self._tabs.wait_until_open(self._pause)
            self._effort, primed_ns = Effort(server, load, self.experiment.servers), now_ns()
            window = self._prime(load)
            before, after = self._measure(window, server, load)
            self._drain(window, server, load)
            is_comparable = after.server is not None and self._count == self._count_at_start
            memory_after = server.part.memory() if is_comparable else None
            happened = self._happened()
            account = load.peer.send("POST", "/finish", None, AccountRecord)
            received = self._received(window, server)
            ledgers = self._tabs.finish()
            self._refuse_a_clock_that_was_set()
            measured = Measured(
                server=span_of(before.server, after.server),
                machine=(before.machine, after.machine),
                machine_cores=self._target.machine_cores,
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
                reverse_proxy=reverse_record(server, load, reverse, (before, after), self._target.cores),
                publisher=after.publisher,
                publisher_memory=None if self._publisher is None else self._publisher.part.memory(),
                broker=self._broker_record(before, after, broker_restarts),
                client_port=load.entry or server.peer.client_port if server.part.shares_network else None,
                other_hosts=self._target.other_hosts,
                far_servers=self._target.far_servers,
            )
            # Past the window's end: if the producer died in the window, its new epoch may begin only after the window.
            truth = self._truth(primed_ns, now_ns())
            browsers = self._tabs.record(ledgers, window, truth)
            return Raw(window, account, truth, measured, self.plan.path, received, browsers, happened)
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

    def _start_server(self, started: list[Any]) -> Child:
        """Start the server, and what publishes to it. Everything is in `started` as soon as it runs."""
        server = self._target.start_server(self.plan, self._producer.peer)
        started.insert(0, server.part)
        self._report("starting")
        wait_until_healthy(server)
        self._watch.add({"server": server.part.members})
        if self.plan.contestant.server is not None:
            self._publisher = self._target.start_publisher(self.plan, server, self._producer.peer)
            if self._publisher is not None:
                started.insert(0, self._publisher.part)
                wait_until_healthy(self._publisher)
                self._watch.add({"publisher": self._publisher.part.members})
            self._probe(server, self.plan.contestant.server)
        return server

    def _probe(self, server: Child, foreign: ForeignServer) -> None:
        """Let one client subscribe to a foreign server, before all the others come.

        Raises TrialFailed when no update reaches it, or something else.
        """
        if foreign.follows_contract:
            return
        from wirerace.runner.foreign.probing import probe  # noqa: PLC0415 -- aiohttp takes long to import

        try:
            probe(self.plan, server, self._publisher, self._producer.peer)
        finally:
            self._producer.peer.delete("/schedule")

    def _prepare(self, server: Child) -> None:
        """Do what has to be done to the server before the load comes: nothing."""

    def _measure(self, window: Window, server: Child, load: LoadChild) -> tuple[Samples, Samples]:
        """Wait through the window; return the samples at both ends, the second one without a restarted server."""
        restarts = server.part.restarts
        self._watch.begin()
        before = self._samples(server, load, first=True)
        state = self._state(load)
        self._report("measuring", state)
        if state.aged < self._count_at_start:
            what = f"only {state.aged} of {self._count_at_start} clients had received an update when the window began"
            raise TrialFailed(what + self._spent.said, self._spent.part)
        parts: dict[FaultPlace, Part] = {"server": server.part, "producer": self._producer.part}
        if self._broker is not None:
            parts["broker"] = self._broker.part
        if load.parts:  # the reverse proxy, if there are two
            parts["proxy"] = next(reversed(load.parts.values()))
        proxy = load.proxy.peer if load.proxy else None
        reach = Reach(parts, load.peer, self._producer.peer, proxy, replicas_of(server.part, server.peer))
        self._timeline = timeline = Timeline(self.experiment.faults, window, reach)
        for at_ns, happen in timeline:
            self._sleep_until(at_ns, "measuring", load)
            happen()
        self._sleep_until(window.to_ns, "measuring", load)
        after = self._samples(server, load, first=False)
        if self._population.is_visit and server.part.shares_network and not self._target.other_hosts:
            after = after._replace(resting=resting_of(ports_of(server), load.entry))
        return before, after if server.part.restarts == restarts else after._replace(server=None)

    @property
    def _broker(self) -> BrokerChild | None:
        """The broker that brings the server's feed, None without one."""
        return self._target.broker if self.experiment.servers.by_broker else None

    def _samples(self, server: Child, load: LoadChild, *, first: bool) -> Samples:
        sampled = samples_of(server, load, self._target.machine_sample, self._publisher, first=first)
        broker = None if self._broker is None else self._broker.sample()
        return sampled._replace(broker=broker)

    def _broker_record(self, before: Samples, after: Samples, restarts: int) -> BrokerRecord | None:
        if self._broker is None or before.broker is None or after.broker is None:
            return None
        return self._broker.record(before.broker, after.broker, restarts)

    def _happened(self) -> list[FaultTime]:
        """Return when faults happened, by the producer's clock."""
        ahead_ns = self._target.ahead_ns
        return [] if self._timeline is None else [one.by(ahead_ns) for one in self._timeline.finish()]

    def _drain(self, window: Window, server: Child, load: LoadChild) -> None:
        """Wait until everything has come, or as long as it may take."""
        is_visit = self._population.is_visit
        visit_seconds = self._population.timeout_seconds if is_visit else 0.0
        drain = Drain(window, self.plan.path, self.plan.options, visit_seconds, holding_of(self.plan))
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
            is_broken = is_broken or (self._timeline is not None and self._timeline.is_ending)
            is_broken = is_broken or (restarted and not server.peer.is_up())
            if drain.is_over(now_ns(), has_all=has_all, is_broken=is_broken, is_queued=self._is_queued(window)):
                return
            self._pause()

    def _is_queued(self, window: Window) -> bool:
        """Return whether updates of a window wait to be published to a foreign server."""
        if self._publisher is None:
            return False
        try:
            oldest_ns = self._publisher.peer.get("/queue", PublisherQueue).oldest_ns
        except TrialFailed:
            return False
        return oldest_ns is not None and oldest_ns < window.to_ns

    def _made_in(self, window: Window) -> int | None:
        """Return how many updates were made in a window; None while the producer does not answer."""
        try:
            return self._counts(window).count
        except TrialFailed:
            return None

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
