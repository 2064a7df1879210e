"""A target: the place where trials run. It says what it supports, and starts the parts of a trial."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from wirerace.errors import BadInput, WireraceError
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.faults import FaultKind, FaultPlace
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.settings import Study
from wirerace.host.cores import Cores
from wirerace.options import fields_at, flag_of
from wirerace.record.result import Host
from wirerace.record.samples import MachineSample
from wirerace.runner.network.loss import why_no_loss
from wirerace.runner.network.reverse.starting import ReverseChild
from wirerace.runner.parts.broker import BrokerChild
from wirerace.runner.parts.part import Crew, Part
from wirerace.runner.parts.replicas import Replicas, ReplicasPeer
from wirerace.runner.peer import Peer
from wirerace.stopping import whole


class Child(NamedTuple):
    """A part, and its HTTP side."""

    part: Part
    peer: Peer


def as_one(count: int, start: Callable[[int], Child]) -> Child:
    """Start a number of replicas of a server, and return them as one child; `start` gets their numbers from 0 on."""
    found = [start(number) for number in range(count)]
    if len(found) == 1:
        return found[0]
    return Child(Replicas([one.part for one in found]), ReplicasPeer([one.peer for one in found]))


class LoadChild(NamedTuple):
    """The load, and its HTTP side; the path's proxy, the port at which clients connect to it, and the reverse proxy.

    Clients connect to the proxy, which is the path's link, if there is one, else to the reverse proxy.
    """

    crew: Crew
    peer: Peer
    proxy: Child | None = None
    proxy_port: int | None = None
    reverse: ReverseChild | None = None

    @property
    def ports(self) -> list[int]:
        """The ports of the proxies on the path, from the server to the clients."""
        reverse = [] if self.reverse is None else [self.reverse.port]
        return reverse + ([] if self.proxy is None or self.proxy_port is None else [self.proxy_port])

    @property
    def entry(self) -> int | None:
        """The port at which clients come in, None if it is the server's."""
        return next(reversed(self.ports), None)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of the path, by their role in the trial."""
        found: dict[str, Part] = {} if self.proxy is None else {"proxy": self.proxy.part}
        return found | ({} if self.reverse is None else {"reverse proxy": self.reverse.part})


class Supported(NamedTuple):
    """What a target can do: `visits` are populations of visitors, `browsers` tabs beside the clients.

    `foreign` are contestants with somebody else's server. `otherwise` says what to do about anything else, `needs`
    about some kinds of faults.
    """

    delays: bool
    reverse_proxies: bool
    server_options: bool
    faults: frozenset[tuple[FaultKind, FaultPlace]]
    otherwise: str
    visits: bool = True
    browsers: bool = True
    tls: bool = True
    foreign: bool = True
    http2: bool = True
    brokers: bool = True
    hosts: bool = True
    needs: Mapping[FaultKind, str] = {}


def with_a_page(supported: Supported) -> Supported:
    """Return what is left of it for Locust's page: no order says there what clients speak, and clients stay."""
    return supported._replace(
        reverse_proxies=False,
        visits=False,
        browsers=False,
        tls=False,
        http2=False,
        foreign=False,
        brokers=False,
        hosts=False,
        otherwise="needs an experiment: use wirerace run",
    )


