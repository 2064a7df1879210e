"""The target of a load on other hosts: producer and servers run here, and Locust's workers come from there."""

import socket
from collections.abc import Sequence
from pathlib import Path

from wirerace.addresses import spelled
from wirerace.errors import BadInput
from wirerace.experiment.model import LoadOptions
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.runner.parts.process import Processes
from wirerace.runner.targets.local import LOAD, Local
from wirerace.runner.targets.locust import master_of
from wirerace.runner.targets.supported import OF_HOSTS
from wirerace.runner.targets.target import Child

CLOCK = "the clock"


class WithHosts(Local):
    """Starts the parts of a trial on this machine, but for the load's workers: it waits for those of other hosts.

    What these have to reach listens at one address of this machine: Locust's master at the first of three ports, what
    answers probes of the clock at the second (UDP), and the server, or the link before it, at the third. All else stays
    on loopback.

    Raises BadInput when the address is none of this machine's, or one of the ports is taken.
    """

    supported = OF_HOSTS
    other_hosts = True

    def __init__(
        self, study: Study, directory: Path, *, page_port: int | None = None, page_origins: Sequence[str] = ()
    ) -> None:
        load = study.first.load
        self.address, self.entry_port = load.address, load.first_port + 2
        self._port = load.first_port
        self._refuse_taken()
        super().__init__(study, directory, page_port=page_port, page_origins=page_origins)
        self.clock = spelled(self.address, self._port + 1)
        self.load_cores = load.processes

    def begin_trial(self, plan: Plan) -> None:
        """Start parts again that have died since the last trial. Each load process has a core on its own host."""
        super().begin_trial(plan)
        self.load_cores = plan.experiment.load.processes

    def start_producer(self) -> Child:
        """Start the producer, and beside it what answers probes of this machine's clock."""
        command = ["-m", "wirerace.runner.clocks", self.address, str(self._port + 1)]
        self._start(CLOCK, "clock", command, [])
        return super().start_producer()

    def _start_locust(self, load: LoadOptions, log: str, arguments: list[str], locust: list[str]) -> Processes:
        """Start a master with the arguments, which waits for the workers."""
        master = master_of(load.processes, self.address, self._port)
        return Processes([self._start(LOAD, log, [*locust, *master, *arguments], self.cores.load)])

    def _refuse_taken(self) -> None:
        """Raise BadInput when nothing can listen at the address, or at one of its ports."""
        _bind(socket.SOCK_STREAM, self.address, 0, f"load.address: {self.address} is no address of this machine")
        for number, kind in enumerate((socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            port = self._port + number
            _bind(kind, self.address, port, f"load.first_port: port {port} of {self.address} is not free")


def _bind(kind: socket.SocketKind, host: str, port: int, otherwise: str) -> None:
    """Bind a socket and close it again.

    Raises BadInput when that is not possible.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError) as error:
            raise BadInput(f"{otherwise}: {getattr(error, 'strerror', '') or error}") from None


def local_target(study: Study, directory: Path) -> Local:
    """Return the target of this machine's processes: with its own load, or with one on other hosts."""
    return WithHosts(study, directory) if study.first.load.address else Local(study, directory)
