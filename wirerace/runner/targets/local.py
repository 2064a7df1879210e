"""The local target: producer, server and load as processes on loopback."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from wirerace.clock import process_cpu_seconds
from wirerace.experiment.model import LoadOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.host.cores import cores_of, usable_cores
from wirerace.host.machine import total_seconds
from wirerace.host.ports import free_port, usual_port
from wirerace.options import variable_of
from wirerace.runner.browsers.order import origin_of
from wirerace.runner.browsers.process import BrowserProcess, order_of, refuse_missing
from wirerace.runner.directory import LOGS, RAW
from wirerace.runner.foreign.publishing import PublisherProcess, publisher_command
from wirerace.runner.foreign.starting import ForeignParts
from wirerace.runner.network.certificates import HOSTS, certificate_for
from wirerace.runner.network.reverse.configuration import installed_for
from wirerace.runner.network.reverse.starting import NAME as REVERSE
from wirerace.runner.network.reverse.starting import ReverseChild
from wirerace.runner.parts.broker import broker_program
from wirerace.runner.parts.family import Family
from wirerace.runner.parts.part import MOST_RESTARTS, Crew
from wirerace.runner.parts.process import Process, Processes
from wirerace.runner.parts.quota import Quota
from wirerace.runner.peer import ANSWER_SECONDS, CLIENT_SECONDS, Peer
from wirerace.runner.targets import ways
from wirerace.runner.targets.descriptors import allow_sockets
from wirerace.runner.targets.locust import (
    LOOPBACK,
    locust_command,
    master_and_worker,
    order_flags,
    page_flags,
    spelled,
    user_class_of,
)
from wirerace.runner.targets.supported import OF_PAGE, SUPPORTED
from wirerace.runner.targets.target import Child, LoadChild, Supported, as_one, refuse_unsupported
from wirerace.runner.targets.this_machine import OnThisMachine
from wirerace.stopping import whole
from wirerace.system import blamed_on

LOAD, PROXY, BROWSER = "the load", "the proxy", "the load's browser"


class Local(OnThisMachine):
    """Starts the parts of a trial and stops all of them. Each server gets its own core if there are two.

    `page_port` is for a playground: its page has that port, services listen on their usual ports if these are free, and
    the producer keeps no record, because nothing reads the truth. Pages of `page_origins` may read updates.
    """

    supported: Supported = SUPPORTED
    address, entry_port, clock = LOOPBACK, 0, ""  # where clients come in, 0 at any port; where they probe the clock

    def __init__(
        self, study: Study, directory: Path, *, page_port: int | None = None, page_origins: Sequence[str] = ()
    ) -> None:
        refuse_unsupported(study, self.supported if page_port is None else OF_PAGE)
        refuse_missing(study)
        self._installed = {one.program.name: one for one in installed_for(study)}
        self._page_port, self._page_origins = page_port, page_origins
        self._tab_port = free_port()
        self._directory = directory
        with blamed_on(directory / LOGS):
            (directory / LOGS).mkdir(exist_ok=True)
        self._processes: list[Process] = []
        self._certificate = certificate_for(study, [*HOSTS, self.address])
        self._foreign = ForeignParts(directory.resolve() / LOGS)
        self._token = secrets.token_urlsafe(18)
        self._broker_program = broker_program() if study.wants_broker else None
        self.cores = cores_of(study.first.load, NetworkPath())
        self.load_cores = len(self.cores.load or usable_cores())
        allow_sockets([*study.settings, *([study.most] if study.most is not None else [])])
        if study.first.servers.cpus is not None:
            Quota(study.first.servers.cpus).remove()  # refused now, not in the first trial

    def begin_trial(self, plan: Plan) -> None:
        """Start parts again that have died since the last trial, and allow every part all its restarts again."""
        self.cores = cores_of(plan.experiment.load, plan.path, plan.experiment.servers.replicas)
        self.load_cores = len(self.cores.load or usable_cores())
        for process in self._processes:
            if process.has_ended():
                process.restart()
            process.gives_up_at = process.restarts + MOST_RESTARTS

    def start_producer(self) -> Child:
        """Start the producer, idle until a schedule is set."""
        arguments, record = ["--idle", "true"], None
        if self._page_port is None:
            record = self._directory.resolve() / RAW / "producer.jsonl"
            with blamed_on(record.parent):
                record.parent.mkdir(exist_ok=True)
            arguments += ["--record-file", str(record)]
        if self._broker_program is not None:
            self.broker = ways.start_run_broker(self._broker_program, self._directory / LOGS, self._processes.append)
            arguments += ["--broker-url", self.broker.url]
        port = usual_port("producer", self._page_port) or free_port()
        child = self._start_service(Peer("producer", port, token=self._token), "producer", arguments, [])
        self._processes[-1].record = record
        return child

    def start_server(self, plan: Plan, producer: Peer) -> Child:
        """Start a fresh server of the plan's transport, or the contestant's foreign one, unless that runs already."""
        if plan.contestant.server is not None:
            with whole():
                child, started = self._foreign.start(plan, producer.url, self.cores.server)
                self._processes += started
            return child
        feed = producer.url if self.broker is None or not plan.experiment.servers.by_broker else self.broker.url
        tabs = [origin_of(self._tab_port)] if plan.experiment.clients.browsers else []
        arguments = ways.server_arguments(plan, feed, [*self._page_origins, *tabs])
        secure_port, authority = None, ""
        if self._certificate is not None and plan.path.tls and not plan.path.has_reverse_proxy:
            secure_port = (0 if plan.path.has_proxy else self.entry_port) or free_port()
            authority = self._certificate.authority
            arguments += [*self._certificate.flags, "--tls-port", str(secure_port)]
        with self._all_or_nothing():
            child = as_one(plan.experiment.servers.replicas, lambda at: self._start_replica(plan, at, arguments))
        child.peer.secure_port, child.peer.authority = secure_port, authority
        return child

    def _start_replica(self, plan: Plan, number: int, arguments: list[str]) -> Child:
        """Start one of a plan's servers, on a core of its own if there is one for each."""
        cpus, cores = plan.experiment.servers.cpus, self.cores.server
        quota, own = None if cpus is None else Quota(cpus), [cores[number % len(cores)]] if cores else []
        log = f"{plan.name}-{number + 1}" if plan.experiment.servers.replicas > 1 else plan.name
        try:
            return self._start_service(self._peer_of(plan), log, arguments, own, quota)
        except BaseException:
            if quota is not None:
                quota.remove()
            raise

    def start_publisher(self, plan: Plan, server: Child, producer: Peer) -> Child | None:
        """Start what publishes updates to the plan's server, on any core, as the producer; None if nothing has to."""
        peer, log = Peer("publisher", free_port()), f"{plan.name}.publisher"
        command = publisher_command(server.peer, peer.port, producer.url)
        return Child(self._start(peer.name, log, command, [], PublisherProcess), peer) if command else None

    def start_load(self, plan: Plan, server: Peer) -> LoadChild:
        """Start Locust with the plan's clients, which subscribe at once; several processes are a master and workers."""
        with self._all_or_nothing():
            patience = ANSWER_SECONDS + CLIENT_SECONDS * plan.experiment.clients.count
            control = Peer(LOAD, free_port(), token=self._token, answer_seconds=patience)
            way, proxy, reverse = self._start_path(plan, server)
            flags = order_flags(plan, way.client_url, way.authority, self.clock) | {"control_port": control.port}
            arguments = ["--headless", "--only-summary", "--loglevel", "WARNING", *spelled(flags), user_class_of(plan)]
            crew = self._start_locust(plan.experiment.load, f"{plan.name}.load", arguments, locust_command(plan))
            return LoadChild(crew, control, proxy, None if proxy is None else way.port, reverse)

    def start_browsers(self, plan: Plan, port: int) -> Child | None:
        """Start the plan's browser tabs, which subscribe at a port of this machine; None if the plan has none."""
        return self.start_tabs(plan, port) if plan.experiment.clients.browsers else None

    def start_tabs(self, plan: Plan, port: int, *, one_profile: bool | None = None) -> Child:
        """Start browser tabs: those of a trial, or of a scene with one profile for all, or with one for each."""
        server, control = Peer("the server", port), Peer(BROWSER, free_port(), token=self._token)
        order = order_of(plan, server.url, self._tab_port, control.port, one_profile)
        command = ["-m", "wirerace.runner.browsers.control", msgspec.json.encode(order).decode()]
        return Child(self._start(BROWSER, f"{plan.name}.browser", command, self.cores.load, BrowserProcess), control)

    def start_page(self, plans: Sequence[Plan], servers: Mapping[str, Peer], producer: Peer) -> LoadChild:
        """Start Locust's page, with its fields filled from the plans. Clients come when Start is pressed."""
        page = Peer("Locust's page", self._page_port or 0)
        flags: dict[str, object] = {"web_port": page.port, "producer_url": producer.url}
        with self._all_or_nothing():
            for plan in plans:
                way, _, _ = self._start_path(plan, servers[plan.transport.name])
                flags |= page_flags(plan, way.url)
            arguments = ["--class-picker", *spelled(flags)]
            return LoadChild(self._start_locust(plans[0].experiment.load, "locust", arguments, locust_command()), page)

    def watch(self) -> None:
        """Start parts again that have died. Locust is not started again, because its ledgers are lost.

        Raises TrialFailed when the load, or a part of it, has died.
        """
        for process in self._processes:
            if process.has_ended():
                if process.name.startswith(LOAD) or process.restarts >= process.gives_up_at:
                    raise process.failure("ended in the middle of the trial")
                process.restart()
        self._foreign.watch()

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything that the experiment runs, this process included."""
        return total_seconds(
            [process_cpu_seconds(), *(one.cpu_seconds() for one in (*self._processes, *self._foreign.running))]
        )

    def stop(self, *parts: Crew) -> None:
        """Stop some parts, in this order."""
        for part in parts:
            with whole():
                part.stop()
                self._processes = [left for left in self._processes if left not in part.members]
                self._foreign.leave(part)

    def close(self) -> None:
        """Stop everything that still runs, the newest first."""
        self.stop(*reversed(self._processes))
        if self._certificate is not None:
            self._certificate.remove()

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Stop everything started in this block if it fails: nothing else would, and all trials would watch it."""
        before = list(self._processes)
        try:
            yield
        except BaseException:  # Ctrl-C, too
            self.stop(*reversed([process for process in self._processes if process not in before]))
            raise

    def _start_locust(self, load: LoadOptions, log: str, arguments: list[str], locust: list[str]) -> Processes:
        """Start Locust in one process, or a master with the arguments and its workers."""
        processes, cores = load.processes, self.cores.load
        if processes == 1:
            return Processes([self._start(LOAD, log, [*locust, *arguments], cores[:1])])
        master, worker = master_and_worker(processes, free_port())
        crew = [self._start(LOAD, log, [*locust, *master, *arguments], cores)]
        for number in range(1, processes + 1):
            core = cores[(number - 1) % len(cores) :][:1] if cores else []
            crew.append(self._start(f"{LOAD}, worker {number},", f"{log}-{number}", [*locust, *worker], core))
        return Processes(crew)

    def _start_path(self, plan: Plan, server: Peer) -> tuple[Peer, Child | None, ReverseChild | None]:
        """Return the peer that clients connect to, and what lies between it and the server: a link, a reverse proxy."""
        way, reverse = server, self._start_reverse(plan, server) if plan.path.has_reverse_proxy else None
        if reverse is not None:
            way = Peer(REVERSE, reverse.port, host=reverse.address)
            if self._certificate is not None and plan.path.tls:
                way.secure_port, way.authority = reverse.port, self._certificate.authority
        return (*self.start_proxy(plan, way), reverse) if plan.path.has_proxy else (way, None, reverse)

    def _start_reverse(self, plan: Plan, server: Peer) -> ReverseChild:
        """Start the reverse proxy of the plan's path.

        Raises TrialFailed when it does not come up, or when the plan's clients need an upgrade that it does not make.
        """
        installed, is_first = self._installed[plan.path.proxy], not plan.path.has_proxy
        at = (self.address, self.entry_port or free_port()) if is_first else (LOOPBACK, free_port())
        files = self._directory.resolve() / LOGS / f"{plan.name}.{installed.program.name}"

        def start(command: list[str], directory: Path, variables: dict[str, str]) -> Family:
            with whole():
                log = files.with_name(f"{files.name}.log")
                family = Family(REVERSE, command, log, directory, self.cores.reverse, variables)
                self._processes.append(family)
            return family

        return ways.start_before(plan, at, server, installed, self._certificate, files, start)

    def start_proxy(self, plan: Plan, server: Peer) -> tuple[Peer, Child]:
        """Start a proxy with the link of the plan's path; return the peer that clients connect to, and the proxy.

        Raises TrialFailed when it does not come up.
        """
        path = Peer(PROXY, self.entry_port or free_port(), host=self.address)
        control = Peer(PROXY, free_port(), token=self._token, host=path.host)
        path.secure_port, path.authority = path.port if plan.path.tls else None, server.authority
        proxy = self._start(
            PROXY, f"{plan.name}.proxy", ways.link_command(plan, path, control, server), self.cores.proxy
        )
        ways.wait_until_open(proxy, path, control)
        return path, Child(proxy, control)

    def _start_service(
        self, peer: Peer, log_name: str, arguments: list[str], cores: Sequence[int], quota: Quota | None = None
    ) -> Child:
        command = ["-m", "services", peer.name, "--host", peer.host, "--port", str(peer.port), *arguments]
        return Child(self._start(peer.name, log_name, command, cores, quota=quota), peer)

    def _peer_of(self, plan: Plan) -> Peer:
        place = (self.address, self.entry_port)
        return ways.server_peer(plan, place, lambda: usual_port(plan.transport.name, self._page_port) or free_port())

    def _start(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        log_name: str,
        command: list[str],
        cores: Sequence[int],
        kind: type[Process] = Process,
        quota: Quota | None = None,
    ) -> Process:
        with whole():
            log = self._directory.resolve() / LOGS / f"{log_name}.log"
            process = kind(name, command, log, cores, {variable_of("control_token"): self._token}, quota)
            self._processes.append(process)
        return process
