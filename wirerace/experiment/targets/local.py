"""The local target: producer, server and load as processes on loopback."""

import importlib.util
import os
import random
import socket
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.http import Peer
from wirerace.experiment.model import Experiment, Plan
from wirerace.experiment.targets.process import Process
from wirerace.options import fields_at, flag_of

SPARE_DESCRIPTORS = 200
"""What a process opens beside one socket for each client."""
PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections, so that none takes the port of a server that restarts."""


LOAD = "the load"
MOST_RESTARTS = 3


class Child(NamedTuple):
    """A process and how to speak to it."""

    process: Process
    peer: Peer


class Local:
    """Starts what a trial needs and stops all of it. Each server gets a core of its own where there are two."""

    def __init__(self, experiment: Experiment, directory: Path) -> None:
        self._experiment = experiment
        self._directory = directory
        self._processes: list[Process] = []
        self._server_cores, self._load_cores = _split_cores() if experiment.load.pin_cores else ((), ())
        raise_descriptor_limit(experiment.clients.count + SPARE_DESCRIPTORS)

    def start_producer(self) -> Child:
        """Start the producer, idle until it is given a schedule."""
        record = self._directory.resolve() / "raw" / "producer.jsonl"
        record.parent.mkdir(parents=True, exist_ok=True)
        return self._start_service("producer", "producer", ["--idle", "true", "--record-file", str(record)], ())

    def start_server(self, plan: Plan, producer: Peer) -> Child:
        """Start a fresh server of the plan's transport."""
        name, options = plan.transport.name, self._experiment.options_of(plan.transport)
        arguments = ["--producer-url", producer.url]
        for field in fields_at(plan.transport.options, "server"):
            arguments += [flag_of(field.name), str(getattr(options, field.name))]
        return self._start_service(name, _log_name(plan, name), arguments, self._server_cores)

    def start_load(self, plan: Plan, server: Peer) -> Child:
        """Start Locust with the plan's clients; they subscribe at once."""
        experiment, name = self._experiment, plan.transport.name
        control = Peer(LOAD, _free_port())
        of_transport = experiment.options_of(plan.transport)
        fields = fields_at(plan.transport.options, "client")
        options = {f"{name}_{field.name}": getattr(of_transport, field.name) for field in fields}
        flags = {
            "users": experiment.clients.count,
            "spawn_rate": experiment.clients.spawn_per_second,
            f"{name}_host": server.url,
            "load_seed": plan.seed,
            "control_port": control.port,
        } | options
        command = ["-m", "locust", "-f", _locustfile(), "--headless", "--only-summary", "--loglevel", "WARNING"]
        for flag, value in flags.items():
            command += [flag_of(flag), str(value).lower() if isinstance(value, bool) else str(value)]
        command.append(plan.transport.user_class)
        return Child(self._start(LOAD, _log_name(plan, "load"), command, self._load_cores), control)

    def watch(self) -> None:
        """Start what has died again; Locust is not started again, for its ledgers are gone.

        Raises TrialFailed when the load has died.
        """
        for process in self._processes:
            if process.has_ended():
                if process.name == LOAD or process.restarts == MOST_RESTARTS:
                    raise process.failure("ended in the middle of the trial")
                process.restart()

    def stop(self, *processes: Process) -> None:
        """Stop some processes, in this order."""
        for process in processes:
            if process in self._processes:
                self._processes.remove(process)
            process.stop()

    def close(self) -> None:
        """Stop everything that still runs, the newest first."""
        self.stop(*reversed(self._processes))

    def _start_service(self, name: str, log_name: str, arguments: list[str], cores: Collection[int]) -> Child:
        peer = Peer(name, _free_port())
        command = ["-m", "services", name, "--port", str(peer.port), *arguments]
        return Child(self._start(name, log_name, command, cores), peer)

    def _start(self, name: str, log_name: str, command: list[str], cores: Collection[int]) -> Process:
        process = Process(name, command, self._directory.resolve() / "logs" / f"{log_name}.log", cores)
        self._processes.append(process)
        return process


def raise_descriptor_limit(needed: int) -> None:
    """Raise the soft limit on open files to what is needed.

    Raises BadInput when the hard limit lies below that.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 -- there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BadInput(f"{needed} open files are needed, the hard limit is {hard}: raise it with ulimit -Hn {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _split_cores() -> tuple[Collection[int], Collection[int]]:
    """Return the cores for the server and for the load: two that share no hardware core, where there are."""
    if not hasattr(os, "sched_getaffinity"):
        return (), ()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return (), ()
    server = cores[0]
    siblings = Path(f"/sys/devices/system/cpu/cpu{server}/topology/thread_siblings_list")
    shared = _core_list(siblings.read_text()) if siblings.exists() else {server}
    others = [core for core in cores if core not in shared] or cores[1:]
    return {server}, {others[0]}


def _core_list(text: str) -> set[int]:
    """Return the cores in a list such as `0,4-6`."""
    bounds = [part.split("-") for part in text.strip().split(",")]
    return {core for bound in bounds for core in range(int(bound[0]), int(bound[-1]) + 1)}


def _free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise TrialFailed(f"no free port between {PORTS.start} and {PORTS.stop}: end what listens there")


def _locustfile() -> str:
    spec = importlib.util.find_spec("loadtests")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise BadInput("the package loadtests is not installed: run this with the Python of .venv, or make race")
    return str(Path(places[0]) / "locustfile.py")


def _log_name(plan: Plan, part: str) -> str:
    return f"{plan.repeat}-{plan.transport.name}-{part}" if part == "load" else f"{plan.repeat}-{part}"
