"""The compose target: producer, servers and load are the stack's containers, which are left as they were found."""

import time
import urllib.parse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from wirerace.clock import process_cpu_seconds
from wirerace.errors import BadInput, TrialFailed, WireraceError
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.host.cores import Cores, refuse_quota_beyond
from wirerace.host.machine import total_seconds
from wirerace.options import variable_of
from wirerace.runner.parts.broker import BrokerChild
from wirerace.runner.parts.container import Container, ContainerCrew
from wirerace.runner.parts.part import MOST_RESTARTS, Crew
from wirerace.runner.peer import ANSWER_SECONDS, CLIENT_SECONDS, Peer
from wirerace.runner.targets.contained import LINK_PORT, REPLICA_PORT, StackPaths
from wirerace.runner.targets.locust import Swarming, order_flags, spelled_value
from wirerace.runner.targets.stack import WORKER, Stack
from wirerace.runner.targets.target import Child, LoadChild, Supported, as_one, refuse_unsupported
from wirerace.stopping import whole
from wirerace.transports import PRODUCER_PORT, TRANSPORTS

PARTS = ["producer", *TRANSPORTS, "locust", WORKER]
"""The parts of the stack that an experiment needs, in the order of their dependence."""
PAGE_PORT, CONTROL_PORT = 8089, 9646
WATCH_SECONDS = 1.0
STOP_SECONDS = 20.0
IDLE = {"ready", "stopped"}
SUPPORTED = Supported(
    delays=True,
    reverse_proxies=True,
    server_options=False,
    hosts=False,
    faults=frozenset(
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
    ),
    otherwise="needs processes of its own: leave out --on compose",
    browsers=False,
    needs={"fill": "needs a producer whose disk is this machine's: leave out --on compose"},
    foreign=False,
    brokers=False,
)
SHAPE_CLASSES = {"steady": "Default", "steps": "Steps", "spike": "Spike", "ramp": "Ramp"}
"""The names of the shapes on Locust's page."""


class PageState(msgspec.Struct):
    """The state of the test on Locust's page."""

    state: str


