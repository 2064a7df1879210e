"""Starting other people's servers, or finding those that run already."""

import http.client
import shlex
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.experiment.servers import ForeignServer
from wirerace.experiment.shipped import folder_of, shipped_servers
from wirerace.host.ports import free_port
from wirerace.runner.foreign.installed import found
from wirerace.runner.parts.command import CommandServer
from wirerace.runner.parts.part import Crew, Part
from wirerace.runner.parts.quota import Quota
from wirerace.runner.parts.running import RunningServer
from wirerace.runner.peer import Peer
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.system import blamed_on
from wirerace.tls import authority_in, context_of, cure_of, refusal_of

REACH_SECONDS = 5.0
SPARE_CONNECTIONS = 100
"""What a shipped server may have open besides twice its clients: one may be back before its old connection is gone."""


Waited = Callable[[], float | None]


class ForeignPeer(Peer):
    """A foreign server's HTTP side, of which nothing of ours is expected but its `place`."""

    has_metrics = False

    def __init__(self, name: str, place: ForeignServer, waited: Waited = lambda: None) -> None:
        """`waited` returns how long the server's processes had no core so far, None if that is not known.

        Raises TrialFailed when the authority of its certificate cannot be read.
        """
        self.waited_seconds = waited
        host, port = place.address
        super().__init__(name, port, host=host)
        self.place = place
        self.authority = authority_of(name, place)
        self.secure_port = port if place.has_tls else None

    def is_up(self, path: str = "/health") -> bool:
        """Return whether it works: it answers /health if it keeps the contract, else its port is open.

        Raises TrialFailed, with the cure, when its certificate does not fit.
        """
        if self.place.has_tls:
            self._check_certificate()
        return super().is_up(path) if self.place.follows_contract else self.is_open()

    def _connection(self, within_seconds: float) -> http.client.HTTPConnection:
        if not self.place.has_tls:
            return super()._connection(within_seconds)
        context = context_of(self.authority)
        return http.client.HTTPSConnection(*self.place.address, timeout=within_seconds, context=context)

    def _check_certificate(self) -> None:
        try:
            with closing(self._connection(REACH_SECONDS)) as connection:
                connection.connect()
        except ssl.SSLError as error:
            cure = cure_of(error, "authority_file in its server")
            raise TrialFailed(f"{self.name}: {self.place.url}: {refusal_of(error)}: {cure}") from None
        except OSError:  # it may not be up yet
            return


def authority_of(name: str, server: ForeignServer) -> str:
    """Return the authority that clients of a server trust; empty for those of the system.

    Raises TrialFailed when it cannot be read.
    """
    try:
        return authority_in(server.authority_file, f"{name}: authority_file") if server.authority_file else ""
    except BadInput as error:
        raise TrialFailed(str(error)) from None


class ForeignParts:
    """The foreign servers of an experiment. `running` are those that run already; `logs` is where the others log."""

    def __init__(self, logs: Path) -> None:
        self.running: list[Part] = []
        self._logs = logs

    def start(self, plan: Plan, producer_url: str, cores: Sequence[int]) -> tuple[Child, list[CommandServer]]:
        """Return a contestant's server, and its process if it was started for this trial.

        Raises TrialFailed when it is not installed, cannot be reached, or may not be read.
        """
        name, server = plan.contestant.id, plan.contestant.server
        if server is None or not server.is_started:
            child = _running(name, server or ForeignServer())
            self.running.append(child.part)
            return child, []
        log = self._logs / f"{plan.name}.log"
        values = {"port": str(free_port()), "publish_port": str(free_port()), "producer": producer_url}
        placed = server.placed(values)
        start = _shipped(plan, placed, values, log) if server.start else Start(placed.command, {}, None)
        cpus = plan.experiment.servers.cpus
        quota = None if cpus is None else Quota(cpus)
        try:
            with whole():
                part = CommandServer(name, start.command, log, cores, start.variables, quota, start.scratch)
        except BaseException:
            if quota is not None:
                quota.remove()
            raise
        return Child(part, ForeignPeer(name, placed, part.waited_seconds)), [part]

    def watch(self) -> None:
        """Raise TrialFailed when a server that runs already has ended."""
        for part in self.running:
            if part.has_ended():
                raise part.failure("ended in the middle of the trial")

    def leave(self, crew: Crew) -> None:
        """Look no more at a server that was running before the trial."""
        self.running = [part for part in self.running if part not in crew.members]


def _running(name: str, server: ForeignServer) -> Child:
    """Return a server that runs already.

    Raises TrialFailed when it cannot be reached, or may not be read.
    """
    try:
        socket.create_connection(server.address, REACH_SECONDS).close()
    except OSError as error:
        raise TrialFailed(
            f"{name}: {server.url} cannot be reached: {error.strerror or error}: start it, or correct url in its server"
        ) from None
    if server.container:
        from wirerace.runner.foreign.contained import contained  # noqa: PLC0415 -- Docker's client takes long to import

        return Child(contained(name, server.container), ForeignPeer(name, server))
    part = RunningServer(name, server.pid or None, is_local=server.is_local)
    return Child(part, ForeignPeer(name, server, part.waited_seconds))


class Start(NamedTuple):
    """What starts a server: its command, its variables, and a directory of its own, if it needs one."""

    command: str
    variables: dict[str, str]
    scratch: Path | None


def _shipped(plan: Plan, server: ForeignServer, ports: Mapping[str, str], log: Path) -> Start:
    """Return what starts a shipped server. Its configuration is filled in, and lies beside its log.

    Raises TrialFailed when something that it needs is not installed.
    """
    shipped, here = shipped_servers()[server.start], folder_of(server.start)
    places = found(plan.contestant.id, shipped.needs, server.node_modules)
    scratch = Path(tempfile.mkdtemp(prefix="wirerace-"))
    values = {
        **places,
        **ports,
        "here": str(here),
        "scratch": str(scratch),
        "python": sys.executable,
        "connections": str(2 * plan.experiment.clients.most + SPARE_CONNECTIONS),
        "hold_seconds": f"{getattr(plan.options, 'hold_seconds', 0):.0f}",
    }
    if shipped.configuration:
        text = (here / shipped.configuration).read_text("utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        configuration = log.with_name(f"{log.stem}.{shipped.configuration}")
        with blamed_on(configuration):
            configuration.write_text(text, "utf-8")
        values["configuration"] = str(configuration)
    words = [word.format_map(values) for word in shlex.split(server.command)]
    return Start(shlex.join(words), {"NODE_PATH": places["modules"]} if "modules" in places else {}, scratch)
