"""The compose target: producer, servers and load are the stack's containers, which are left as they were found."""

from functools import partial
from typing import Any

from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.host.cores import refuse_quota_beyond
from wirerace.options import variable_of
from wirerace.runner.parts.container import Container
from wirerace.runner.parts.part import MOST_RESTARTS
from wirerace.runner.peer import Peer
from wirerace.runner.targets.contained import REPLICA, REPLICA_PORT, StackPaths
from wirerace.runner.targets.containers import CONTAINED_FAULTS, IDLE, InContainers, PageState
from wirerace.runner.targets.stack import WORKER, Stack
from wirerace.runner.targets.target import Child, Supported, as_one, refuse_unsupported, take_all
from wirerace.transports import PRODUCER_PORT, TRANSPORTS

PARTS = ["producer", *TRANSPORTS, "locust", WORKER]
"""The parts of the stack that an experiment needs, in the order of their dependence."""
SUPPORTED = Supported(
    delays=True,
    reverse_proxies=True,
    server_options=False,
    hosts=False,
    faults=CONTAINED_FAULTS,
    otherwise="needs processes of its own: leave out --on compose",
    browsers=False,
    needs={"fill": "needs a producer whose disk is this machine's: leave out --on compose"},
    foreign=False,
    brokers=False,
)


class Compose(InContainers):
    """Runs trials on the stack. Parts that are down are brought up, and removed at the end."""

    def __init__(self, study: Study) -> None:
        refuse_unsupported(study, SUPPORTED)
        super().__init__(study.first.load)
        self._stack: Stack = Stack()
        refuse_quota_beyond(study, self._stack.cores(), "the stack's machine")
        self._schedule: Any = None
        self._unlimited: dict[str, float] = {}
        self._was_down = [part for part in PARTS if not self._stack.containers(part)]
        self._workers_before = len(self._stack.containers(WORKER))
        if "locust" not in self._was_down and self._page.get("/stats/requests", PageState).state not in IDLE:
            raise BadInput("Locust is running a test on the stack: stop it first")
        self._paths = StackPaths(self._stack, study)
        try:
            self._stack.up(*PARTS, workers=self._load.processes)
            self._refuse_an_older_stack()
            self._paths.lend(self._stack.containers(next(iter(TRANSPORTS)))[0])
            self._producer_part = self._one("producer")
            token = self._token_of(self._producer_part)
            self._producer = self._producer_part.peer("producer", PRODUCER_PORT, token=token)
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

    def start_server(self, plan: Plan, producer: Peer) -> Child:  # noqa: ARG002 -- compose has set its producer
        """Return the stack's server of the plan's transport, restarted, or replicas of it that exist for the trial."""
        cpus = plan.experiment.servers.cpus
        if plan.experiment.servers.replicas > 1:
            transport = {"REPLICA_TRANSPORT": plan.transport.name}
            replicas = self._stack.make(REPLICA, transport, plan.experiment.servers.replicas)
            self._replicas, self._watched = replicas, [*replicas]
            if cpus is not None:
                for one in replicas:
                    one.limit(cpus)
            name = plan.transport.name
            made = [Child(one, one.peer(name, REPLICA_PORT)) for one in replicas]
            return as_one(len(made), made.__getitem__)
        self._replicas = ()
        container = self._container(plan.transport.name)
        if cpus is not None:
            self._unlimited.setdefault(plan.transport.name, container.cpus)
            container.limit(cpus)
        container.start_anew()
        child = Child(container, container.peer(plan.transport.name, plan.transport.port))
        self._watched = [container]
        return child

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

    def _container(self, service: str) -> Container:
        """Return the running container of a part.

        Raises TrialFailed when there is none.
        """
        self._one(service)
        return self._stack.containers(service)[0]


def refuse_drops_without(token: str, study: Study) -> None:
    """Raise BadInput, with the cure, when the feed is to be dropped, and the stack's producer takes no order for it."""
    for number, fault in enumerate(study.first.faults):
        if fault.kind == "drop" and not token:
            raise BadInput(
                f"faults[{number}]: a drop is ordered from the producer, and the stack's takes no orders: take the "
                "stack down (docker compose down), so that wirerace brings it up, or set CONTROL_TOKEN in .env"
            )
