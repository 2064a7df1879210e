"""What the live page watches and controls: a producer, and for each transport a server with a proxy before it."""

import contextlib
import queue
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from wirerace.errors import BadInput, shown
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.experiment.settings import Study
from wirerace.runner.playground import TICK_SECONDS, first_plans, start_services
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.workload.schedule import Rate, Schedule

StallSeconds = Annotated[float, Meta(ge=0.1, le=30)]


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The updates that the page asks for. Everything else of the schedule stays as the experiment has it."""

    rate_per_second: Rate
    arrivals: Literal["periodic", "poisson", "bursty"]


class Lane(NamedTuple):
    """One transport: its server, the proxy before it, and the port at which the page connects to that."""

    plan: Plan
    server: Child
    proxy: Child
    port: int

    @property
    def name(self) -> str:
        """The name of the transport."""
        return self.plan.transport.name


class Contest:
    """All parts, as processes on loopback. `keep` belongs to the thread that made it; the rest may be called by others.

    Every lane has a proxy, even without a delay, because it also cuts connections.
    """

    def __init__(self, study: Study, directory: Path, port: int, page_origins: Sequence[str]) -> None:
        self.lanes: dict[str, Lane] = {}
        self.path = NetworkPath()
        self.schedule = Schedule()
        self._target = Local(study, directory, page_port=port, page_origins=page_origins)
        self._stalls: queue.SimpleQueue[tuple[Lane, float]] = queue.SimpleQueue()
        try:
            self._start(study)
        except BaseException:  # Ctrl-C, too
            self.close()
            raise

    def _start(self, study: Study) -> None:
        plans = first_plans(study)
        self.producer, servers = start_services(self._target, plans)
        for plan, server in zip(plans, servers, strict=True):
            way, proxy = self._target.start_proxy(plan, server.peer)
            self.lanes[plan.transport.name] = Lane(plan, server, proxy, way.port)
        self.set_path(plans[0].path)
        # The page listens to the default channel, which gets all updates when it is the only one.
        self._set_schedule(replace(schedule_of(study.first, study.first.seed, None), channels=1))

    def keep(self) -> None:
        """Keep everything running until an exception comes.

        Raises TrialFailed when a part has died too often.
        """
        while True:
            self._target.watch()
            with contextlib.suppress(queue.Empty):
                lane, seconds = self._stalls.get(timeout=TICK_SECONDS)
                lane.server.part.stall(seconds)

    def close(self) -> None:
        """Stop everything."""
        with whole():
            self._target.close()

    def offer(self, wanted: Offer) -> None:
        """Make updates as the page asks for, from now on. A trace ends.

        Raises TrialFailed when the producer does not answer.
        """
        changed = msgspec.structs.asdict(wanted) | {"trace": [], "trace_file": None, "speed": 1.0}
        self._set_schedule(replace(self.schedule, **changed))

    def set_path(self, path: NetworkPath) -> None:
        """Change the delay of every lane.

        Raises TrialFailed when a proxy does not answer.
        """
        for lane in self.lanes.values():
            lane.proxy.peer.send("PUT", "/path", path, NetworkPath)
        self.path = path

    def cut(self, transport: str | None) -> int:
        """Cut the connections of a lane, or of all, and return how many there were.

        Raises BadInput when there is no such lane, TrialFailed when a proxy does not answer.
        """
        lanes = self.lanes.values() if transport is None else [self.lane(transport)]
        return sum(lane.proxy.peer.send("POST", "/cut", None, dict[str, int])["cuts"] for lane in lanes)

    def stall(self, transport: str, seconds: float) -> None:
        """Stop a server soon, for a time.

        Raises BadInput when there is no such lane, or when its server stands still already.
        """
        lane = self.lane(transport)
        if lane.server.part.is_stopped():
            raise BadInput(f"the server of {transport} stands still already")
        self._stalls.put((lane, seconds))

    def lane(self, transport: str) -> Lane:
        """Return a lane.

        Raises BadInput when there is none.
        """
        if (found := self.lanes.get(transport)) is None:
            raise BadInput(f"transport must be one of {', '.join(self.lanes)}, got {shown(transport)}")
        return found

    def _set_schedule(self, schedule: Schedule) -> None:
        self.producer.peer.send("PUT", "/schedule", schedule, Schedule)
        self.schedule = schedule