class Compose:
    """Runs trials on the stack. Parts that are down are brought up, and removed at the end."""

    def __init__(self, study: Study) -> None:
        refuse_unsupported(study, SUPPORTED)
        self._load = study.first.load
        self._stack = Stack()
        refuse_quota_beyond(study, self._stack.cores(), "the stack's machine")
        self._watched: list[Container | ContainerCrew] = []
        self._replicas: Sequence[Container] = ()
        self._looked = 0.0
        self._schedule: Any = None
        self._unlimited: dict[str, float] = {}
        self.load_cores = self._load.processes
        self.cores = Cores([], [])
        self.broker: BrokerChild | None = None
        self._was_down = [part for part in PARTS if not self._stack.containers(part)]
        self._workers_before = len(self._stack.containers(WORKER))
        if "locust" not in self._was_down and self._page.get("/stats/requests", PageState).state not in IDLE:
            raise BadInput("Locust is running a test on the stack: stop it first")
        self._paths = StackPaths(self._stack, study)
        try:
            self._stack.up(*PARTS, workers=self._load.processes)
            self._refuse_an_older_stack()
            self._paths.lend()
            self._producer_part = self._one("producer")
            token = self._producer_part.variable(variable_of("control_token"))
            self._producer = Peer("producer", self._producer_part.port(PRODUCER_PORT), token=token)
            refuse_drops_without(token, study)
            self._schedule = self._producer.get("/schedule", object)
        except BaseException:  # a stop, too
            take_all(self._paths.take_back, self._paths.close, self._take_away, self._revive)
            raise

    def _refuse_an_older_stack(self) -> None:
        """Raise BadInput, with the cure, when the stack's load was started by a version that knows no paths."""
        if not self._one("locust").variable(variable_of("allowed_hosts")):
            raise BadInput("an older version started the stack: take it down (docker compose down), and run this again")

    def begin_trial(self, plan: Plan) -> None:
        """Start parts again that have died since the last trial, and allow every part all its restarts again."""
        self._load = plan.experiment.load
        self.load_cores = self._load.processes
        producer = self._producer_part
        if producer.has_ended():
            producer.restart()
        producer.gives_up_at = producer.restarts + MOST_RESTARTS

    def start_producer(self) -> Child:
        """Return the stack's producer, without a schedule."""
        self._producer.delete("/schedule")
        return Child(self._producer_part, self._producer)

    def start_server(self, plan: Plan, producer: Peer) -> Child:  # noqa: ARG002 -- compose has set its producer
        """Return the stack's server of the plan's transport, restarted, or replicas of it that exist for the trial."""
        cpus = plan.experiment.servers.cpus
        if plan.experiment.servers.replicas > 1:
            self._replicas = self._paths.replicas(plan)
            self._watched = [*self._replicas]
            if cpus is not None:
                for one in self._replicas:
                    one.limit(cpus)
            name = plan.transport.name
            made = [Child(one, Peer(name, one.port(REPLICA_PORT))) for one in self._replicas]
            return as_one(len(made), made.__getitem__)
        self._replicas = ()
        container = self._one(plan.transport.name)
        if cpus is not None:
            self._unlimited.setdefault(plan.transport.name, container.cpus)
            container.limit(cpus)
        container.start_anew()
        child = Child(container, Peer(plan.transport.name, container.port(plan.transport.port)))
        self._watched = [container]
        return child

    def start_publisher(self, plan: Plan, server: Child, producer: Peer) -> None:
        """Start none: foreign servers are refused."""

    def start_browsers(self, plan: Plan, port: int) -> None:
        """Start nothing: browser tabs have been refused."""

    def start_load(self, plan: Plan, server: Peer) -> LoadChild:  # noqa: ARG002 -- inside, it has another address
        """Start a test on Locust's page with the plan's clients."""
        self._replace_dead_load()
        path = self._paths.start(plan, [one.host for one in self._replicas])
        self._watched += path.containers
        flags = order_flags(plan, path.url, self._paths.authority)
        flags |= {"user_count": flags.pop("users"), "shape_class": SHAPE_CLASSES[str(flags.pop("shape"))]}
        flags |= {"user_classes": plan.transport.user_class}
        form = urllib.parse.urlencode({name: spelled_value(value) for name, value in flags.items()})
        try:
            answer = self._page.post("/swarm", form, Swarming)
            crew = ContainerCrew([*self._stack.containers(WORKER), self._one("locust")], self._stop_load)
            locust = self._one("locust")
            token = locust.variable(variable_of("control_token"))
            patience = ANSWER_SECONDS + CLIENT_SECONDS * plan.experiment.clients.count
            control = Peer("the load", locust.port(CONTROL_PORT), token=token, answer_seconds=patience)
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
        for part in [self._producer_part, *self._watched]:
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

    def close(self) -> None:
        """Leave the stack as it was found.

        Raises TrialFailed, after doing all that can be done, with the steps that failed.
        """
        quotas = (partial(self._put_quota_back, name, cpus) for name, cpus in self._unlimited.items())
        before = (self._stop_load, self._paths.take_back, self._paths.close, self._take_away, self._revive)
        if troubles := take_all(*before, *quotas, self._put_schedule_back):
            raise TrialFailed(f"the stack is not as it was found: {'; '.join(troubles)}")

    def _take_away(self) -> None:
        self._stack.remove(*reversed(self._was_down))

    def _revive(self) -> None:
        """Start parts again that were up before and have died, with the same number of workers."""
        counts = {part: len(self._stack.containers(part)) for part in PARTS if part not in self._was_down}
        wanted = {part: self._workers_before if part == WORKER else 1 for part in counts}
        if parts := [part for part, count in counts.items() if count != wanted[part]]:
            self._stack.up(*parts, workers=self._workers_before)

    def _put_quota_back(self, name: str, cpus: float) -> None:
        for container in self._stack.containers(name):
            container.limit(cpus)

    def _put_schedule_back(self) -> None:
        if self._schedule is not None and "producer" not in self._was_down:
            self._producer.send("PUT", "/schedule", self._schedule | {"start_ns": None}, object)

    def _replace_dead_load(self) -> None:
        """Start parts of the load again that have died since the last trial; workers of a dead master are replaced."""
        if not self._stack.containers("locust"):
            self._stack.remove(WORKER)
        workers = self._load.processes
        if len(self._stack.containers(WORKER)) != workers:
            try:
                self._stack.up("locust", WORKER, workers=workers)
            except BadInput as error:
                raise TrialFailed(str(error)) from None

    @property
    def _page(self) -> Peer:
        return Peer("Locust's page", self._one("locust").port(PAGE_PORT))

    def _one(self, service: str) -> Container:
        found = self._stack.containers(service)
        if not found:
            raise TrialFailed(f"{service} is not running any more: see docker compose ps")
        return found[0]

    def _stop_load(self) -> None:
        """Press Stop and wait until the test has ended; a dead master has no test."""
        if not self._stack.containers("locust"):
            return
        page = self._page
        page.post("/stop", "", Swarming)
        deadline = time.monotonic() + STOP_SECONDS
        while page.get("/stats/requests", PageState).state not in IDLE:
            if time.monotonic() > deadline:
                raise TrialFailed(f"Locust has not stopped after {STOP_SECONDS:g} s")
            time.sleep(0.2)


def refuse_drops_without(token: str, study: Study) -> None:
    """Raise BadInput, with the cure, when the feed is to be dropped, and the stack's producer takes no order for it."""
    for number, fault in enumerate(study.first.faults):
        if fault.kind == "drop" and not token:
            raise BadInput(
                f"faults[{number}]: a drop is ordered from the producer, and the stack's takes no orders: take the "
                "stack down (docker compose down), so that wirerace brings it up, or set CONTROL_TOKEN in .env"
            )


def take_all(*steps: Callable[[], object]) -> list[str]:
    """Take all steps, even after one that failed, and return what went wrong."""
    troubles = []
    with whole():
        for step in steps:
            try:
                step()
            except WireraceError as error:
                troubles.append(str(error))
    return troubles