class Target(Protocol):
    """The place where trials run."""

    load_cores: int
    """The number of cores of all load processes together, in the trial that is running."""
    cores: Cores
    """The cores that the parts of the running trial are bound to."""
    broker: BrokerChild | None
    """The broker that brings the feed to servers, if an experiment wants one."""
    other_hosts: bool
    """Whether the load has other clocks than the producer."""
    ahead_ns: int
    """By how much the producer's clock is ahead of this machine's, as far as that is known."""
    order_seconds: float
    """How long orders to producer and load may take, beyond what they take on this machine."""
    far_servers: bool
    """Whether the servers of the running trial have another clock than the producer."""

    def begin_trial(self, plan: Plan) -> None:
        """Start parts again that have died since the last trial, and allow every part all its restarts again."""

    def start_producer(self) -> Child:
        """Return a producer that makes nothing until a schedule is set."""

    def start_server(self, plan: Plan, producer: Peer) -> Child:
        """Return a fresh server of the plan's contestant."""

    def start_publisher(self, plan: Plan, server: Child, producer: Peer) -> Child | None:
        """Start what publishes updates to a foreign server; None if it follows the feed itself, as ours do."""

    def start_load(self, plan: Plan, server: Peer) -> LoadChild:
        """Start the plan's clients, which subscribe at once."""

    def start_browsers(self, plan: Plan, port: int) -> Child | None:
        """Start the plan's browser tabs, which subscribe at a port; None if the plan has none."""

    def watch(self) -> None:
        """Start parts again that have died.

        Raises TrialFailed when the load has died, or when a part dies too often.
        """

    def machine_sample(self) -> MachineSample:
        """Return the counters of the machine on which servers run, and the CPU time of the experiment on it."""

    @property
    def machine_cores(self) -> int:
        """The cores of that machine."""

    def described(self, host: Host) -> Host:
        """Return the host of a result, with the machine on which servers run."""

    def stop(self, *parts: Crew) -> None:
        """End some parts, in this order."""

    def close(self) -> None:
        """Leave everything as it was found.

        Raises TrialFailed when that cannot be done.
        """


def refuse_unsupported(study: Study, supported: Supported) -> None:
    """Raise BadInput, naming the key and the cure, when a target cannot run an experiment."""
    _refuse_whole(study, supported)
    for setting in study.settings:
        if setting.experiment.servers.by_broker and not supported.brokers:
            raise BadInput(f"servers.feed: a broker {supported.otherwise}")
        if setting.experiment.clients.browsers and not supported.browsers:
            raise BadInput(f"clients.browsers: a browser beside the clients {supported.otherwise}")
        for contestant in contestants_of(setting.experiment):
            if contestant.path.tls and setting.experiment.clients.browsers:
                raise BadInput(
                    f"clients.browsers: browsers do not trust a run's certificate: leave tls out of the path of "
                    f"{contestant.id}, or leave browsers out"
                )
            _refuse_path(contestant, supported)
            for field in fields_at(contestant.transport.options, "server"):
                value = getattr(contestant.options, field.name)
                if value != field.default and not supported.server_options:
                    name = f"{contestant.id}.{field.name}"
                    raise BadInput(
                        f"{name} is a server's, and the stack's are set in docker-compose.yml: {flag_of(field.name)}"
                    )
        for number, fault in enumerate(setting.experiment.faults):
            if (fault.kind, fault.on) not in supported.faults:
                cure = supported.needs.get(fault.kind, supported.otherwise)
                raise BadInput(f"faults[{number}]: a {fault.kind} on {fault.on} {cure}")


def _refuse_whole(study: Study, supported: Supported) -> None:
    """Raise BadInput for what is the same at all settings."""
    if study.first.load.address and not supported.hosts:
        raise BadInput(f"load.address: a load on other hosts {supported.otherwise}")
    if study.first.population.is_visit and not supported.visits:
        raise BadInput(f"population.kind: a population of visitors {supported.otherwise}")
    for contestant in contestants_of(study.first):
        if contestant.server is not None and not supported.foreign:
            raise BadInput(f"{contestant.id}: a foreign server {supported.otherwise}")


def _refuse_path(contestant: Contestant, supported: Supported) -> None:
    path = contestant.path
    if path.has_proxy and not supported.delays:
        what = "has a link of its own, such as one with a delay"
        raise BadInput(f"the path of {contestant.id} {what}, which {supported.otherwise}")
    if path.loss:
        raise BadInput(f"the path of {contestant.id}: loss {why_no_loss()}")
    if path.tls and not supported.tls:
        raise BadInput(f"the path of {contestant.id} speaks TLS, which {supported.otherwise}")
    if path.http == 2 and not supported.http2:
        raise BadInput(f"the path of {contestant.id} speaks HTTP/2, which {supported.otherwise}")
    if path.has_reverse_proxy and not supported.reverse_proxies:
        raise BadInput(f"the path of {contestant.id} has {path.proxy} on it: a reverse proxy {supported.otherwise}")


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
