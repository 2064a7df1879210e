"""What lies between the clients of a trial and its server, as containers: a reverse proxy, and a link."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from wirerace.certificates import CHAIN, KEY
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.settings import Study
from wirerace.options import variable_of
from wirerace.runner.network.certificates import certificate_for
from wirerace.runner.network.contained import DIRECTORY, ContainerOrder
from wirerace.runner.network.reverse.configuration import arguments_of, configuration_of, program_of, version_in
from wirerace.runner.network.reverse.program import EVERYWHERE, Certificate, Route
from wirerace.runner.network.reverse.starting import SETTLE_SECONDS, ReverseChild, refuse_without_upgrade
from wirerace.runner.parts.container import PYTHON, Container
from wirerace.runner.parts.part import Contained
from wirerace.runner.peer import Peer
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.descriptors import connections_of
from wirerace.runner.targets.locust import target_of
from wirerace.runner.targets.target import Child
from wirerace.runner.targets.ways import link_arguments
from wirerace.transports import TRANSPORTS

REVERSE, LINK, REPLICA = "reverse-proxy", "link", "replica"
"""The parts of the stack, which are also the names of their hosts."""
REVERSE_PORT, LINK_PORT, LINK_CONTROL_PORT, REPLICA_PORT = 8010, 8011, 8012, 8020
SERVER_TLS_PORT = 8443
CERTIFICATES = "/tls"
"""Where servers of the stack look for a certificate."""
UP_SECONDS = 30.0
LISTENS = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 1)"


class ContainerStack(Protocol):
    """The containers of all parts, wherever they run."""

    def containers(self, service: str, /) -> Sequence[Contained]:
        """Return the containers of a part."""

    def passing(self, service: str, /) -> Sequence[Contained]:
        """Return those of a part that exists for a trial only, also those that have ended."""

    def make(self, service: str, variables: Mapping[str, str], count: int = 1) -> Sequence[Contained]:
        """Make a number of containers of a part that exists for a trial only.

        Raises TrialFailed when that does not work.
        """

    def build(self, service: str, /) -> None:
        """Build the image of such a part, where images are built."""

    def host(self, service: str, /) -> str:
        """Return the name at which other parts reach a part."""


class ContainedPath(NamedTuple):
    """The path of a trial: the URL at which its clients subscribe, and what lies on it."""

    url: str
    containers: list[Contained]
    link: Child | None = None
    reverse: ReverseChild | None = None


class StackPaths:
    """Makes the containers of a trial's path. Each ends with the trial, as its part of it."""

    def __init__(self, stack: ContainerStack, study: Study) -> None:
        self._stack = stack
        paths = [one.path for setting in study.settings for one in contestants_of(setting.experiment)]
        if any(path.is_forwarded for path in paths):
            stack.build(LINK)
        self._certificate = certificate_for(study, [stack.host(name) for name in (REVERSE, LINK, *TRANSPORTS)])
        self.authority = "" if self._certificate is None else self._certificate.authority

    def lend(self, server: Container) -> None:
        """Put the run's certificate, if it has one, where all servers of the stack look for one when they start."""
        if self._certificate is not None:
            server.write(CERTIFICATES, self.files)

    def take_back(self) -> None:
        """Remove it again, if a server is there. Those that have started meanwhile speak TLS until they are restarted.

        Raises TrialFailed when it stays.
        """
        if self._certificate is None:
            return
        for server in self._stack.containers(next(iter(TRANSPORTS))):
            code, said = server.said("rm", "-f", *(f"{CERTIFICATES}/{name}" for name in (CHAIN, KEY)))
            if code:
                raise TrialFailed(f"the run's certificate is still in the stack's volume tls: {said.strip()}")

    def start(self, plan: Plan, replicas: Sequence[str]) -> ContainedPath:
        """Start what lies on the path of a plan, before the stack's server, or before replicas with these names.

        Raises TrialFailed when something does not come up, or does not let a WebSocket's clients upgrade.
        """
        speaks_tls = plan.path.tls and not plan.path.has_reverse_proxy
        server = f"{self._stack.host(plan.transport.name)}:{SERVER_TLS_PORT if speaks_tls else plan.transport.port}"
        found = ContainedPath(f"{_scheme(plan)}://{server}", [])
        try:
            if plan.path.has_reverse_proxy:
                servers = [f"{name}:{REPLICA_PORT}" for name in replicas] or [server]
                found = self._through_reverse_proxy(plan, servers)
                server = f"{self._stack.host(REVERSE)}:{REVERSE_PORT}"
            if plan.path.has_proxy:
                found = self._over_link(found, plan, server)
        except BaseException:  # Ctrl-C, too
            self.end()
            raise
        return found

    def end(self) -> None:
        """Remove all containers of a path: those of a trial whose load did not start, or of a run that was killed."""
        for name in (LINK, REVERSE, REPLICA):
            for container in self._stack.passing(name):
                container.stop()

    def close(self) -> None:
        """Remove everything, the certificate's files as well."""
        self.end()
        if self._certificate is not None:
            self._certificate.remove()

    @property
    def files(self) -> dict[str, str]:
        """The files of the run's certificate, by their names; none without one."""
        made = self._certificate
        return {} if made is None else {CHAIN: made.chain.read_text(), KEY: made.key.read_text()}

    def _through_reverse_proxy(self, plan: Plan, servers: Sequence[str]) -> ContainedPath:
        program, path = program_of(plan.path.proxy), plan.path
        files: dict[str, str] = {}
        certificate = None
        if self._certificate is not None and path.tls:
            files = self.files
            certificate = Certificate(DIRECTORY / CHAIN, DIRECTORY / KEY)
        clients = connections_of(plan.experiment)
        route = Route(REVERSE_PORT, servers, clients, path, DIRECTORY, certificate, is_contained=True)
        file = DIRECTORY / f"{program.name}.{program.ending}"

        def command(arguments: tuple[str, ...]) -> list[str]:
            return [program.name, *arguments_of(arguments, file, DIRECTORY)]

        order = ContainerOrder(
            command=command(program.start),
            files=files | {file.name: configuration_of(program, route)},
            check=command(program.check),
            variables=dict.fromkeys(program.variables, str(DIRECTORY)),
        )
        container = self._made(REVERSE, order)
        _wait(container, lambda: _listens(container, REVERSE_PORT))
        time.sleep(SETTLE_SECONDS)
        version = version_in(container.said(program.name, *program.version)[1])
        idle, cpus = container.memory(), container.cpus or None
        child = ReverseChild(container, container.port(REVERSE_PORT), path, version, idle, cpus)
        if plan.transport.name == "websocket" and path.http == 1:  # over HTTP/2 its SETTINGS say so
            refuse_without_upgrade(child, target_of(plan) or plan.transport.path)
        url = f"{_scheme(plan)}://{self._stack.host(REVERSE)}:{REVERSE_PORT}"
        return ContainedPath(url, [container], reverse=child)

    def _over_link(self, found: ContainedPath, plan: Plan, server: str) -> ContainedPath:
        token = secrets.token_urlsafe(18)
        command = link_arguments(plan, f"{EVERYWHERE}:{LINK_PORT}", LINK_CONTROL_PORT, server)
        order = ContainerOrder([PYTHON, *command], variables={variable_of("control_token"): token})
        container = self._made(LINK, order)
        control = container.peer("the proxy", LINK_CONTROL_PORT, token=token)
        _wait(container, lambda: _answers(control))
        url = f"{_scheme(plan)}://{self._stack.host(LINK)}:{LINK_PORT}"
        return found._replace(url=url, containers=[*found.containers, container], link=Child(container, control))

    def _made(self, name: str, order: ContainerOrder) -> Contained:
        variable = f"{name.replace('-', '_').upper()}_ORDER"
        return self._stack.make(name, {variable: msgspec.json.encode(order).decode()})[0]


def _scheme(plan: Plan) -> str:
    return "https" if plan.path.tls else "http"


def _listens(container: Contained, port: int) -> bool:
    try:
        return not container.said(PYTHON, "-S", "-c", LISTENS, str(port))[0]
    except TrialFailed:  # it has just ended; its log says more than the engine
        return False


def _answers(control: Peer) -> bool:
    try:
        control.get("/report", object)
    except TrialFailed:
        return False
    return True


def _wait(container: Contained, is_up: Callable[[], bool]) -> None:
    """Wait until a container of a path is up.

    Raises TrialFailed, with the end of its log, when it does not come up.
    """
    deadline = time.monotonic() + UP_SECONDS
    while not is_up():
        if container.has_ended() or time.monotonic() > deadline:
            raise container.failure("does not come up")
        time.sleep(TICK_SECONDS)
