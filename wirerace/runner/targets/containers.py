"""Trials in containers, wherever these run: what they have in common on the stack and in a cluster."""

import time
import urllib.parse
from collections.abc import Sequence

import msgspec

from wirerace.clock import process_cpu_seconds
from wirerace.errors import TrialFailed
from wirerace.experiment.faults import FaultKind, FaultPlace
from wirerace.experiment.model import LoadOptions
from wirerace.experiment.plans import Plan
from wirerace.host.cores import Cores
from wirerace.host.machine import total_seconds
from wirerace.options import variable_of
from wirerace.runner.parts.container import ContainerCrew
from wirerace.runner.parts.part import Contained, Crew
from wirerace.runner.peer import ANSWER_SECONDS, CLIENT_SECONDS, Peer
from wirerace.runner.targets.contained import LINK_PORT, ContainerStack, StackPaths
from wirerace.runner.targets.locust import Swarming, order_flags, spelled_value
from wirerace.runner.targets.stack import WORKER
from wirerace.runner.targets.target import Child, LoadChild, take_all
from wirerace.runner.targets.this_machine import OnThisMachine

PAGE_PORT, CONTROL_PORT = 8089, 9646
WATCH_SECONDS = 1.0
STOP_SECONDS = 20.0
IDLE = {"ready", "stopped"}
CONTAINED_FAULTS: frozenset[tuple[FaultKind, FaultPlace]] = frozenset(
    {
        ("kill", "server"),
        ("kill", "producer"),
        ("restart", "server"),
        ("restart", "producer"),
        ("stall", "server"),
        ("stall", "producer"),
        ("kill", "proxy"),
        ("restart", "proxy"),
        ("stall", "proxy"),
        ("cut", "proxy"),
        ("cut", "clients"),
        ("drop", "feed"),
    }
)
SHAPE_CLASSES = {"steady": "Default", "steps": "Steps", "spike": "Spike", "ramp": "Ramp"}
"""The names of the shapes on Locust's page."""


class PageWorker(msgspec.Struct):
    """The state of one worker on Locust's page."""

    state: str


class PageState(msgspec.Struct):
    """The state of the test on Locust's page."""

    state: str
    user_count: int = 0
    workers: list[PageWorker] = []

    @property
    def has_stopped(self) -> bool:
        """Whether no client runs any more.

        A master that has lost a worker, which has been started again since, stays in the state `stopping`.
        """
        is_missed = any(worker.state == "missing" for worker in self.workers)
        return self.state in IDLE or (self.state == "stopping" and not self.user_count and is_missed)


class InContainers(OnThisMachine):
    """Runs trials in the containers of a stack, with Locust's page."""

    cores = Cores([], [])
    clock = ""
    """Where the load probes the producer's clock; empty if it has the same."""
    shown_by = "docker compose ps"
    """The command that shows the containers."""

    _stack: ContainerStack
    _paths: StackPaths
    _producer: Peer
    _producer_part: Contained

    def __init__(self, load: LoadOptions) -> None:
        self._load = load
        self._watched: list[Contained | ContainerCrew] = []
        self._replicas: Sequence[Contained] = ()
        self._looked = 0.0
        self._clients = 0
        self.load_cores = load.processes

    def start_producer(self) -> Child:
        """Return the stack's producer, without a schedule."""
        self._producer.delete("/schedule")
        return Child(self._producer_part, self._producer)

    def start_publisher(self, plan: Plan, server: Child, producer: Peer) -> None:
        """Start none: foreign servers are refused."""

    def start_browsers(self, plan: Plan, port: int) -> None:
        """Start nothing: browser tabs have been refused."""

    def start_load(self, plan: Plan, server: Peer) -> LoadChild:  # noqa: ARG002 -- inside, it has another address
        """Start a test on Locust's page with the plan's clients."""
        self._clients = plan.experiment.clients.count
        self._replace_dead_load()
        path = self._paths.start(plan, [one.host for one in self._replicas])
        self._watched += path.containers
        flags = order_flags(plan, path.url, self._paths.authority, self.clock)
        flags |= {"user_count": flags.pop("users"), "shape_class": SHAPE_CLASSES[str(flags.pop("shape"))]}
        flags |= {"user_classes": plan.transport.user_class}
        form = urllib.parse.urlencode({name: spelled_value(value) for name, value in flags.items()})
        try:
            answer = self._page.post("/swarm", form, Swarming)
            crew = ContainerCrew([*self._stack.containers(WORKER), self._one("locust")], self._stop_load)
            control = self._control
        except BaseException:  # Ctrl-C, too: nothing else would stop a test that runs already
            take_all(self._stop_load, self._paths.end)
            raise
        if not answer.success:
            self._paths.end()
            raise TrialFailed(f"Locust's page refuses: {answer.message}")
        self._watched.append(crew)
        return LoadChild(crew, control, path.link, LINK_PORT, path.reverse)

    def watch(self) -> None:
        """Start a server or producer again that has died; once a second, because every look costs the engine some work.

        Raises TrialFailed when a part of the load has died.
        """
        if time.monotonic() - self._looked < WATCH_SECONDS:
            return
        self._looked = time.monotonic()
        broker = [] if self.broker is None else [self.broker.part]
        for part in [self._producer_part, *broker, *self._watched]:
            if part.has_ended():
                if isinstance(part, ContainerCrew) or part.restarts >= part.gives_up_at:
                    raise part.failure("ended in the middle of the trial")
                part.restart()

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything that the experiment runs, this process included."""
        members = [member for part in self._watched for member in part.members]
        parts = [self._producer_part, *members]
        return total_seconds([process_cpu_seconds(), *(part.cpu_seconds() for part in parts)])

    def stop(self, *parts: Crew) -> None:
        """End the parts' work, in this order."""
        for part in parts:
            self._watched = [left for left in self._watched if left is not part]
            part.stop()

    def _replace_dead_load(self) -> None:
        """Start parts of the load again that have died since the last trial."""

    @property
    def _page(self) -> Peer:
        return self._one("locust").peer("Locust's page", PAGE_PORT)

    @property
    def _control(self) -> Peer:
        locust, patience = self._one("locust"), ANSWER_SECONDS + CLIENT_SECONDS * self._clients
        return locust.peer("the load", CONTROL_PORT, token=self._token_of(locust), answer_seconds=patience)

    def _token_of(self, part: Contained) -> str:
        """Return the token that a part requires for orders."""
        return part.variable(variable_of("control_token"))

    def _one(self, service: str) -> Contained:
        found = self._stack.containers(service)
        if not found:
            raise TrialFailed(f"{service} is not running any more: see {self.shown_by}")
        return found[0]

    def _stop_load(self) -> None:
        """Press Stop and wait until the test has ended; a dead master has no test."""
        if not self._stack.containers("locust"):
            return
        page = self._page
        page.post("/stop", "", Swarming)
        deadline = time.monotonic() + STOP_SECONDS
        while not page.get("/stats/requests", PageState).has_stopped:
            if time.monotonic() > deadline:
                raise TrialFailed(f"Locust has not stopped after {STOP_SECONDS:g} s")
            time.sleep(0.2)
