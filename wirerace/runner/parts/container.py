"""Containers of an experiment: their costs, whether they run, and the end of their logs."""

import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from docker.errors import DockerException, NotFound
from docker.models.containers import Container as DockerContainer

from wirerace.clock import now_ns
from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.parts.groups import cpu_seconds_of, is_stopped
from wirerace.runner.parts.part import LAST_LINES, MOST_RESTARTS, Contained, end_of
from wirerace.runner.peer import ANSWER_SECONDS, Peer
from wirerace.stopping import whole
from wirerace.system import blamed_on

NANO = 1e9
UPDATE_SECONDS = 30.0
PYTHON = "/opt/venv/bin/python"
"""Python, in every image of ours."""
USER = 10001
"""The user in every image of ours."""
PAUSED = "paused"
END_SECONDS = 6  # as processes have; a service stops within 5 s of SIGTERM


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Raise TrialFailed when the engine refuses a request about a part, or does not answer."""
    try:
        yield
    except (DockerException, OSError) as error:
        raise TrialFailed(f"{name}: the engine says {str(error).strip()[:200]}") from None


class Container:
    """One container of the stack, which exists before the experiment and after it."""

    shares_network = False

    def __init__(self, name: str, container: DockerContainer) -> None:
        self.name = name
        self.restarts = 0
        self.gives_up_at = MOST_RESTARTS
        self._container = container
        self._stalling: subprocess.Popen[bytes] | None = None
        self._ending: subprocess.Popen[bytes] | None = None

    @property
    def members(self) -> "Sequence[Container]":
        """Itself: there are no others."""
        return [self]

    def port(self, inside: int) -> int:
        """Return the port of this machine at which a port of the container is published."""
        with asking(self.name):
            self._container.reload()
        bindings = self._container.ports.get(f"{inside}/tcp")
        if not bindings:
            raise TrialFailed(f"{self.name} publishes no port for {inside}: compare docker-compose.yml")
        return int(bindings[0]["HostPort"])

    def peer(self, name: str, inside: int, *, token: str = "", answer_seconds: float = ANSWER_SECONDS) -> Peer:
        """Return its HTTP side at a port of it."""
        return Peer(name, self.port(inside), token=token, answer_seconds=answer_seconds)

    def variable(self, name: str) -> str:
        """Return a variable of its environment, empty without one."""
        given: dict[str, str] = dict(one.partition("=")[::2] for one in self._container.attrs["Config"]["Env"] or ())
        return given.get(name, "")

    @property
    def host(self) -> str:
        """Its name in the networks that it shares with others."""
        return str(self._container.name)

    @property
    def cpus(self) -> float:
        """Its CPU quota in cores; 0 without one."""
        return float(self._container.attrs["HostConfig"].get("NanoCpus") or 0) / NANO

    def limit(self, cpus: float) -> None:
        """Give it a CPU quota in cores, or the one of the whole machine with 0.

        Raises TrialFailed when the engine refuses.
        """
        # Compose has set a quota in a unit that the engine's Python client does not know, and there may be one only.
        command = ["docker", "update", "--cpus", f"{cpus or os.cpu_count() or 1:g}", str(self._container.id)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=UPDATE_SECONDS)  # noqa: S603
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", "") or error).strip()[:200]
            raise TrialFailed(f"{self.name}: docker update: {said}") from None

    def has_ended(self) -> bool:
        """Return whether it is not running."""
        try:
            with asking(self.name):
                self._container.reload()
        except TrialFailed:
            return True
        return str(self._container.status) not in {"running", PAUSED}

    def is_stopped(self) -> bool:
        """Return whether it is paused, or, if that is visible, whether a signal has stopped its first process."""
        if self._stalling is not None and self._stalling.poll() is None:
            return True
        return is_stopped(str(self._container.id), self._container.attrs["State"]["Pid"])

    def kill(self) -> None:
        """Kill it at once; its target starts it again when it looks next."""
        with asking(self.name):
            self._container.kill()

    def end(self) -> None:
        """Let it end in order, and return at once: the engine kills it if it takes too long.

        A process of its own does it, because the engine answers when the container has ended.
        """
        command = ["docker", "stop", "-t", f"{END_SECONDS:g}", str(self._container.id)]
        with whole(), blamed_on(self.name):
            self._ending = subprocess.Popen(  # noqa: S603 -- our own
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def fill(self) -> None:
        """Fail: its disk is the engine's. A target refuses the fault before the run."""
        raise TrialFailed(f"{self.name}: the disk of a container cannot be filled")

    def stall(self, seconds: float) -> None:
        """Pause it from now on for a time.

        A separate shell unpauses it, even if this process ends meanwhile. The shell is started before the pause, so
        that the pause always ends.
        """
        command = ["/bin/sh", "-c", f"sleep {seconds:f}; docker unpause {self._container.id}"]
        with whole(), blamed_on(self.name), asking(self.name):
            self._stalling = subprocess.Popen(  # noqa: S603 -- our own
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
            self._container.pause()

    def said(self, *command: str) -> tuple[int, str]:
        """Run a command in it. Return its exit code and its output.

        Raises TrialFailed when the engine refuses, such as when the container has ended.
        """
        with asking(self.name):
            code, said = self._container.exec_run(list(command))
        return code or 0, (said if isinstance(said, bytes) else b"").decode(errors="replace")

    def write(self, directory: str, files: Mapping[str, str]) -> None:
        """Write files into a directory of it, which only its user may read.

        Raises TrialFailed when the engine refuses.
        """
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            for name, text in files.items():
                about, content = tarfile.TarInfo(name), text.encode()
                about.size, about.mode, about.uid, about.gid = len(content), 0o600, USER, USER
                packed.addfile(about, io.BytesIO(content))
        with asking(self.name):
            self._container.put_archive(directory, archive.getvalue())

    def start_anew(self) -> None:
        """Restart it: a fresh process, as in a new container."""
        with asking(self.name):
            self._container.restart(timeout=5)

    def restart(self) -> None:
        """Start it again after it has died."""
        self.restarts += 1
        if self._ending is not None:  # the engine says that it has ended a little before docker stop does
            self._ending.wait()
            self._ending = None
        with asking(self.name):
            self._container.start()

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of its control group so far; None if it is not available.

        It is fast, because a window begins meanwhile.
        """
        try:
            with asking(self.name):
                self._container.reload()
        except TrialFailed:
            return None
        return cpu_seconds_of(str(self._container.id), self._container.attrs["State"]["Pid"])

    def memory(self) -> Memory:
        """Return the memory of its control group: its processes' own, and the kernel's for it.

        The processes' own memory is `total_rss` in control groups of version 1, and `anon` in version 2. Files are left
        out. Only version 2 reports the slab.
        """
        began_ns, memory = now_ns(), self._stats().get("memory_stats", {})
        parts = memory.get("stats", {})
        own = parts.get("anon", parts.get("total_rss"))
        files = parts.get("file", parts.get("total_cache"))
        is_known = own is not None and files is not None and "usage" in memory
        return Memory(
            began_ns=began_ns,
            user_bytes=own if is_known else None,
            socket_bytes=max(0, memory["usage"] - own - files) if is_known else None,
            slab_bytes=parts.get("slab"),
            kernel_of="container",
            ended_ns=now_ns(),
        )

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong, with the last lines of its log."""
        lines: list[str] = []
        with suppress(TrialFailed), asking(self.name):
            lines = self._container.logs(tail=LAST_LINES + 1).decode(errors="replace").splitlines()
        return TrialFailed(f"{self.name} {what}; its log ends: {end_of(lines)}")

    def own_cpu_seconds(self) -> float | None:
        """Return None: its control group includes its health checks, so its service's own metric is used."""
        return None

    def stop(self) -> None:
        """Leave it running, because the stack belongs to its user."""
        self.resume()

    def resume(self) -> None:
        """Unpause it, if it is paused."""
        if self._stalling is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._stalling.pid, signal.SIGKILL)
        self._stalling.wait()
        self._stalling = None
        with asking(self.name):
            self._container.reload()
            if self._container.status == PAUSED:
                self._container.unpause()

    def _stats(self) -> dict[str, Any]:
        """Ask the engine, which takes a second: it waits for its next reading of the container."""
        found = None
        with suppress(TrialFailed), asking(self.name):
            found = self._container.stats(stream=False, one_shot=True)
        return found if isinstance(found, dict) else {}


class PassingContainer(Container):
    """A container that belongs to a trial, and is removed when it is stopped."""

    def stop(self) -> None:
        """Remove it at once."""
        self.resume()
        with asking(self.name), suppress(NotFound):
            self._container.remove(force=True)


class ContainerCrew:
    """Several containers that do one job; `on_stop` ends the job, not the containers."""

    def __init__(self, members: Sequence[Contained], on_stop: Callable[[], None]) -> None:
        self.members = members
        self._on_stop = on_stop

    def has_ended(self) -> bool:
        """Return whether any of them ended."""
        return any(member.has_ended() for member in self.members)

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong: with the first part that ended, or with the first of all."""
        return next((member for member in self.members if member.has_ended()), self.members[0]).failure(what)

    def stop(self) -> None:
        """End the job."""
        self._on_stop()
