"""The contest on this machine: producer, servers and proxies as processes on loopback, and a crowd beside the page."""

import contextlib
import queue
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from wirerace.errors import BadInput
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.experiment.settings import Study
from wirerace.runner.parts.part import Part
from wirerace.runner.playground import TICK_SECONDS, first_plans, start_services
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.watch.contest import Abilities, CrowdState, Lane, Offer, lane_of
from wirerace.watch.crowd import LocustCrowd, check_crowd
from wirerace.workload.schedule import Schedule


class ProcessContest:
    """All parts, as processes on loopback. `keep` belongs to the thread that made it; the rest may be called by others.

    Every lane has a proxy, even without a delay, because it also cuts connections.
    """

    def __init__(self, study: Study, directory: Path, port: int, page_origins: Sequence[str]) -> None:
        self.lanes: dict[str, Lane] = {}
        self.path = NetworkPath()
        self.abilities = Abilities()
        self._proxies: dict[str, Child] = {}
        self._servers: dict[str, Child] = {}
        self._schedule = Schedule()
        self._target = Local(study, directory, page_port=port, page_origins=page_origins)
        self._stalls: queue.SimpleQueue[tuple[Part, float]] = queue.SimpleQueue()
        plans = first_plans(study)
        self._crowd = LocustCrowd(study, directory, plans)
        try:
            self._start(study, plans)
        except BaseException:  # Ctrl-C, too
            self.close()
            raise

    def _start(self, study: Study, plans: Sequence[Plan]) -> None:
        self.producer, servers = start_services(self._target, plans)
        for plan, server in zip(plans, servers, strict=True):
            way, proxy = self._target.start_proxy(plan, server.peer)
            transport = plan.transport
            self.lanes[transport.name] = Lane(transport, plan.options, f"{way.url}{transport.path}", server)
            self._proxies[transport.name], self._servers[transport.name] = proxy, server
        self.set_path(plans[0].path)
        # The page listens to the default channel, which gets all updates when it is the only one.
        self._set_schedule(replace(schedule_of(study.first, study.first.seed, None), channels=1))

    def keep(self) -> None:
        """Keep everything running until an exception comes.

        Raises TrialFailed when a part has died too often.
        """
        servers = {name: server.peer for name, server in self._servers.items()}
        while True:
            self._target.watch()
            self._crowd.tend(servers, self.producer.peer)
            with contextlib.suppress(queue.Empty):
                part, seconds = self._stalls.get(timeout=TICK_SECONDS)
                part.stall(seconds)

    def close(self) -> None:
        """Stop everything."""
        with whole():
            self._crowd.close()
            self._target.close()

    def read_schedule(self) -> Schedule | None:
        """Return what the producer makes."""
        return self._schedule

    def offer(self, wanted: Offer) -> None:
        """Make updates as the page asks for, from now on.

        Raises BadInput when that is too much for the crowd, TrialFailed when the producer does not answer.
        """
        check_crowd(self._crowd.wanted, wanted.rate_per_second, len(self.lanes))
        self._set_schedule(wanted.applied_to(self._schedule))

    def set_path(self, path: NetworkPath) -> None:
        """Change the delay of every lane.

        Raises TrialFailed when a proxy does not answer.
        """
        for proxy in self._proxies.values():
            proxy.peer.send("PUT", "/path", path, NetworkPath)
        self.path = path

    def cut(self, transport: str | None) -> int:
        """Cut the connections of a lane, or of all, and return how many there were.

        Raises BadInput when there is no such lane, TrialFailed when a proxy does not answer.
        """
        names = list(self.lanes) if transport is None else [lane_of(self.lanes, transport).transport.name]
        return sum(self._proxies[name].peer.send("POST", "/cut", None, dict[str, int])["cuts"] for name in names)

    def stall(self, transport: str, seconds: float) -> None:
        """Stop a server soon, for a time.

        Raises BadInput when there is no such lane, or when its server stands still already.
        """
        part = self._servers[lane_of(self.lanes, transport).transport.name].part
        if part.is_stopped():
            raise BadInput(f"the server of {transport} stands still already")
        self._stalls.put((part, seconds))

    def set_crowd(self, clients: int) -> None:
        """Have that many synthetic clients on each transport soon.

        Raises BadInput when that is too much for the rate of updates.
        """
        check_crowd(clients, self._schedule.rate_per_second, len(self.lanes))
        self._crowd.wanted = clients

    def crowd_state(self) -> CrowdState:
        """Return what the crowd is now."""
        return self._crowd.state()

    def _set_schedule(self, schedule: Schedule) -> None:
        self.producer.peer.send("PUT", "/schedule", schedule, Schedule)
        self._schedule = schedule
