"""The target of a cluster: producer, servers and load are pods of a release that the run installs and removes."""

import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from wirerace.certificates import CHAIN, KEY
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import BadInput, TrialFailed, WireraceError
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.settings import Study
from wirerace.host.machine import total_seconds
from wirerace.record.result import Host
from wirerace.record.samples import MachineSample
from wirerace.runner.cluster.inside import NodeOf, Reading
from wirerace.runner.cluster.pod import Pod
from wirerace.runner.cluster.release import Release
from wirerace.runner.joining import WorkerCount
from wirerace.runner.parts.broker import BrokerChild
from wirerace.runner.parts.part import MOST_RESTARTS, Contained
from wirerace.runner.peer import Peer
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.contained import REPLICA, REPLICA_PORT, StackPaths
from wirerace.runner.targets.containers import CONTAINED_FAULTS, WATCH_SECONDS, InContainers
from wirerace.runner.targets.stack import WORKER
from wirerace.runner.targets.target import Child, LoadChild, Supported, as_one, refuse_unsupported, take_all
from wirerace.runner.targets.ways import server_arguments
from wirerace.transports import PRODUCER_PORT

CLOCK_PORT, NATS_PORT = 5558, 4222
NATS = "nats"
READINGS = 5
ORDER_TRIPS = 10  # round trips until a schedule is set, an update has come, and a window is set
JOIN_SECONDS = 60.0
NOTED_SECONDS = 3.0  # from the end of a container until its cluster says so
MOST_OFF_SECONDS = 0.1
"""By how much this machine's clock may differ from the producer's: windows are set half a second ahead."""
SUPPORTED = Supported(
    delays=True,
    reverse_proxies=True,
    server_options=True,
    hosts=False,
    faults=CONTAINED_FAULTS | {("kill", "broker"), ("restart", "broker"), ("stall", "broker")},
    otherwise="needs processes of this machine: leave out --on kubernetes",
    browsers=False,
    needs={"fill": "needs a producer whose disk is this machine's: leave out --on kubernetes"},
    foreign=False,
)


class Kubernetes(InContainers):
    """Runs trials in a cluster. The release is installed for the run, and removed at its end.

    The load's processes, and servers that are not beside the producer, may be on nodes with other clocks: load
    processes probe the producer's. This machine only gives orders, and reads.

    `values` is the text of a file for the chart. Raises BadInput, with the cure, when the cluster cannot run it.
    """

    other_hosts = True
    shown_by = "kubectl get pods"

    def __init__(self, study: Study, values: str = "") -> None:
        refuse_unsupported(study, SUPPORTED)
        super().__init__(study.first.load)
        self._stack: Release = Release(values)
        self._paths = StackPaths(self._stack, study)
        self._token = secrets.token_urlsafe(18)
        self._servers: list[Pod] = []
        self._workers, self._opened = self._load.processes, time.monotonic()
        staying = ["producer", "locust", WORKER, *([NATS] if study.wants_broker else [])]
        try:
            self._stack.install(self._settings(study), staying)
            self._producer_part = self._pod("producer")
            self._producer = self._producer_part.peer("producer", PRODUCER_PORT, token=self._token)
            self._nodes: dict[str, NodeOf] = {}
            if study.wants_broker:
                broker = self._pod(NATS)
                version = broker.said("nats-server", "--version")[1].strip().rpartition("v")[2]
                self.broker = BrokerChild(broker, f"nats://{self._stack.host(NATS)}:{NATS_PORT}", version)
        except BaseException as error:  # a stop, too
            troubles = take_all(self.close)
            if troubles and isinstance(error, WireraceError):
                raise BadInput(f"{error}; {'; '.join(troubles)}") from None
            raise

    def begin_trial(self, plan: Plan) -> None:
        """Start the right number of load processes, and allow every part all its restarts again.

        Raises TrialFailed when this machine's clock is too far from the producer's.
        """
        self._load = plan.experiment.load
        self.load_cores = self._load.processes
        for component in ("producer", *([NATS] if self.broker is not None else [])):
            if (pod := self._pod(component)).state.restarts:
                self._stack.renew(pod)
        self.clock = f"{self._pod('producer').host}:{CLOCK_PORT}"
        self._refuse_far_clock()
        if self._workers != self._load.processes:
            self._stack.scale(WORKER, self._load.processes)
            self._workers = self._load.processes
        self._forget_ends(self._stack.every())

    def start_server(self, plan: Plan, producer: Peer) -> Child:  # noqa: ARG002 -- inside, it has another address
        """Start new pods of the plan's server, with its options: one, or replicas."""
        servers, name = plan.experiment.servers, plan.transport.name
        feed = f"http://{self._stack.host('producer')}:{PRODUCER_PORT}"
        if servers.by_broker and self.broker is not None:
            feed = self.broker.url
        container: dict[str, object] = {"args": [name, *server_arguments(plan, feed, ())]}
        if servers.cpus is not None:
            quota = {"cpu": f"{servers.cpus:g}"}
            container["resources"] = {"limits": quota, "requests": quota}
        is_alone = servers.replicas == 1
        self._servers = self._stack.roll(name if is_alone else REPLICA, container, servers.replicas)
        self._replicas = () if is_alone else self._servers
        self._watched = [*self._servers]
        node = self._pod("producer").state.node
        self.far_servers = any(one.state.node != node for one in self._servers)
        port = plan.transport.port if is_alone else REPLICA_PORT
        made = [Child(one, one.peer(name, port)) for one in self._servers]
        return as_one(len(made), made.__getitem__)

    def start_load(self, plan: Plan, server: Peer) -> LoadChild:
        """Start a test on Locust's page with the plan's clients. From now on, every pod can be read at once."""
        load = super().start_load(plan, server)
        self._read(self._stack.every())
        return load

    def watch(self) -> None:
        """Note which parts have ended; what has been started again can be read at once when the window ends.

        Raises TrialFailed when a part of the load has died.
        """
        super().watch()
        for pod in self._watched_pods():
            if pod.state.runs:
                pod.reader.open()

    def _watched_pods(self) -> list[Pod]:
        """Return all pods, once a second."""
        if time.monotonic() < self._opened + WATCH_SECONDS:
            return []
        self._opened = time.monotonic()
        return self._stack.every()

    def machine_sample(self) -> MachineSample:
        """Return the counters of the first server's node, and the CPU time of all pods of the release on it."""
        server, began_ns = self._servers[0], now_ns()
        pods = [one for one in self._stack.every() if one.state.node == server.state.node]
        found = self._read(pods)
        of_node = found.get(server)
        busy_seconds = None if of_node is None else of_node.busy_seconds
        own = total_seconds([None if one is None else one.cpu_seconds for one in found.values()])
        return MachineSample(
            began_ns=began_ns,
            offset_ns=0,  # a clock that is set is seen in the probes of the load
            busy_seconds=busy_seconds or 0.0,
            stolen_seconds=None if of_node is None else of_node.stolen_seconds,
            own_seconds=None if busy_seconds is None else own,
            memory_stalled_seconds=None if of_node is None else of_node.memory_stalled_seconds,
            ended_ns=now_ns(),
        )

    @property
    def machine_cores(self) -> int:
        """The cores of the first server's node."""
        return self._node_of(self._servers[0]).cores

    def described(self, host: Host) -> Host:
        """Return a host with the producer's node instead of this machine."""
        node = self._node_of(self._pod("producer"))
        return replace(host, cores=node.cores, kernel=node.kernel, cpu_model=node.cpu_model or None)

    def close(self) -> None:
        """Leave the cluster as it was found.

        Raises TrialFailed, after doing all that can be done, with the steps that failed.
        """
        if troubles := take_all(self._stack.close, self._paths.close):
            raise TrialFailed(f"the cluster is not as it was found: {'; '.join(troubles)}")

    def _settings(self, study: Study) -> dict[str, object]:
        """Return the values of the chart that a run sets."""
        every = [one for setting in study.settings for one in contestants_of(setting.experiment)]
        files = self._paths.files
        return {
            "controlToken": self._token,
            "transports": sorted({one.transport.name for one in every}),
            "servers": {"replicas": 0},
            "load": {"workers": self._load.processes},
            "path": {"enabled": any(one.path.is_forwarded for one in every)},
            "nats": {"enabled": study.wants_broker},
            "tls": {"chain": files.get(CHAIN, ""), "key": files.get(KEY, "")},
        }

    @staticmethod
    def _read(pods: Sequence[Pod]) -> dict[Pod, Reading | None]:
        """Return what the kernels of pods say, all at about the same time."""
        for pod in pods:
            pod.reader.ask()
        return {pod: pod.reader.answer() for pod in pods}

    @staticmethod
    def _forget_ends(parts: Iterable[Contained]) -> None:
        """Take parts as they are now: that they have ended before is no matter of the next trial."""
        for part in parts:
            if part.has_ended():
                part.restart()
            part.gives_up_at = part.restarts + MOST_RESTARTS

    def _stop_load(self) -> None:
        """Stop the test; a master that the cluster has started again has none.

        Raises TrialFailed when a test goes on.
        """
        try:
            super()._stop_load()
        except TrialFailed:
            deadline = time.monotonic() + NOTED_SECONDS
            while not self._one("locust").has_ended():
                if time.monotonic() > deadline:
                    raise
                time.sleep(TICK_SECONDS)

    def _replace_dead_load(self) -> None:
        """Wait until all load processes have joined their master: the cluster starts those again that have died.

        Raises TrialFailed when they do not come.
        """
        deadline, come = time.monotonic() + JOIN_SECONDS, 0
        while time.monotonic() < deadline:
            with suppress(TrialFailed):
                come = self._control.get("/workers", WorkerCount).workers
            if come == self._load.processes:
                self._forget_ends([self._one("locust"), *self._stack.containers(WORKER)])
                return
            time.sleep(TICK_SECONDS)
        wanted = self._load.processes
        raise TrialFailed(f"{come} of {wanted} load processes have joined their master in {JOIN_SECONDS:g} s")

    def _token_of(self, part: Contained) -> str:  # noqa: ARG002 -- it is in a secret, and the same for all
        """Return the token that a part requires for orders."""
        return self._token

    def _refuse_far_clock(self) -> None:
        """Raise TrialFailed when this machine's clock is too far from that of the producer's node."""
        reader, found = self._pod("producer").reader, list[tuple[int, int]]()
        deadline = time.monotonic() + JOIN_SECONDS
        while len(found) < READINGS:
            read = reader.read("now")
            if read is not None and read.ahead_ns is not None:
                found.append(read.ahead_ns)
            elif time.monotonic() > deadline:
                raise TrialFailed("the producer's clock cannot be read: kubectl exec does not work in its pod")
            else:  # its container may just be starting
                time.sleep(TICK_SECONDS)
        least_ns, most_ns = max(least for least, _ in found), min(most for _, most in found)
        least, most = least_ns / NS_PER_SECOND, most_ns / NS_PER_SECOND
        self.ahead_ns = (least_ns + most_ns) // 2
        self.order_seconds = ORDER_TRIPS * (most - least)
        if least > MOST_OFF_SECONDS or most < -MOST_OFF_SECONDS:
            off = least if least > 0 else -most
            word = "behind" if least > 0 else "ahead of"
            raise TrialFailed(
                f"this machine's clock is {off:.2f} s {word} that of the producer's node: set it (NTP), and try again"
            )

    def _pod(self, component: str) -> Pod:
        """Return the pod of a component.

        Raises TrialFailed when there is none.
        """
        self._one(component)
        return self._stack.containers(component)[0]

    def _node_of(self, pod: Pod) -> NodeOf:
        name = pod.state.node
        if name not in self._nodes:
            self._nodes[name] = pod.node()
        return self._nodes[name]
